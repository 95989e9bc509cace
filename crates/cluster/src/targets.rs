//! The plain Secret that the controller keeps. No answer of the API server holds its values,
//! except where they are read.

use http::HeaderValue;
use http::header::ACCEPT;
use kube::core::params::{DeleteParams, Patch, Preconditions};
use serde::Deserialize;
use serde_json::Value;

use envcrypt_core::manifest::Object;
use envcrypt_core::secret::Place;

use super::{Cluster, ClusterError, secrets};
use crate::error::Operation;
use crate::live::{Version, patch_params, post_params};
use crate::storage::ONE;

/// The answer to a write, without the values.
#[derive(Deserialize)]
struct Written {
    metadata: Metadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    uid: String,
    /// The answer to a dry run has none.
    #[serde(default)]
    resource_version: String,
}

impl Cluster {
    /// Creates the plain Secret.
    ///
    /// # Errors
    /// Returns [`ClusterError::AlreadyExists`] if a Secret of this name exists.
    pub async fn create_target(
        &self,
        place: &Place,
        object: &Object,
    ) -> Result<Version, ClusterError> {
        self.post_target(place, object, false).await
    }

    /// Asks the API server with a dry run whether it would accept the plain Secret. One that exists
    /// may have the same name.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if it would not.
    pub async fn rehearse_target(
        &self,
        place: &Place,
        object: &Object,
    ) -> Result<(), ClusterError> {
        match self.post_target(place, object, true).await {
            Ok(_) | Err(ClusterError::AlreadyExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn post_target(
        &self,
        place: &Place,
        object: &Object,
        dry_run: bool,
    ) -> Result<Version, ClusterError> {
        let params = post_params(dry_run);
        let body = serde_json::to_vec(object).expect("an object is plain text");
        let request = secrets(Some(&place.namespace)).create(&params, body);
        self.written(request, place, "create").await
    }

    /// Merges a patch into the plain Secret. The patch names the version that it is for.
    ///
    /// # Errors
    /// Returns [`ClusterError::Changed`] if someone else changed the Secret.
    pub async fn patch_target(&self, place: &Place, patch: Value) -> Result<Version, ClusterError> {
        let params = patch_params();
        let requests = secrets(Some(&place.namespace));
        let request = requests.patch(place.name.as_str(), &params, &Patch::Merge(patch));
        self.written(request, place, "patch").await
    }

    /// Deletes exactly this version of the plain Secret.
    ///
    /// # Errors
    /// Returns [`ClusterError::Changed`] if someone else changed the Secret.
    pub async fn delete_target(
        &self,
        place: &Place,
        version: &Version,
    ) -> Result<(), ClusterError> {
        let preconditions = Preconditions {
            uid: Some(version.uid.clone()),
            resource_version: Some(version.resource_version.clone()),
        };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let request = secrets(Some(&place.namespace)).delete(place.name.as_str(), &params);
        let operation = Operation::at("delete", place, true);
        self.send::<serde::de::IgnoredAny>(request, operation).await.map(drop)
    }

    async fn written(
        &self,
        request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
        place: &Place,
        verb: &'static str,
    ) -> Result<Version, ClusterError> {
        let request = request.map(|mut request| {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(ONE));
            request
        });
        let written: Written = self.send(request, Operation::at(verb, place, true)).await?;
        let Metadata { uid, resource_version } = written.metadata;
        Ok(Version { uid, resource_version })
    }
}
