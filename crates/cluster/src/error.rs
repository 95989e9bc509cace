//! Errors of the cluster in this project's own words. The errors of kube print their Debug form,
//! and a message of an API server may quote the request.

use std::borrow::Cow;
use std::path::PathBuf;

use kube::core::Status;
use thiserror::Error;

use envcrypt_core::kek::innermost;
use envcrypt_core::manifest::{Form, Object};
use envcrypt_core::secret::{NameError, Namespace, Place};

/// Why a request failed. Nothing was changed.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A kubeconfig file that cannot be read.
    #[error("the kubeconfig `{path}` cannot be used: {wrong}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// Why not.
        wrong: String,
    },
    /// No kubeconfig, and not in a pod.
    #[error("no cluster is configured")]
    NoCluster,
    /// No kubeconfig file has the context.
    #[error("the context `{0}` does not exist")]
    NoContext(String),
    /// No kubeconfig file has the cluster of the context or of `--cluster`.
    #[error("the cluster `{0}` does not exist")]
    NoClusterEntry(String),
    /// No kubeconfig file has the user of `--user`.
    #[error("the user `{0}` does not exist")]
    NoUser(String),
    /// An invalid namespace.
    #[error(transparent)]
    Namespace(#[from] NameError),
    /// An unreadable certificate, key or token.
    #[error("the credentials of the kubeconfig cannot be used: {0}")]
    Credentials(String),
    /// No connection.
    #[error("the API server at `{server}` does not answer: {detail}")]
    Unreachable {
        /// Its URL.
        server: String,
        /// Why not.
        detail: String,
    },
    /// No answer within `--request-timeout`.
    #[error("the API server at `{server}` did not answer in time")]
    Timeout {
        /// Its URL.
        server: String,
    },
    /// A name or URL that no request can have.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// The server does not know the caller.
    #[error("the API server does not accept your credentials")]
    Unauthorized,
    /// The caller lacks the permission.
    #[error("you may not {verb} {kind} in {scope}")]
    Forbidden {
        /// `get`, `list`, `create`, `patch`.
        verb: &'static str,
        /// For example `Secrets`.
        kind: String,
        /// One namespace, or all.
        scope: String,
        /// The server's own message.
        message: String,
    },
    /// No such Secret.
    #[error("the Secret `{0}` does not exist")]
    NotFound(Place),
    /// No such `EnvcryptSecret`.
    #[error("the EnvcryptSecret `{0}` does not exist")]
    ResourceNotFound(Place),
    /// An `EnvcryptSecret` of this name exists.
    #[error("the EnvcryptSecret `{0}` already exists")]
    ResourceExists(Place),
    /// The CRD is not applied.
    #[error("the cluster does not have the custom resource EnvcryptSecret")]
    NoCustomResource,
    /// The API server has no such resource, or it cannot be listed and patched.
    #[error("the API server has no resource `{0}` that can be stored again")]
    NoResource(String),
    /// No such namespace.
    #[error("the namespace `{0}` does not exist")]
    NoNamespace(Namespace),
    /// A Secret of this name exists.
    #[error("the Secret `{0}` already exists")]
    AlreadyExists(Place),
    /// Others manage some of its fields.
    #[error("the Secret `{place}` has fields that `{managers}` manages: {fields}")]
    Conflict {
        /// The Secret.
        place: Place,
        /// Their names.
        managers: String,
        /// The fields.
        fields: String,
    },
    /// Someone else changed it.
    #[error("the Secret `{0}` changed while the command ran")]
    Changed(Place),
    /// The type of a Secret cannot change.
    #[error(
        "the Secret `{0}` already exists with another type, and the type of a Secret cannot change"
    )]
    OtherType(Place),
    /// `immutable: true`.
    #[error("the Secret `{0}` is immutable")]
    Immutable(Place),
    /// More than the API server stores.
    #[error("the Secret `{0}` is too large for the API server")]
    TooLarge(Place),
    /// The server refused for another reason.
    #[error("the API server refused to {verb} {what}: {reason}")]
    Refused {
        /// `get`, `list`, `create`, `patch`.
        verb: &'static str,
        /// The Secret, or Secrets.
        what: String,
        /// Reason and fields. The server's message only if the request held no plaintext.
        reason: String,
    },
    /// An answer that is not a Secret.
    #[error("the API server's answer cannot be read")]
    Answer,
}

