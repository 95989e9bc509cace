//! What the cluster refuses, in this project's words. kube's own errors print
//! their Debug, and an API server's message may quote what it was sent.

use std::error::Error;
use std::path::PathBuf;

use kube::core::Status;
use thiserror::Error;

use envcrypt_core::manifest::Object;
use envcrypt_core::secret::{NameError, Namespace, Place};

/// Why the cluster did not do it. Nothing was changed.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// A kubeconfig file that cannot be used.
    #[error("the kubeconfig `{path}` cannot be used: {wrong}")]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        wrong: String,
    },
    /// No kubeconfig, and not in a pod.
    #[error("no cluster is configured")]
    NoCluster,
    /// The context is in none of the kubeconfig files.
    #[error("the context `{0}` does not exist")]
    NoContext(String),
    /// The context's cluster, or that of `--cluster`, is in none of them.
    #[error("the cluster `{0}` does not exist")]
    NoClusterEntry(String),
    /// The user of `--user` is in none of them.
    #[error("the user `{0}` does not exist")]
    NoUser(String),
    /// The namespace is none.
    #[error(transparent)]
    Namespace(#[from] NameError),
    /// A certificate, key or token that cannot be read.
    #[error("the credentials of the kubeconfig cannot be used: {0}")]
    Credentials(String),
    /// No connection.
    #[error("the API server at `{server}` does not answer: {detail}")]
    Unreachable {
        /// Its address.
        server: String,
        /// Why.
        detail: String,
    },
    /// No answer within `--request-timeout`.
    #[error("the API server at `{server}` did not answer in time")]
    Timeout {
        /// Its address.
        server: String,
    },
    /// The request could not even be made.
    #[error("the request cannot be made: {0}")]
    Request(String),
    /// The server does not know the caller.
    #[error("the API server does not accept your credentials")]
    Unauthorized,
    /// The caller has no right to it.
    #[error("you may not {verb} {kind} in {scope}")]
    Forbidden {
        /// `get`, `list`, `create`, `patch`.
        verb: &'static str,
        /// `Secrets`
        kind: &'static str,
        /// The namespace, or all.
        scope: String,
        /// The server's own words.
        message: String,
    },
    /// Not there.
    #[error("the Secret `{0}` does not exist")]
    NotFound(Place),
    /// The namespace is not there.
    #[error("the namespace `{0}` does not exist")]
    NoNamespace(Namespace),
    /// There already.
    #[error("the Secret `{0}` exists already")]
    AlreadyExists(Place),
    /// Others manage fields of it.
    #[error("the Secret `{place}` has fields that `{managers}` manages: {fields}")]
    Conflict {
        /// Which.
        place: Place,
        /// Who.
        managers: String,
        /// Which fields.
        fields: String,
    },
    /// Someone else changed it meanwhile.
    #[error("the Secret `{0}` was changed meanwhile")]
    Changed(Place),
    /// Its type cannot become another.
    #[error("the Secret `{0}` exists with another type, and a Secret's type cannot change")]
    OtherType(Place),
    /// It is immutable.
    #[error("the Secret `{0}` is immutable")]
    Immutable(Place),
    /// Over what the server takes.
    #[error("the Secret `{0}` is too large for the API server")]
    TooLarge(Place),
    /// Anything else that the server refused.
    #[error("the API server refused to {verb} {what}: {reason}")]
    Refused {
        /// `get`, `list`, `create`, `patch`.
        verb: &'static str,
        /// The Secret, or Secrets.
        what: String,
        /// Reason and fields; its message only where no plaintext was sent.
        reason: String,
    },
    /// An answer that is no Secret.
    #[error("the API server's answer cannot be read")]
    Answer,
}

impl ClusterError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoCluster => "name one with `--kubeconfig` or `KUBECONFIG`; files (`-f FILE`, and of `create`, `-w FILE` or `--dry-run=client -o yaml`) need none".to_owned(),
            Self::NoContext(_) | Self::NoClusterEntry(_) | Self::NoUser(_) => "`kubectl config view` shows what there is".to_owned(),
            Self::Unreachable { .. } => "`kubectl cluster-info` tells whether kubectl reaches it".to_owned(),
            Self::Timeout { .. } => "allow it more with `--request-timeout`".to_owned(),
            Self::Unauthorized => "log in again; `kubectl auth whoami` tells whether it worked".to_owned(),
            Self::Forbidden { verb, kind, scope, .. } => {
                let kind = kind.to_ascii_lowercase();
                format!("ask for the verb `{verb}` on `{kind}` in {scope}; `kubectl auth can-i {verb} {kind}` tells whether you have it")
            }
            Self::NotFound(place) => format!("`kubectl get secrets -n {}` shows what is there", place.namespace),
            Self::NoNamespace(namespace) => format!("make it with `kubectl create namespace {namespace}`"),
            Self::AlreadyExists(place) => format!(
                "`kubectl envcrypt set {0} KEY -n {1}` changes its values; or choose another name, or remove the old one with `kubectl delete secret {0} -n {1}`",
                place.name, place.namespace
            ),
            Self::Conflict { .. } => "take the fields over with `--force-conflicts`".to_owned(),
            Self::Changed(_) => "look at it again, then repeat the command".to_owned(),
            Self::OtherType(place) => format!(
                "`kubectl envcrypt seal {0} -n {1} --replace` puts a sealed one in the place of a plain one, `kubectl envcrypt unwrap {0} -n {1} --replace` a plain one in the place of a sealed one",
                place.name, place.namespace
            ),
            Self::Immutable(place) => format!(
                "make a new one under another name, as `--append-hash` does, or remove it first with `kubectl delete secret {} -n {}`",
                place.name, place.namespace
            ),
            Self::TooLarge(_) => "a Secret holds 1 MiB at most: split it".to_owned(),
            _ => return None,
        })
    }

    /// The server's own words, where they may be shown.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Forbidden { message, .. } => Some(message),
            _ => None,
        }
    }
}

