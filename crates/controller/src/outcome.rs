//! What came of a delivery, in words of our own: none of them depends on a value.

use std::path::Path;

use envcrypt_cluster::ClusterError;
use envcrypt_core::access::AccessError;
use envcrypt_core::envelope::{OpenError, Refused};
use envcrypt_core::kek::{KekError, Refusal};
use envcrypt_core::manifest::ManifestError;

/// The maximum size of a message, in bytes.
const MAX_MESSAGE: usize = 2048;

/// What came of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How the object stands.
    pub standing: Standing,
    /// One word, for a condition and an event.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
    /// When it is tried again without a change.
    pub retry: Option<Retry>,
}

/// How an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// The plain Secret is as it was sealed.
    Ready,
    /// Nobody wants it delivered now.
    Suspended,
    /// It is not delivered yet, and is tried again.
    Waiting,
    /// It is not delivered until someone acts.
    Stalled,
}

/// How soon it is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// After an error that may pass: from 1 second to 5 minutes.
    Passing,
    /// The same for a KMS: all wait until it answers again.
    Kms,
    /// After a refusal that someone must mend: from 30 seconds to 10 minutes.
    Denied,
    /// While someone else has the Secret: every minute.
    NotOwned,
    /// After someone else was faster: at once, up to 5 seconds.
    Conflict,
}

impl Outcome {
    /// The plain Secret is as it was sealed.
    pub fn ready(sealed_at: &str) -> Self {
        let message = format!("the Secret has the values that were sealed at {sealed_at}");
        Self { standing: Standing::Ready, reason: "Delivered", message, retry: None }
    }

    /// `spec.suspend` is set.
    pub fn suspended() -> Self {
        let message = "`spec.suspend` is set: the Secret is left as it is".to_owned();
        Self { standing: Standing::Suspended, reason: "Suspended", message, retry: None }
    }

    /// Someone must change the object.
    pub fn stalled(reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { standing: Standing::Stalled, reason, message, retry: None }
    }

    /// Another one has the Secret of this name.
    pub fn not_owned() -> Self {
        let message = "a Secret of this name exists, and it is not of this EnvcryptSecret; to give it, annotate the Secret with `envcrypt.dev/adopt: \"true\"`, and wait for a minute";
        Self { retry: Some(Retry::NotOwned), ..Self::stalled("NotOwned", message) }
    }

    /// Nobody signed a label or an annotation of the template.
    pub fn unsigned(name: &str) -> Self {
        let message = format!("the template has `{name}`, which its signers did not sign");
        Self::stalled("Unsigned", message)
    }

    /// Without the list of signers, nothing is delivered.
    pub fn signers_unreadable(path: &Path, cause: &str) -> Self {
        let message = format!("the list of signers `{}`: {cause}", path.display());
        Self::waiting("SignersUnreadable", message, Retry::Passing)
    }

    fn waiting(reason: &'static str, message: String, retry: Retry) -> Self {
        Self { standing: Standing::Waiting, reason, message, retry: Some(retry) }
    }

    /// Adds what the cluster has meanwhile. Limits the message, into which the writer of the object
    /// can bring long names.
    pub fn meanwhile(mut self, sealed_at: Option<&str>) -> Self {
        if self.message.len() > MAX_MESSAGE {
            self.message = self.message.chars().take(MAX_MESSAGE / 4).chain(['…']).collect();
        }
        if let (Standing::Waiting | Standing::Stalled, Some(time)) = (self.standing, sealed_at) {
            self.message =
                format!("{}; the Secret keeps the values that were sealed at {time}", self.message);
        }
        self
    }
}

impl From<ManifestError> for Outcome {
    fn from(error: ManifestError) -> Self {
        match &error {
            ManifestError::Refused { refused, .. } => refused_with(refused, &error),
            _ => Self::stalled("Invalid", error.to_string()),
        }
    }
}

impl From<AccessError> for Outcome {
    fn from(error: AccessError) -> Self {
        match &error {
            AccessError::Open(OpenError::Refused { refused, .. }) => refused_with(refused, &error),
            AccessError::Open(OpenError::Unsigned { refused, .. }) => {
                // The list of signers can change without the object.
                let message = format!("`{}`: {error}", refused.name());
                Self::waiting("Unsigned", message, Retry::Denied)
            }
            AccessError::Open(OpenError::Kek { refusals, .. }) => of_keks(refusals),
            AccessError::NotNamed { keks, .. } => {
                let keks = keks.iter().take(5).map(|kek| format!("`{kek}`")).collect::<Vec<_>>();
                let message = format!(
                    "the controller may not use its KEKs {}: name one in `ENVCRYPT_KEKS`",
                    keks.join(", ")
                );
                Self::stalled("UntrustedKek", message)
            }
            AccessError::DifferentKeks(_) => Self::stalled("DifferentKeks", error.to_string()),
            AccessError::Kek(error) => of_keks(std::slice::from_ref(error)),
            _ => Self::stalled("Refused", error.to_string()),
        }
    }
}

/// The name of the refusal is that of the sealed format.
fn refused_with(refused: &Refused, error: &dyn std::error::Error) -> Outcome {
    Outcome::stalled("Refused", format!("`{}`: {error}", refused.name()))
}

/// No KEK opened it. An outage of one counts more than a refusal of another.
fn of_keks(refusals: &[KekError]) -> Outcome {
    let is = |kinds: &[Refusal]| refusals.iter().find(|error| kinds.contains(&error.refusal));
    if let Some(error) = is(&[Refusal::Unreachable]) {
        return Outcome::waiting("KmsUnavailable", error.to_string(), Retry::Kms);
    }
    if let Some(error) = is(&[Refusal::Throttled]) {
        return Outcome::waiting("KmsUnavailable", error.to_string(), Retry::Passing);
    }
    let denied = is(&[Refusal::Denied, Refusal::NotLoggedIn, Refusal::NotFound])
        .or_else(|| is(&[Refusal::Disabled, Refusal::Unusable, Refusal::Failed]));
    if let Some(error) = denied {
        let hint = error.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        return Outcome::waiting("Denied", format!("{error}{hint}"), Retry::Denied);
    }
    let error = refusals.first().map(ToString::to_string).unwrap_or_default();
    Outcome::stalled("Refused", error)
}

impl From<ClusterError> for Outcome {
    fn from(error: ClusterError) -> Self {
        match &error {
            // Someone else was faster, so look again at once.
            ClusterError::Changed(_) | ClusterError::AlreadyExists(_) => Self::waiting(
                "Conflict",
                "someone else changed it meanwhile".into(),
                Retry::Conflict,
            ),
            ClusterError::Unreachable { .. } | ClusterError::Timeout { .. } => {
                Self::waiting("ApiUnavailable", error.to_string(), Retry::Passing)
            }
            ClusterError::Forbidden { verb, kind, scope, .. } => {
                let message = format!("the controller may not {verb} {kind} in {scope}");
                Self::waiting("Forbidden", message, Retry::Denied)
            }
            _ => Self::waiting("Rejected", error.to_string(), Retry::Passing),
        }
    }
}
