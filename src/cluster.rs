//! The cluster: the only user of kube. Objects go in and come out as this
//! project's own, and errors in its own words.

mod connect;
mod error;
mod replace;
mod workloads;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Request;
use kube::core::params::{GetParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::request::Request as Requests;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::timeout;

use envcrypt_core::manifest::{LAST_APPLIED_ANNOTATION, Object, SEAL_ANNOTATION, SEALED_TYPE};
use envcrypt_core::secret::{Namespace, Place, SecretName};

pub use connect::{ConnectOptions, Connection, context_names};
pub use error::ClusterError;
use error::{Operation, refused};
pub use replace::ReplaceError;
pub use workloads::{Consumer, Restart, Rollout};

/// Who this program is to server-side apply.
pub const FIELD_MANAGER: &str = "kubectl-envcrypt";
/// How many objects are asked for at a time.
const PAGE: u32 = 500;

/// How to write.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// Let the server check and change nothing.
    pub dry_run: bool,
    /// Whose fields they become.
    pub field_manager: String,
    /// Take over fields that others manage.
    pub force_conflicts: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self { dry_run: false, field_manager: FIELD_MANAGER.to_owned(), force_conflicts: false }
    }
}

/// Which Secrets to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Those of the sealed type.
    Sealed,
    /// All others.
    Plain,
}

/// A connected cluster. Connecting itself sends nothing.
pub struct Cluster {
    client: kube::Client,
    server: String,
    timeout: Option<Duration>,
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Deserialize, Default)]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
}

/// An item of a list carries no `apiVersion` and no `kind`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    metadata: envcrypt_core::manifest::Metadata,
    r#type: Option<String>,
    data: Option<BTreeMap<String, Option<String>>>,
    immutable: Option<bool>,
}

impl From<Item> for Object {
    fn from(item: Item) -> Self {
        Self {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            metadata: item.metadata,
            r#type: item.r#type,
            data: item.data,
            string_data: None,
            immutable: item.immutable,
        }
    }
}

impl Cluster {
    /// Fetches one Secret.
    ///
    /// # Errors
    /// [`ClusterError`]
    pub async fn secret(&self, place: &Place) -> Result<Object, ClusterError> {
        let request =
            secrets(Some(&place.namespace)).get(place.name.as_str(), &GetParams::default());
        self.send(request, Operation::get(place)).await
    }

    /// The same, of one that may not be there.
    ///
    /// # Errors
    /// [`ClusterError`], but [`ClusterError::NotFound`]
    pub async fn find(&self, place: &Place) -> Result<Option<Object>, ClusterError> {
        match self.secret(place).await {
            Ok(object) => Ok(Some(object)),
            Err(ClusterError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Lists the sealed or the plain Secrets of a namespace, or of all, one page at
    /// a time; `each` takes a page. The server picks, so no other is sent.
    ///
    /// # Errors
    /// [`ClusterError`]
    pub async fn secrets(
        &self,
        sort: Sort,
        namespace: Option<&Namespace>,
        selector: Option<&str>,
        each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        // What is put aside while a Secret is replaced is nobody's to use.
        let selector = match selector {
            Some(text) => format!("!{},{text}", replace::ASIDE),
            None => format!("!{}", replace::ASIDE),
        };
        self.list(sort, namespace, Some(selector), each).await
    }

    async fn list(
        &self,
        sort: Sort,
        namespace: Option<&Namespace>,
        selector: Option<String>,
        mut each: impl AsyncFnMut(Vec<Object>),
    ) -> Result<(), ClusterError> {
        let is = if sort == Sort::Sealed { "=" } else { "!=" };
        let params = ListParams {
            field_selector: Some(format!("type{is}{SEALED_TYPE}")),
            label_selector: selector,
            ..Default::default()
        };
        let operation = || Operation::list(namespace);
        let take =
            async |items: Vec<Item>| each(items.into_iter().map(Object::from).collect()).await;
        self.pages(&secrets(namespace), params, operation, take).await
    }

    /// Lists, one page at a time.
    async fn pages<T: DeserializeOwned>(
        &self,
        requests: &Requests,
        params: ListParams,
        operation: impl Fn() -> Operation,
        mut each: impl AsyncFnMut(Vec<T>),
    ) -> Result<(), ClusterError> {
        let mut params = params.limit(PAGE);
        loop {
            let page: Page<T> = self.send(requests.list(&params), operation()).await?;
            each(page.items).await;
            match page.metadata.r#continue.filter(|token| !token.is_empty()) {
                Some(token) => params.continue_token = Some(token),
                None => return Ok(()),
            }
        }
    }

    /// The names of all namespaces, for completion.
    ///
    /// # Errors
    /// [`ClusterError`]
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

    /// Creates a Secret that is not there yet.
    ///
    /// # Errors
    /// [`ClusterError::AlreadyExists`] and any other.
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
        let request = secrets(Some(&place.namespace)).create(&params, body);
        self.send::<serde::de::IgnoredAny>(request, Operation::write("create", place, object))
            .await?;
        Ok(())
    }

    /// Applies a Secret on the server's side; what then stands there comes back.
    ///
    /// # Errors
    /// [`ClusterError::Conflict`] where others manage a field; and any other.
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
        let requests = secrets(Some(&place.namespace));
        let request = requests.patch(place.name.as_str(), &params, &Patch::Apply(object));
        self.send(request, Operation::write("patch", place, object)).await
    }

