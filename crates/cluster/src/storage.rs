//! How the API server stores objects: every object is read as metadata and stored again, so that no
//! value crosses the wire.

use std::time::Duration;

use http::HeaderValue;
use http::header::ACCEPT;
use kube::core::params::{ListParams, Patch, PatchParams};
use kube::core::request::Request as Requests;
use serde::Deserialize;
use serde_json::json;

use super::{Cluster, ClusterError, Operation, refused};

/// Asks for the metadata of an object instead of the object.
pub(crate) const ONE: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
/// The same for a list.
const LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
/// A field manager that owns no field. Server-side apply removes each field that its manager owned
/// and does not send: with another manager, an empty patch would empty the object.
const MANAGER: &str = "kubectl-envcrypt-reencrypt";
/// How often a request is sent again while the API server has too many.
const ATTEMPTS: u32 = 10;

/// A resource of the API server, for example `secrets`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The group, empty for the core group.
    pub group: String,
    version: String,
    /// The name in the plural.
    pub plural: String,
    kind: String,
    namespaced: bool,
}

/// An object as the API server stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    namespace: Option<String>,
    name: String,
    uid: String,
    version: String,
}

/// What the API server did with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It was stored again.
    Written,
    /// It was stored in the right way already.
    Unchanged,
    /// It was changed or deleted meanwhile, so the old copy is gone.
    Gone,
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.group.as_str() {
            "" => f.write_str(&self.plural),
            group => write!(f, "{}.{group}", self.plural),
        }
    }
}

impl std::fmt::Display for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{namespace}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[derive(Deserialize)]
struct Groups {
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    /// The preferred one first.
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct Resources {
    resources: Vec<ApiResource>,
}

#[derive(Deserialize)]
struct ApiResource {
    name: String,
    kind: String,
    namespaced: bool,
    verbs: Vec<String>,
}

#[derive(Deserialize)]
struct Partial {
    metadata: Meta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    namespace: Option<String>,
    name: String,
    uid: String,
    resource_version: String,
}

impl From<Partial> for Stored {
    fn from(partial: Partial) -> Self {
        let Meta { namespace, name, uid, resource_version } = partial.metadata;
        Self { namespace, name, uid, version: resource_version }
    }
}

impl Cluster {
    /// Returns the resources that these names mean, as an EncryptionConfiguration writes them:
    /// `secrets`, `widgets.example.com`, `*.example.com`, `*.` or `*.*`. Also returns the groups of
    /// a wildcard that could not be listed.
    pub async fn resources(
        &self,
        names: &[String],
    ) -> Result<(Vec<Resource>, Vec<(String, ClusterError)>), ClusterError> {
        let (mut found, mut failed) = (Vec::<Resource>::new(), Vec::new());
        for name in names {
            let (plural, group) = name.split_once('.').unwrap_or((name, ""));
            let groups = match (plural, group) {
                ("*", "*") => self.groups().await?,
                (_, "") => vec![(String::new(), "v1".to_owned())],
                _ => self.groups().await?.into_iter().filter(|(name, _)| name == group).collect(),
            };
            let before = found.len();
            for (group, version) in groups {
                let of_group = match self.resources_of(&group, &version).await {
                    // An aggregated API server that is down must not stop the others.
                    Err(error) if plural == "*" => {
                        failed.push((format!("{group}/{version}"), error));
                        continue;
                    }
                    of_group => of_group?,
                };
                let wanted = of_group.into_iter().filter(|r| plural == "*" || r.plural == plural);
                for resource in wanted {
                    // A resource is stored once, whatever versions are served.
                    let is_same =
                        |r: &Resource| r.plural == resource.plural && r.group == resource.group;
                    if !found.iter().any(is_same) {
                        found.push(resource);
                    }
                }
            }
            let is_known = |r: &Resource| r.plural == plural && r.group == group;
            if found.len() == before && !found.iter().any(is_known) {
                return Err(ClusterError::NoResource(name.clone()));
            }
        }
        Ok((found, failed))
    }

