//! `EnvcryptSecret`s, the custom resources, in a cluster that may not have them.

use kube::core::params::{GetParams, ListParams};
use kube::core::request::Request as Requests;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{Cluster, ClusterError, Operation, WriteOptions, secrets};
use envcrypt_core::manifest::{Form, LAST_APPLIED_ANNOTATION, Object};
use envcrypt_core::secret::{Namespace, Place};

/// The group and the version of the API.
const API: &str = "/apis/envcrypt.dev/v1alpha1";

impl Cluster {
    /// Gets one sealed or plain Secret, or one `EnvcryptSecret`.
    pub async fn get_as(&self, place: &Place, form: Form) -> Result<Object, ClusterError> {
        let request = requests(form, Some(&place.namespace));
        let request = request.get(place.name.as_str(), &GetParams::default());
        let object: Object =
            self.send_about(request, Operation::get(place).form(form), place).await?;
        if object.form() == form { Ok(object) } else { Err(ClusterError::Answer) }
    }

    /// The same, or `None` if it does not exist.
    pub async fn find_as(&self, place: &Place, form: Form) -> Result<Option<Object>, ClusterError> {
        match self.get_as(place, form).await {
            Ok(object) => Ok(Some(object)),
            Err(ClusterError::NotFound(_) | ClusterError::ResourceNotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the `EnvcryptSecret`s of one or all namespaces, one page at a time. A cluster without
    /// the custom resource has none.
    pub async fn envcrypt_secrets(
        &self,
        namespace: Option<&Namespace>,
        selector: Option<&str>,
        each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        let params =
            ListParams { label_selector: selector.map(str::to_owned), ..Default::default() };
        match self.objects(Form::Resource, namespace, params, each).await {
            Err(ClusterError::NoCustomResource) => Ok(()),
            // The API server may not say to everyone that it has no such resource.
            Err(ClusterError::Forbidden { .. }) if !self.has_resources().await? => Ok(()),
            listed => listed,
        }
    }

    /// Whether the cluster has the custom resource. Everyone may ask this.
    async fn has_resources(&self) -> Result<bool, ClusterError> {
        let request = Requests::new("/apis").get("envcrypt.dev", &GetParams::default());
        let operation = Operation::list(None).form(Form::Resource);
        match self.send::<IgnoredAny>(request, operation).await {
            Ok(_) => Ok(true),
            Err(ClusterError::NoCustomResource) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Writes new sealed parts into exactly this version of an `EnvcryptSecret`, and removes the
    /// keys of `gone`.
    pub(super) async fn patch_resource(
        &self,
        place: &Place,
        object: &Object,
        gone: &[String],
        dry_run: bool,
    ) -> Result<(), ClusterError> {
        let version = object.metadata.other.get("resourceVersion").ok_or(ClusterError::Answer)?;
        let spec = object.spec.as_ref().ok_or(ClusterError::Answer)?;
        let mut sealed = serde_json::to_value(&spec.sealed).expect("a spec is plain text");
        for key in gone {
            sealed["values"][key] = Value::Null;
        }
        // What is not in a merge patch stays.
        for field in ["type", "immutable", "signatures"] {
            sealed[field] = sealed.get(field).cloned().unwrap_or(Value::Null);
        }
        let patch = json!({
            "metadata": {
                "annotations": { LAST_APPLIED_ANNOTATION: null },
                "resourceVersion": version,
            },
            "spec": { "sealed": sealed },
        });
        let options = WriteOptions { dry_run, ..WriteOptions::default() };
        self.merge(place, object, patch, &options).await
    }
}

/// The requests for objects of this form.
pub(super) fn requests(form: Form, namespace: Option<&Namespace>) -> Requests {
    match (form, namespace) {
        (Form::Secret, namespace) => secrets(namespace),
        (Form::Resource, None) => Requests::new(format!("{API}/envcryptsecrets")),
        (Form::Resource, Some(namespace)) => {
            Requests::new(format!("{API}/namespaces/{namespace}/envcryptsecrets"))
        }
    }
}
