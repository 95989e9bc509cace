//! A client for the Secrets of a cluster.
//!
//! This is the only user of kube: objects and errors are this project's own types.

#![warn(unreachable_pub)]

mod answer;
mod connect;
mod error;
mod identity;
#[cfg(feature = "controller")]
mod lease;
mod listing;
#[cfg(feature = "controller")]
mod live;
#[cfg(feature = "controller")]
mod notes;
#[cfg(feature = "controller")]
mod opted_in;
mod replace;
mod resources;
mod server;
mod servers;
mod storage;
#[cfg(feature = "controller")]
mod targets;
#[cfg(feature = "controller")]
mod watch;
mod workloads;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use kube::core::params::{ListParams, Patch, PatchParams, PostParams};
use kube::core::request::Request as Requests;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use envcrypt_core::manifest::{
    Form, LAST_APPLIED_ANNOTATION, Object, SEAL_ANNOTATION, SIGNATURES_ANNOTATION,
};
use envcrypt_core::secret::{Namespace, Place, SecretName};

use answer::Written;

pub use connect::{ConnectOptions, Connection, context_names};
pub use error::ClusterError;
use error::{Operation, refused};
#[cfg(feature = "controller")]
pub use lease::{Lease, LeaseTimes};
#[cfg(feature = "controller")]
pub use live::{CONTROLLER, Condition, LiveResource, ResourceStatus, Version};
#[cfg(feature = "controller")]
pub use notes::Note;
#[cfg(feature = "controller")]
pub use opted_in::OptedIn;
pub use replace::ReplaceError;
use resources::requests;
pub use server::{ClusterIdentity, normal_server};
pub use servers::{Access, Metrics, Sample};
pub use storage::{Again, Resource, Stored};
#[cfg(feature = "controller")]
pub use watch::{CHANGED_ANNOTATION, Change, DELIVERED_LABEL, Delivered};
pub use workloads::{Consumer, Restart, Rollout};

/// The field manager for server-side apply.
pub const FIELD_MANAGER: &str = "kubectl-envcrypt";
/// How many requests a bounded client has under way at the same time: more do not make the API
/// server faster, and take its time from others.
const REQUESTS: usize = 16;

/// How a Secret is written.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Only let the server validate the request.
    pub dry_run: bool,
    /// The field manager for server-side apply.
    pub field_manager: String,
    /// Take over fields that others manage.
    pub force_conflicts: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { dry_run: false, field_manager: FIELD_MANAGER.to_owned(), force_conflicts: false }
    }
}

/// Which Secrets a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Secrets of the sealed type.
    Sealed,
    /// Secrets of any other type.
    Plain,
}

/// A client for a cluster. The first request connects.
pub struct Cluster {
    client: kube::Client,
    server: String,
    timeout: Option<Duration>,
    permits: Semaphore,
}

impl Cluster {
    /// Lets at most 16 requests be under way at the same time. The others wait, and their
    /// `--request-timeout` has not begun. Watches do not count.
    #[must_use]
    pub fn bounded(self) -> Self {
        Self { permits: Semaphore::new(REQUESTS), ..self }
    }

    /// Gets one Secret.
    pub async fn secret(&self, place: &Place) -> Result<Object, ClusterError> {
        self.get_as(place, Form::Secret).await
    }

    /// Gets one Secret, or `None` if it does not exist.
    pub async fn find(&self, place: &Place) -> Result<Option<Object>, ClusterError> {
        self.find_as(place, Form::Secret).await
    }

    /// Lists the sealed or the plain Secrets of one or all namespaces, one page at a time. The
    /// server selects them, so it sends no others.
    pub async fn secrets(
        &self,
        sort: Sort,
        namespace: Option<&Namespace>,
        selector: Option<&str>,
        each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        // Leaves out copies that are saved while a Secret is replaced.
        let selector = match selector {
            Some(text) => format!("!{},{text}", replace::ASIDE),
            None => format!("!{}", replace::ASIDE),
        };
        self.list(sort, namespace, Some(selector), each).await
    }

    /// The names of all namespaces, for completion.
    pub async fn namespaces(&self) -> Result<Vec<String>, ClusterError> {
        #[derive(Deserialize)]
        struct Names {
            items: Vec<Named>,
        }
        #[derive(Deserialize)]
        struct Named {
            metadata: envcrypt_core::manifest::Metadata,
        }
        let request = Requests::new("/api/v1/namespaces").list(&ListParams::default());
        let names: Names = self.send(request, Operation::list(None)).await?;
        Ok(names.items.into_iter().filter_map(|item| item.metadata.name).collect())
    }

    /// Creates a Secret or an `EnvcryptSecret`. Fails with [`ClusterError::AlreadyExists`] or
    /// [`ClusterError::ResourceExists`] if it exists.
    pub async fn create(
        &self,
        place: &Place,
        object: &Object,
        options: &WriteOptions,
    ) -> Result<(), ClusterError> {
        let params = PostParams {
            dry_run: options.dry_run,
            field_manager: Some(options.field_manager.clone()),
        };
        let body = serde_json::to_vec(object).expect("an object is plain text");
        let request = requests(object.form(), Some(&place.namespace)).create(&params, body);
        let operation = Operation::write("create", place, object);
        self.send_about::<Written>(request, operation, place).await.map(drop)
    }