impl ClusterError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoCluster => "name a kubeconfig with `--kubeconfig` or `KUBECONFIG`; to work on files instead, most commands take `-f FILE`, and `create` takes `-w FILE`".to_owned(),
            Self::NoContext(_) | Self::NoClusterEntry(_) | Self::NoUser(_) => "run `kubectl config view` to see what exists".to_owned(),
            Self::Unreachable { .. } => "run `kubectl cluster-info` to see whether kubectl reaches it".to_owned(),
            Self::Timeout { .. } => "allow more time with `--request-timeout`".to_owned(),
            Self::Unauthorized => "log in again, then check with `kubectl auth whoami`".to_owned(),
            Self::Forbidden { verb, kind, scope, .. } => {
                let kind = kind.to_ascii_lowercase();
                format!("ask an administrator for the verb `{verb}` on `{kind}` in {scope}; check with `kubectl auth can-i {verb} {kind}`")
            }
            Self::NotFound(place) => format!("run `kubectl get secrets -n {}` to see what exists", place.namespace),
            Self::ResourceNotFound(place) => format!("run `kubectl get envcryptsecrets -n {}` to see what exists", place.namespace),
            Self::ResourceExists(place) => format!(
                "change its values with `kubectl envcrypt set evs/{0} KEY -n {1}`, choose another name, or delete the old one with `kubectl delete evs {0} -n {1}`",
                place.name, place.namespace
            ),
            Self::NoCustomResource => "an administrator installs it with `kubectl apply --server-side -f deploy/base/crd.yaml`; to use a sealed Secret instead, run `kubectl envcrypt convert -f FILE --to secret`".to_owned(),
            Self::NoResource(_) => "run `kubectl api-resources` to see what exists; write the group after a dot, as in `deployments.apps`".to_owned(),
            Self::NoNamespace(namespace) => format!("create it with `kubectl create namespace {namespace}`"),
            Self::AlreadyExists(place) => format!(
                "change its values with `kubectl envcrypt set {0} KEY -n {1}`, choose another name, or delete the old Secret with `kubectl delete secret {0} -n {1}`",
                place.name, place.namespace
            ),
            Self::Conflict { .. } => "take over the fields with `--force-conflicts`".to_owned(),
            Self::Changed(_) => "check the Secret, then run the command again".to_owned(),
            Self::OtherType(place) => format!(
                "to replace a plain Secret with a sealed one, run `kubectl envcrypt seal {0} -n {1} --replace`; for the reverse, run `kubectl envcrypt unwrap {0} -n {1} --replace`",
                place.name, place.namespace
            ),
            Self::Immutable(place) => format!(
                "create a new Secret under another name, as `--append-hash` does, or first delete the old one with `kubectl delete secret {} -n {}`",
                place.name, place.namespace
            ),
            Self::TooLarge(_) => "a Secret holds at most 1 MiB: split it".to_owned(),
            _ => return None,
        })
    }

    /// The server's own message, if it may be shown.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Forbidden { message, .. } => Some(message),
            _ => None,
        }
    }
}

const SECRETS: &str = "Secrets";
const RESOURCES: &str = "EnvcryptSecrets";

/// A request, for the message.
pub(super) struct Operation {
    verb: &'static str,
    /// The kind of its objects, in the plural.
    kind: Cow<'static, str>,
    place: Option<Place>,
    namespace: Option<Namespace>,
    /// Whether the request held plaintext, so that no message may be shown.
    plaintext: bool,
}

impl Operation {
    pub(super) fn get(place: &Place) -> Self {
        Self::at("get", place, false)
    }

    pub(super) fn write(verb: &'static str, place: &Place, object: &Object) -> Self {
        Self::at(verb, place, !object.is_sealed()).form(object.form())
    }

    pub(super) fn list(namespace: Option<&Namespace>) -> Self {
        Self {
            verb: "list",
            kind: SECRETS.into(),
            place: None,
            namespace: namespace.cloned(),
            plaintext: false,
        }
    }

    pub(super) fn at(verb: &'static str, place: &Place, plaintext: bool) -> Self {
        let namespace = Some(place.namespace.clone());
        Self { verb, kind: SECRETS.into(), place: Some(place.clone()), namespace, plaintext }
    }

    /// For objects of this form.
    pub(super) fn form(self, form: Form) -> Self {
        match form {
            Form::Secret => self,
            Form::Resource => self.of(RESOURCES),
        }
    }

    fn is_of_resources(&self) -> bool {
        self.kind == RESOURCES
    }

    /// For other objects than Secrets.
    pub(super) fn of(self, kind: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: kind.into(), ..self }
    }

    /// With another verb than `list`.
    pub(super) fn to(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }

    fn what(&self) -> String {
        let kind = self.kind.trim_end_matches('s');
        self.place.as_ref().map_or_else(|| self.kind.to_string(), |p| format!("the {kind} `{p}`"))
    }

    fn scope(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("the namespace `{namespace}`"),
            None => "all namespaces".to_owned(),
        }
    }
}

/// Converts the error of a request.
pub(super) fn refused(error: kube::Error, operation: &Operation, server: &str) -> ClusterError {
    match error {
        kube::Error::Api(status) => api(&status, operation),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => ClusterError::Answer,
        other => connecting(other, server),
    }
}