    /// Has the server say that it would take a change of the sealed Secret that
    /// `object` is, before anyone types one.
    ///
    /// # Errors
    /// [`ClusterError::Immutable`], [`ClusterError::Forbidden`], and any other.
    pub async fn rehearse(&self, place: &Place, object: &Object) -> Result<(), ClusterError> {
        match object.immutable {
            Some(true) => Err(ClusterError::Immutable(place.clone())),
            _ => self.patch_sealed(place, object, &[], true).await,
        }
    }

    /// Puts new values and a new seal into the very version of a sealed Secret
    /// that `object` is; the keys of `gone` are taken out.
    ///
    /// # Errors
    /// [`ClusterError::Changed`] where someone else changed it meanwhile; and any
    /// other.
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
        let seal =
            object.metadata.annotations.iter().flatten().find(|(k, _)| *k == SEAL_ANNOTATION);
        // Client-side apply's copy holds the old sealing, under the old KEKs.
        let annotations = json!({
            SEAL_ANNOTATION: seal.map(|(_, text)| text),
            LAST_APPLIED_ANNOTATION: null,
        });
        // Without a version, the change would be made whatever is there.
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

    /// Takes off what applying leaves alone, of this very version: client-side apply's
    /// copy of a manifest, which may hold plaintext, and these keys.
    ///
    /// # Errors
    /// [`ClusterError::Changed`] where someone else changed it meanwhile; and any
    /// other.
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
        let patch = json!({
            "metadata": { "annotations": annotations, "resourceVersion": version },
            "data": data,
        });
        self.merge(place, live, patch, options).await
    }

    /// Merges a patch into a Secret, of which `object` tells whether it is sealed.
    async fn merge(
        &self,
        place: &Place,
        object: &Object,
        patch: serde_json::Value,
        options: &WriteOptions,
    ) -> Result<(), ClusterError> {
        let field_manager = Some(options.field_manager.clone());
        let params = PatchParams { field_manager, dry_run: options.dry_run, ..Default::default() };
        let requests = secrets(Some(&place.namespace));
        let request = requests.patch(place.name.as_str(), &params, &Patch::Merge(patch));
        self.send::<serde::de::IgnoredAny>(request, Operation::write("patch", place, object))
            .await?;
        Ok(())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
        operation: Operation,
    ) -> Result<T, ClusterError> {
        let request = request.map_err(|e| ClusterError::Request(e.to_string()))?;
        let answer = self.client.request::<T>(request);
        let answer = match self.timeout {
            Some(limit) => match timeout(limit, answer).await {
                Ok(answer) => answer,
                Err(_) => return Err(ClusterError::Timeout { server: self.server.clone() }),
            },
            None => answer.await,
        };
        answer.map_err(|error| refused(error, &operation, &self.server))
    }
}

fn secrets(namespace: Option<&Namespace>) -> Requests {
    Requests::new(match namespace {
        Some(namespace) => format!("/api/v1/namespaces/{namespace}/secrets"),
        None => "/api/v1/secrets".to_owned(),
    })
}

/// The place of a live object.
///
/// # Errors
/// When the server sent names that it would not accept itself.
pub fn place_of(
    namespace: &Namespace,
    name: &str,
) -> Result<Place, envcrypt_core::secret::NameError> {
    Ok(Place { namespace: namespace.clone(), name: name.parse::<SecretName>()? })
}
