//! What a KMS v2 plugin answers, in the project's few words. The protocol does
//! not say which code means what, and most plugins answer `UNKNOWN` to anything
//! that their KMS refused; so their words are shown.

use tonic::{Code, Status};

use crate::kek::error::innermost;
use crate::kek::{Action, KekError, KekUri, Refusal};

/// Maps a failed call. The request is never shown: it holds the DEK.
pub fn refusal(kek: &KekUri, action: Action, status: &Status) -> KekError {
    let denied_socket = std::error::Error::source(status)
        .is_some_and(|e| innermost(e).contains("Permission denied"));
    let why = match status.code() {
        _ if denied_socket => Refusal::Denied,
        // The connection's error, not the plugin's.
        _ if std::error::Error::source(status).is_some() => Refusal::Unreachable,
        Code::PermissionDenied => Refusal::Denied,
        Code::Unauthenticated => Refusal::NotLoggedIn,
        Code::NotFound => Refusal::NotFound,
        Code::FailedPrecondition => Refusal::Disabled,
        Code::ResourceExhausted => Refusal::Throttled,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => Refusal::Unreachable,
        Code::Unimplemented => Refusal::Unusable,
        Code::InvalidArgument if action == Action::Unwrap => Refusal::Rejected,
        _ => Refusal::Failed,
    };
    let detail = match std::error::Error::source(status) {
        Some(source) => innermost(source),
        None => format!("{:?}: {}", status.code(), status.message()),
    };
    from_answer(kek, action, why, &detail)
}

/// What a call ends with that takes too long.
pub fn late(kek: &KekUri, action: Action) -> KekError {
    from_answer(kek, action, Refusal::Unreachable, "no answer in time")
}

/// A plugin that says of itself that it is not well.
pub fn unwell(kek: &KekUri, action: Action, healthz: &str) -> KekError {
    from_answer(kek, action, Refusal::Unreachable, &format!("the plugin says of itself: {healthz}"))
}

fn from_answer(kek: &KekUri, action: Action, why: Refusal, detail: &str) -> KekError {
    let refused = KekError::new(kek, action, why).detail(detail.replace(['\r', '\n'], " "));
    match hint(why, kek) {
        Some(hint) => refused.hint(hint),
        None => refused,
    }
}

fn hint(why: Refusal, kek: &KekUri) -> Option<String> {
    let socket = format!("/{}", kek.rest());
    Some(match why {
        Refusal::Denied => {
            format!(
                "who may ask is the mode of `{socket}`; what the plugin may do, its own KMS says"
            )
        }
        Refusal::NotLoggedIn => "the plugin has to log in to its own KMS: see its log".to_owned(),
        Refusal::NotFound | Refusal::Disabled | Refusal::Throttled => {
            "this is what the plugin's own KMS says: see the plugin's log".to_owned()
        }
        Refusal::Unreachable => format!("see whether the plugin runs, and listens on `{socket}`"),
        Refusal::Rejected | Refusal::Failed => "the plugin's log may say more".to_owned(),
        _ => return None,
    })
}