/// Converts the error of a connection or a login.
pub(super) fn connecting(error: kube::Error, server: &str) -> ClusterError {
    use kube::client::AuthError;
    match error {
        // The output of a credential plugin and its arguments may hold a token.
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            ClusterError::Credentials(format!("the credential plugin ended with {}", out.status))
        }
        kube::Error::Auth(AuthError::AuthExecParse(_)) => ClusterError::Credentials(
            "the credential plugin's answer is not a valid credential".to_owned(),
        ),
        kube::Error::Auth(error) => ClusterError::Credentials(innermost(&error)),
        kube::Error::InferKubeconfig(error) => ClusterError::Credentials(innermost(&error)),
        other => ClusterError::Unreachable {
            server: server.trim_end_matches('/').to_owned(),
            detail: innermost(&other),
        },
    }
}

fn api(status: &Status, operation: &Operation) -> ClusterError {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<&str> = causes.clone().map(|cause| cause.field.as_str()).collect();
    let is_namespace = status.details.as_ref().is_some_and(|details| details.kind == "namespaces");
    match (status.code, &operation.place, &operation.namespace) {
        (401, ..) => ClusterError::Unauthorized,
        // Quotas and admission say that it is forbidden too; only RBAC says who cannot do what.
        (403, ..) if status.message.contains("exceeded quota") => ClusterError::Refused {
            verb: operation.verb,
            what: operation.what(),
            reason: "the quota of the namespace is exceeded".to_owned(),
        },
        (403, ..) if status.reason == "Forbidden" && status.message.contains(" cannot ") => {
            ClusterError::Forbidden {
                verb: operation.verb,
                kind: operation.kind.to_string(),
                scope: operation.scope(),
                message: if operation.plaintext { String::new() } else { status.message.clone() },
            }
        }
        (404, _, Some(namespace)) if is_namespace => ClusterError::NoNamespace(namespace.clone()),
        // Without the CRD, the API server does not know the path, and names no object.
        (404, ..) if operation.is_of_resources() && !names_object(status) => {
            ClusterError::NoCustomResource
        }
        (404, Some(place), _) if operation.is_of_resources() => {
            ClusterError::ResourceNotFound(place.clone())
        }
        (404, Some(place), _) => ClusterError::NotFound(place.clone()),
        (409, Some(place), _) if status.reason == "AlreadyExists" => {
            match operation.is_of_resources() {
                true => ClusterError::ResourceExists(place.clone()),
                false => ClusterError::AlreadyExists(place.clone()),
            }
        }
        (409, Some(place), _) if fields.contains(&".type") => {
            ClusterError::OtherType(place.clone())
        }
        (409, Some(place), _) if !fields.is_empty() => ClusterError::Conflict {
            place: place.clone(),
            managers: managers(causes.map(|cause| cause.message.as_str())),
            fields: fields.join(", "),
        },
        (409, Some(place), _) => ClusterError::Changed(place.clone()),
        (413, Some(place), _) => ClusterError::TooLarge(place.clone()),
        (422, Some(_), _) if operation.is_of_resources() => refused_for(status, &fields, operation),
        (422, Some(place), _) if fields.contains(&"type") => ClusterError::OtherType(place.clone()),
        (422, Some(place), _) if status.message.contains("immutable") => {
            ClusterError::Immutable(place.clone())
        }
        (422, Some(place), _) if status.message.contains("Too long") => {
            ClusterError::TooLarge(place.clone())
        }
        _ => refused_for(status, &fields, operation),
    }
}

fn refused_for(status: &Status, fields: &[&str], operation: &Operation) -> ClusterError {
    ClusterError::Refused {
        verb: operation.verb,
        what: operation.what(),
        reason: reason(status, fields, operation),
    }
}

fn names_object(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| !details.name.is_empty())
}

fn reason(status: &Status, fields: &[&str], operation: &Operation) -> String {
    if !operation.plaintext && !status.message.is_empty() {
        return status.message.clone();
    }
    // The text of a policy may quote the object, its name does not.
    let policy = status.message.split_once("ValidatingAdmissionPolicy '");
    if let Some((name, _)) = policy.and_then(|(_, rest)| rest.split_once('\'')) {
        return format!("the ValidatingAdmissionPolicy `{name}` denies it");
    }
    let reason = if status.reason.is_empty() { "it gives no reason" } else { &status.reason };
    match fields {
        [] => format!("{reason} ({})", status.code),
        fields => format!("{reason} ({}): {}", status.code, fields.join(", ")),
    }
}

/// Finds the managers' names in messages like `conflict with "kubectl-create" using v1`.
fn managers<'a>(messages: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = messages.filter_map(|message| message.split('"').nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "another manager".to_owned() } else { names.join("`, `") }
}