    /// The groups with their versions, the preferred one first.
    async fn groups(&self) -> Result<Vec<(String, String)>, ClusterError> {
        let request = Requests::new("/apis").list(&ListParams::default());
        let groups: Groups = self.send(request, Operation::list(None).of("API groups")).await?;
        let core = std::iter::once((String::new(), "v1".to_owned()));
        let named = groups.groups.into_iter().flat_map(|group| {
            group.versions.into_iter().map(move |version| (group.name.clone(), version.version))
        });
        Ok(core.chain(named).collect())
    }

    /// The resources of a group that can be listed and patched.
    async fn resources_of(
        &self,
        group: &str,
        version: &str,
    ) -> Result<Vec<Resource>, ClusterError> {
        let request = Requests::new(root(group, version)).list(&ListParams::default());
        let found: Resources =
            self.send(request, Operation::list(None).of("API resources")).await?;
        let can = |resource: &ApiResource, verb: &str| resource.verbs.iter().any(|v| v == verb);
        let stored = found.resources.into_iter().filter(|resource| {
            !resource.name.contains('/') && can(resource, "list") && can(resource, "patch")
        });
        let new = |resource: ApiResource| Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: resource.name,
            kind: resource.kind,
            namespaced: resource.namespaced,
        };
        Ok(stored.map(new).collect())
    }

    /// Lists all objects of a resource, without their content.
    pub async fn stored(&self, resource: &Resource) -> Result<Vec<Stored>, ClusterError> {
        let mut found = Vec::new();
        let take = async |page: Vec<Partial>| found.extend(page.into_iter().map(Stored::from));
        let operation = || Operation::list(None).of(resource.to_string());
        let requests = Requests::new(resource.url(None));
        self.pages_as(LIST, &requests, ListParams::default(), operation, take).await?;
        Ok(found)
    }

    /// Stores exactly this version of an object again, with the first provider of the API server.
    ///
    /// This is the patch that Kubernetes' own storage version migrator sends: server-side apply
    /// without any field. The API server writes the object only if its stored form is outdated.
    pub async fn store_again(
        &self,
        resource: &Resource,
        stored: &Stored,
    ) -> Result<Again, ClusterError> {
        let operation = Operation::list(None).of(resource.to_string()).to("patch");
        for attempt in 1.. {
            let request = self.patch_of(resource, stored)?;
            let answer = self.in_time(self.client.request::<Partial>(request)).await?;
            let error = match answer {
                Ok(new) if new.metadata.uid != stored.uid => return Err(ClusterError::Answer),
                Ok(new) if new.metadata.resource_version == stored.version => {
                    return Ok(Again::Unchanged);
                }
                Ok(_) => return Ok(Again::Written),
                Err(error) => error,
            };
            match &error {
                kube::Error::Api(status) if matches!(status.code, 404 | 409) => {
                    return Ok(Again::Gone);
                }
                kube::Error::Api(status) if status.code == 429 && attempt < ATTEMPTS => {
                    let wait = status.details.as_ref().map_or(1, |d| d.retry_after_seconds.max(1));
                    tokio::time::sleep(Duration::from_secs(wait.into())).await;
                }
                _ => return Err(refused(error, &operation, &self.server)),
            }
        }
        unreachable!("the loop returns")
    }

    fn patch_of(
        &self,
        resource: &Resource,
        stored: &Stored,
    ) -> Result<http::Request<Vec<u8>>, ClusterError> {
        let body = json!({
            "apiVersion": resource.api_version(),
            "kind": resource.kind,
            "metadata": { "uid": stored.uid, "resourceVersion": stored.version },
        });
        let requests = Requests::new(resource.url(stored.namespace.as_deref()));
        let params = PatchParams::apply(MANAGER);
        let request = requests.patch(&stored.name, &params, &Patch::Apply(body));
        let mut request = request.map_err(|e| ClusterError::Request(e.to_string()))?;
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(ONE));
        Ok(request)
    }
}

impl Resource {
    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    fn url(&self, namespace: Option<&str>) -> String {
        let root = root(&self.group, &self.version);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }
}

fn root(group: &str, version: &str) -> String {
    match group {
        "" => format!("/api/{version}"),
        group => format!("/apis/{group}/{version}"),
    }
}
