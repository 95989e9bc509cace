//! What a KMS says when it won't, in the same few words for all of them.

use std::error::Error;
use std::fmt;

use super::KekUri;

/// What was asked of the KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// To wrap a DEK.
    Wrap,
    /// To unwrap one.
    Unwrap,
    /// To wrap one anew on the KMS's own side.
    Rewrap,
}

/// Why it refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The caller has no right to it.
    Denied,
    /// No credentials, or expired ones.
    NotLoggedIn,
    /// No such key.
    NotFound,
    /// The key exists and may not be used now.
    Disabled,
    /// Too many requests, after all retries.
    Throttled,
    /// No answer, or none in time, after all retries.
    Unreachable,
    /// The wrapped key or its context is not what this KEK wrapped.
    Rejected,
    /// This build, or this machine's settings, cannot use it.
    Unusable,
    /// Anything else that the service answered.
    Failed,
}

/// What was asked of a service, for the message.
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "a build may have no KMS")]
pub(super) struct Request<'a> {
    pub kek: &'a KekUri,
    pub action: Action,
    /// The permission that it takes, in the service's own terms.
    pub permission: &'static str,
}

/// A KEK's refusal: which, what was asked, why, what the service said, what to do.
#[derive(Debug, Clone, thiserror::Error)]
#[error("cannot {action} the data key with `{kek}`: {refusal}")]
pub struct KekError {
    /// The KEK.
    pub kek: KekUri,
    /// What was asked.
    pub action: Action,
    /// Why not.
    pub refusal: Refusal,
    /// The service's own words, where they help. Never holds key material.
    pub detail: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl KekError {
    /// A refusal without further words.
    #[must_use]
    pub fn new(kek: &KekUri, action: Action, refusal: Refusal) -> Self {
        Self { kek: kek.clone(), action, refusal, detail: None, hint: None }
    }

    /// With the service's own words.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// As a service's refusal of what was asked, with what to do about it if
    /// that is known.
    #[must_use]
    #[allow(dead_code, reason = "a build may have no KMS")]
    pub(super) fn from_answer(
        request: Request<'_>,
        refusal: Refusal,
        detail: String,
        hint: Option<String>,
    ) -> Self {
        let detail = Some(detail).filter(|detail| !detail.is_empty());
        Self { kek: request.kek.clone(), action: request.action, refusal, detail, hint }
    }

    /// With what to do about it.
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
            Self::Rejected => "this key did not wrap it, or not for this place",
            Self::Unusable => "it cannot be used here",
            Self::Failed => "the KMS failed",
        })
    }
}

/// The deepest cause of an error, which tells the most.
#[allow(dead_code, reason = "a build may have no KMS that needs it")]
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    std::iter::successors(Some(error), |e| (*e).source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}
