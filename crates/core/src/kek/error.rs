//! The errors of KEKs. Each KMS maps its own errors to the same [`Refusal`]s.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::KekUri;

/// The longest wait that a service can ask for.
const LONGEST: Duration = Duration::from_secs(60);

/// An operation of a KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Wrap a DEK.
    Wrap,
    /// Unwrap a DEK.
    Unwrap,
    /// Move a wrapped DEK to another key or version, inside the KMS.
    Rewrap,
}

/// Why a KEK refused an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The caller does not have the permission.
    Denied,
    /// There are no credentials, or they are expired or not valid.
    NotLoggedIn,
    /// The key does not exist.
    NotFound,
    /// The key exists, but it cannot be used now.
    Disabled,
    /// There were too many requests, even after all attempts.
    Throttled,
    /// There was no answer in time, even after all attempts.
    Unreachable,
    /// This KEK did not wrap the DEK, or wrapped it with another context. The wrapped DEK can also
    /// be damaged.
    Rejected,
    /// The age plugin of the KEK ended, hung, or reported an error.
    Plugin,
    /// This build does not support the KEK, or the settings of this machine are not valid.
    Unusable,
    /// The service returned another error.
    Failed,
}

/// A request to a service, as the error describes it.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "a build can be without any KMS")]
pub(super) struct Request<'a> {
    pub kek: &'a KekUri,
    pub action: Action,
    /// The permission that the request needs, as the service names it.
    pub permission: &'static str,
}

/// The error of a KEK that refused an operation.
///
/// `Display` writes one line with the operation, the KEK and the reason.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {action} the data key with `{kek}`: {refusal}")]
pub struct KekError {
    /// The KEK.
    pub kek: KekUri,
    /// The operation.
    pub action: Action,
    /// Why the KEK refused.
    pub refusal: Refusal,
    /// The cause, often in the words of the service. It never contains key material.
    pub detail: Option<String>,
    /// What the user can do.
    pub hint: Option<String>,
    /// How long to wait before the next call, if the service says so.
    pub(super) retry_after: Option<Duration>,
}

impl KekError {
    /// Returns an error without a detail and without a hint.
    #[must_use]
    pub fn new(kek: &KekUri, action: Action, refusal: Refusal) -> Self {
        Self { kek: kek.clone(), action, refusal, detail: None, hint: None, retry_after: None }
    }

    /// Sets the detail.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Returns the error for an answer of a service. An empty detail is left out.
    #[must_use]
    #[allow(dead_code, reason = "a build can be without any KMS")]
    pub(super) fn from_answer(
        request: Request<'_>,
        refusal: Refusal,
        detail: String,
        hint: Option<String>,
    ) -> Self {
        let detail = Some(detail).filter(|detail| !detail.is_empty());
        Self { detail, hint, ..Self::new(request.kek, request.action, refusal) }
    }

    /// Sets how long to wait before the next call, from the header `Retry-After`. Only a number of
    /// seconds counts, not a date.
    #[must_use]
    #[allow(dead_code, reason = "a build can be without any KMS")]
    pub(super) fn retry_after(mut self, header: Option<&str>) -> Self {
        let seconds = header.and_then(|text| text.trim().parse().ok());
        self.retry_after = seconds.map(|seconds: u64| Duration::from_secs(seconds).min(LONGEST));
        self
    }

    /// Sets the hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Wrap => "wrap",
            Self::Unwrap => "unwrap",
            Self::Rewrap => "rewrap",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Denied => "access denied",
            Self::NotLoggedIn => "no valid login",
            Self::NotFound => "no such key",
            Self::Disabled => "the key is disabled",
            Self::Throttled => "too many requests",
            Self::Unreachable => "the KMS does not answer",
            Self::Rejected => "this key did not wrap it, or wrapped it for another place",
            Self::Plugin => "its age plugin failed",
            Self::Unusable => "it cannot be used here",
            Self::Failed => "the KMS failed",
        })
    }
}

/// Returns the text of the innermost cause, which is the most precise one.
#[must_use]
pub fn innermost(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |e| (*e).source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}