const SECRETS: &str = "Secrets";

/// What was being done, for the message.
pub(super) struct Operation {
    verb: &'static str,
    /// What it is done to, in the plural.
    kind: &'static str,
    place: Option<Place>,
    namespace: Option<Namespace>,
    /// Whether the request held plaintext, so that no message may be shown.
    plaintext: bool,
}

impl Operation {
    pub fn get(place: &Place) -> Self {
        Self::at("get", place, false)
    }

    pub fn write(verb: &'static str, place: &Place, object: &Object) -> Self {
        Self::at(verb, place, !object.is_sealed())
    }

    pub fn list(namespace: Option<&Namespace>) -> Self {
        Self {
            verb: "list",
            kind: SECRETS,
            place: None,
            namespace: namespace.cloned(),
            plaintext: false,
        }
    }

    fn at(verb: &'static str, place: &Place, plaintext: bool) -> Self {
        let namespace = Some(place.namespace.clone());
        Self { verb, kind: SECRETS, place: Some(place.clone()), namespace, plaintext }
    }

    /// To other objects than Secrets.
    pub fn of(self, kind: &'static str) -> Self {
        Self { kind, ..self }
    }

    /// Something else than listing.
    pub fn to(self, verb: &'static str) -> Self {
        Self { verb, ..self }
    }

    fn what(&self) -> String {
        self.place.as_ref().map_or_else(|| self.kind.to_owned(), |p| format!("the Secret `{p}`"))
    }

    fn scope(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("the namespace `{namespace}`"),
            None => "all namespaces".to_owned(),
        }
    }
}

/// Maps a failed request.
pub(super) fn refused(error: kube::Error, operation: &Operation, server: &str) -> ClusterError {
    match error {
        kube::Error::Api(status) => api(&status, operation),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => ClusterError::Answer,
        other => connecting(other, server),
    }
}

/// Maps a failed connection or login.
pub(super) fn connecting(error: kube::Error, server: &str) -> ClusterError {
    use kube::client::AuthError;
    match error {
        // What a credential plugin printed, and its arguments, may hold a token.
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            ClusterError::Credentials(format!("the credential plugin ended with {}", out.status))
        }
        kube::Error::Auth(AuthError::AuthExecParse(_)) => {
            ClusterError::Credentials("the credential plugin's answer is no credential".to_owned())
        }
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
        (403, ..) if status.reason == "Forbidden" => ClusterError::Forbidden {
            verb: operation.verb,
            kind: operation.kind,
            scope: operation.scope(),
            message: if operation.plaintext { String::new() } else { status.message.clone() },
        },
        (404, _, Some(namespace)) if is_namespace => ClusterError::NoNamespace(namespace.clone()),
        (404, Some(place), _) => ClusterError::NotFound(place.clone()),
        (409, Some(place), _) if status.reason == "AlreadyExists" => {
            ClusterError::AlreadyExists(place.clone())
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
        (422, Some(place), _) if fields.contains(&"type") => ClusterError::OtherType(place.clone()),
        (422, Some(place), _) if status.message.contains("immutable") => {
            ClusterError::Immutable(place.clone())
        }
        (422, Some(place), _) if status.message.contains("Too long") => {
            ClusterError::TooLarge(place.clone())
        }
        _ => ClusterError::Refused {
            verb: operation.verb,
            what: operation.what(),
            reason: reason(status, &fields, operation),
        },
    }
}

fn reason(status: &Status, fields: &[&str], operation: &Operation) -> String {
    if !operation.plaintext && !status.message.is_empty() {
        return status.message.clone();
    }
    let reason = if status.reason.is_empty() { "it gives no reason" } else { &status.reason };
    match fields {
        [] => format!("{reason} ({})", status.code),
        fields => format!("{reason} ({}): {}", status.code, fields.join(", ")),
    }
}

/// The managers' names out of `conflict with "kubectl-create" using v1`.
fn managers<'a>(messages: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = messages.filter_map(|message| message.split('"').nth(1)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "another manager".to_owned() } else { names.join("`, `") }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |e| (*e).source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}
