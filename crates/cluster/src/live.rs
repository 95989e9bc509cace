//! The custom resource `EnvcryptSecret`, as its controller reads it, and its status.

use kube::core::ObjectMeta;
use kube::core::params::{GetParams, Patch, PatchParams, PostParams};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::json;

use envcrypt_core::manifest::{Form, Spec};
use envcrypt_core::secret::Place;

use super::{Cluster, ClusterError, requests};
use crate::error::Operation;

/// The field manager of the controller.
pub const CONTROLLER: &str = "envcrypt-controller";
/// The annotation that asks the controller to check everything again. Any new text does.
const RESYNC_ANNOTATION: &str = "envcrypt.dev/resync";

/// An `EnvcryptSecret` of the cluster.
#[derive(Debug, Clone)]
pub struct LiveResource {
    /// Its namespace and name.
    pub place: Place,
    /// Its uid.
    pub uid: String,
    /// Its resource version.
    pub version: String,
    /// The generation of its spec.
    pub generation: i64,
    /// Whether it is being deleted.
    pub is_going: bool,
    /// The first 64 characters of the annotation `envcrypt.dev/resync`.
    pub resync: Option<String>,
    /// Its spec, or `None` if it has not the form of one.
    pub spec: Option<Spec>,
    /// Its status.
    pub status: ResourceStatus,
}

/// The status of an `EnvcryptSecret`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ResourceStatus {
    /// The generation that the conditions are about.
    pub observed_generation: i64,
    /// The digest of what was delivered last: of the sealed values and the seal, never of plaintext.
    pub digest: Option<String>,
    /// The digest of its wrapped data keys when it was opened last.
    pub wrapped: Option<String>,
    /// When it was sealed, in RFC 3339.
    pub sealed_at: Option<String>,
    /// Its KEKs, separated by commas.
    pub keks: Option<String>,
    /// The plain Secret as the controller left it.
    pub target: Option<Version>,
    /// The text of the annotation `envcrypt.dev/resync` that was heeded last.
    pub last_resync: Option<String>,
    /// `Ready`, and `Reconciling` or `Stalled`: as kstatus has them.
    pub conditions: Vec<Condition>,
}

/// One condition of a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`, `Reconciling` or `Stalled`.
    pub r#type: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// One word.
    pub reason: String,
    /// A sentence.
    pub message: String,
    /// When `status` changed last, in RFC 3339.
    pub last_transition_time: String,
    /// The generation that it is about.
    #[serde(default)]
    pub observed_generation: i64,
}

/// One version of an object. The API server gives it, and no one can choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Version {
    /// Its uid.
    pub uid: String,
    /// Its resource version, which changes with each write.
    pub resource_version: String,
}

/// An `EnvcryptSecret` as the API server sends it. One that is broken must not hide the others.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Raw {
    pub(crate) metadata: ObjectMeta,
    #[serde(default, deserialize_with = "lenient")]
    spec: Option<Spec>,
    #[serde(default, deserialize_with = "lenient")]
    status: Option<ResourceStatus>,
}

fn lenient<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Lenient<T> {
        Good(T),
        Bad(IgnoredAny),
    }
    Ok(match Lenient::deserialize(from)? {
        Lenient::Good(good) => Some(good),
        Lenient::Bad(_) => None,
    })
}

impl Raw {
    /// Returns `None` if the API server sent no valid name.
    pub(crate) fn live(self) -> Option<LiveResource> {
        let place = place(&self.metadata)?;
        let resync = self.metadata.annotations.and_then(|mut all| all.remove(RESYNC_ANNOTATION));
        let resync = resync.map(|text| text.chars().take(64).collect());
        Some(LiveResource {
            place,
            uid: self.metadata.uid?,
            version: self.metadata.resource_version?,
            generation: self.metadata.generation.unwrap_or_default(),
            is_going: self.metadata.deletion_timestamp.is_some(),
            resync,
            spec: self.spec,
            status: self.status.unwrap_or_default(),
        })
    }
}

/// The place of an object, if its names are valid.
pub(crate) fn place(metadata: &ObjectMeta) -> Option<Place> {
    let namespace = metadata.namespace.as_deref()?.parse().ok()?;
    Some(Place { namespace, name: metadata.name.as_deref()?.parse().ok()? })
}

impl Cluster {
    /// Gets one `EnvcryptSecret`, or `None` if it does not exist.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if the request fails.
    pub async fn resource(&self, place: &Place) -> Result<Option<LiveResource>, ClusterError> {
        let request = requests(Form::Resource, Some(&place.namespace))
            .get(place.name.as_str(), &GetParams::default());
        match self.send::<Raw>(request, operation("get", place)).await {
            Ok(raw) => raw.live().map(Some).ok_or(ClusterError::Answer),
            Err(ClusterError::NotFound(_) | ClusterError::ResourceNotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the status of exactly this version.
    ///
    /// # Errors
    /// Returns [`ClusterError::Changed`] if someone else changed the object.
    pub async fn put_status(
        &self,
        resource: &LiveResource,
        status: &ResourceStatus,
    ) -> Result<(), ClusterError> {
        let metadata = json!({ "uid": resource.uid, "resourceVersion": resource.version });
        let patch = Patch::Merge(json!({ "metadata": metadata, "status": status }));
        let place = &resource.place;
        let requests = requests(Form::Resource, Some(&place.namespace));
        let name = place.name.as_str();
        let request = requests.patch_subresource("status", name, &patch_params(), &patch);
        self.send::<IgnoredAny>(request, operation("patch", place)).await.map(drop)
    }
}

/// The parameters of a patch by the controller.
pub(crate) fn patch_params() -> PatchParams {
    PatchParams { field_manager: Some(CONTROLLER.to_owned()), ..PatchParams::default() }
}

/// The parameters of a new object of the controller.
pub(crate) fn post_params(dry_run: bool) -> PostParams {
    PostParams { dry_run, field_manager: Some(CONTROLLER.to_owned()) }
}

fn operation(verb: &'static str, place: &Place) -> Operation {
    Operation::at(verb, place, false).form(Form::Resource)
}