    /// Applies a Secret or an `EnvcryptSecret` with server-side apply, and returns the result. Fails with
    /// [`ClusterError::Conflict`] if others manage a field.
    pub async fn apply(
        &self,
        place: &Place,
        object: &Object,
        options: &WriteOptions,
    ) -> Result<Object, ClusterError> {
        let params = PatchParams {
            dry_run: options.dry_run,
            force: options.force_conflicts,
            field_manager: Some(options.field_manager.clone()),
            field_validation: None,
        };
        let requests = requests(object.form(), Some(&place.namespace));
        let request = requests.patch(place.name.as_str(), &params, &Patch::Apply(object));
        self.send_about(request, Operation::write("patch", place, object), place).await
    }

    /// Asks the server with a dry run whether it accepts a change of this sealed Secret, before the
    /// person types one.
    pub async fn rehearse(&self, place: &Place, object: &Object) -> Result<(), ClusterError> {
        match object.immutable {
            Some(true) => Err(ClusterError::Immutable(place.clone())),
            _ => self.patch_sealed(place, object, &[], true).await,
        }
    }

    /// Writes new values and a new seal into exactly this version of a sealed Secret, and removes
    /// the keys of `gone`. Fails with [`ClusterError::Changed`] if someone else changed it.
    pub async fn reseal(
        &self,
        place: &Place,
        object: &Object,
        gone: &[String],
    ) -> Result<(), ClusterError> {
        self.patch_sealed(place, object, gone, false).await
    }

    async fn patch_sealed(
        &self,
        place: &Place,
        object: &Object,
        gone: &[String],
        dry_run: bool,
    ) -> Result<(), ClusterError> {
        if object.is_resource() {
            return self.patch_resource(place, object, gone, dry_run).await;
        }
        let annotation = |name| object.metadata.annotations.as_ref()?.get(name);
        // The copy of client-side apply holds the old sealed values, under the old KEKs.
        let annotations = json!({
            SEAL_ANNOTATION: annotation(SEAL_ANNOTATION),
            SIGNATURES_ANNOTATION: annotation(SIGNATURES_ANNOTATION),
            LAST_APPLIED_ANNOTATION: null,
        });
        // Without a version, the server would accept the change for any version.
        let version = object.metadata.other.get("resourceVersion").ok_or(ClusterError::Answer)?;
        let data: BTreeMap<&String, Option<&String>> = object
            .data
            .iter()
            .flatten()
            .map(|(key, text)| (key, text.as_ref()))
            .chain(gone.iter().map(|key| (key, None)))
            .collect();
        let patch = json!({
            "metadata": { "annotations": annotations, "resourceVersion": version },
            "data": data,
        });
        let options = WriteOptions { dry_run, ..WriteOptions::default() };
        self.merge(place, object, patch, &options).await
    }

    /// Removes what server-side apply does not remove: these keys, and the copy of client-side
    /// apply, which may hold plaintext. Fails with [`ClusterError::Changed`] if someone else
    /// changed this version.
    pub async fn clean_up(
        &self,
        place: &Place,
        live: &Object,
        keys: &[&String],
        options: &WriteOptions,
    ) -> Result<(), ClusterError> {
        let mut annotations = live.metadata.annotations.iter().flatten();
        if keys.is_empty() && !annotations.any(|(name, _)| name == LAST_APPLIED_ANNOTATION) {
            return Ok(());
        }
        let version = live.metadata.other.get("resourceVersion");
        let annotations = json!({ LAST_APPLIED_ANNOTATION: null });
        let data: BTreeMap<_, Option<&String>> = keys.iter().map(|key| (key, None)).collect();
        let mut patch = json!({
            "metadata": { "annotations": annotations, "resourceVersion": version },
        });
        if !data.is_empty() {
            patch["data"] = json!(data);
        }
        self.merge(place, live, patch, options).await
    }

    /// Merges a patch into a Secret or an `EnvcryptSecret`. `object` shows whether the Secret is sealed.
    async fn merge(
        &self,
        place: &Place,
        object: &Object,
        patch: serde_json::Value,
        options: &WriteOptions,
    ) -> Result<(), ClusterError> {
        let field_manager = Some(options.field_manager.clone());
        let params = PatchParams { field_manager, dry_run: options.dry_run, ..Default::default() };
        let requests = requests(object.form(), Some(&place.namespace));
        let request = requests.patch(place.name.as_str(), &params, &Patch::Merge(patch));
        let operation = Operation::write("patch", place, object);
        self.send_about::<Written>(request, operation, place).await.map(drop)
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
        operation: Operation,
    ) -> Result<T, ClusterError> {
        let request = request.map_err(|e| ClusterError::Request(e.to_string()))?;
        let _permit = self.permits.acquire().await.expect("nobody closes it");
        let answer = self.in_time(self.client.request::<T>(request)).await?;
        answer.map_err(|error| refused(error, &operation, &self.server))
    }

    /// Waits for an answer, at most as long as `--request-timeout` allows.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<kube::Result<T>, ClusterError> {
        let Some(limit) = self.timeout else { return Ok(answer.await) };
        let late = |_| ClusterError::Timeout { server: self.server.clone() };
        timeout(limit, answer).await.map_err(late)
    }
}

fn secrets(namespace: Option<&Namespace>) -> Requests {
    Requests::new(match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/secrets"),
        None => "/api/v1/secrets".to_owned(),
    })
}

/// The place of a live object. Fails if the server sent an invalid name.
pub fn place_of(
    namespace: &Namespace,
    name: &str,
) -> Result<Place, envcrypt_core::secret::NameError> {
    Ok(Place { namespace: namespace.clone(), name: name.parse::<SecretName>()? })
}
