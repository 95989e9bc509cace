//! Maps the errors of a KMS v2 plugin to a [`Refusal`] with a hint.
//!
//! The protocol does not define the meaning of the codes. Most KMS plugins answer `UNKNOWN` to
//! everything that their KMS refuses, so their message is shown.

use tonic::{Code, Status};

use crate::kek::error::innermost;
use crate::kek::{Action, KekError, KekUri, Refusal};

/// Maps a failed call. The request is never shown, because it contains the DEK.
pub(super) fn refusal(kek: &KekUri, action: Action, status: &Status) -> KekError {
    let denied_socket = std::error::Error::source(status)
        .is_some_and(|e| innermost(e).contains("Permission denied"));
    let why = match status.code() {
        _ if denied_socket => Refusal::Denied,
        // The error comes from the connection, not from the KMS plugin.
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

/// The error of a call that takes too long.
pub(super) fn late(kek: &KekUri, action: Action) -> KekError {
    from_answer(kek, action, Refusal::Unreachable, "no answer in time")
}

/// The error of a KMS plugin that reports that it is not healthy.
pub(super) fn unwell(kek: &KekUri, action: Action, healthz: &str) -> KekError {
    from_answer(
        kek,
        action,
        Refusal::Unreachable,
        &format!("the KMS plugin reports that it is not healthy: {healthz}"),
    )
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
                "the mode of `{socket}` decides who may use the KMS plugin; the KMS behind it decides what the KMS plugin may do"
            )
        }
        Refusal::NotLoggedIn => {
            "the KMS plugin must log in to the KMS behind it: see the log of the KMS plugin"
                .to_owned()
        }
        Refusal::NotFound | Refusal::Disabled | Refusal::Throttled => {
            "this answer comes from the KMS behind the KMS plugin: see the log of the KMS plugin"
                .to_owned()
        }
        Refusal::Unreachable => format!("check that the KMS plugin runs and listens on `{socket}`"),
        Refusal::Rejected | Refusal::Failed => "see the log of the KMS plugin".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn of(status: &Status, action: Action) -> KekError {
        refusal(&"k8skms:///run/kms.sock".parse().expect("a KEK"), action, status)
    }

    #[test]
    fn each_code_is_told_as_what_it_means_with_what_to_do() {
        for (code, why, hint) in [
            (Code::PermissionDenied, Refusal::Denied, "the mode of `/run/kms.sock`"),
            (Code::Unauthenticated, Refusal::NotLoggedIn, "must log in to the KMS behind it"),
            (Code::NotFound, Refusal::NotFound, "comes from the KMS behind"),
            (Code::FailedPrecondition, Refusal::Disabled, "comes from the KMS behind"),
            (Code::ResourceExhausted, Refusal::Throttled, "comes from the KMS behind"),
            (Code::Unavailable, Refusal::Unreachable, "listens on `/run/kms.sock`"),
            (Code::DeadlineExceeded, Refusal::Unreachable, "listens on"),
            (Code::Cancelled, Refusal::Unreachable, "listens on"),
            (Code::Unimplemented, Refusal::Unusable, ""),
            (Code::InvalidArgument, Refusal::Rejected, "see the log of the KMS plugin"),
            (Code::Unknown, Refusal::Failed, "see the log of the KMS plugin"),
        ] {
            let refused = of(&Status::new(code, "no\nkey"), Action::Unwrap);
            assert_eq!(refused.refusal, why, "{code:?}");
            assert_eq!(refused.detail, Some(format!("{code:?}: no key")));
            let shown = refused.hint.unwrap_or_default();
            assert!(shown.contains(hint) && shown.is_empty() == hint.is_empty(), "{shown}");
        }
        // To seal, there is nothing that the KMS plugin could reject.
        let refused = of(&Status::new(Code::InvalidArgument, ""), Action::Wrap);
        assert_eq!(refused.refusal, Refusal::Failed);
    }

    #[test]
    fn an_error_of_the_socket_is_no_answer_of_the_kms_plugin() {
        for (kind, text, why) in [
            (io::ErrorKind::PermissionDenied, "Permission denied (os error 13)", Refusal::Denied),
            (io::ErrorKind::NotFound, "No such file or directory", Refusal::Unreachable),
        ] {
            let mut status = Status::new(Code::Unknown, "transport error");
            status.set_source(std::sync::Arc::new(io::Error::new(kind, text)));
            let refused = of(&status, Action::Unwrap);
            assert_eq!((refused.refusal, refused.detail.as_deref()), (why, Some(text)));
        }
    }
}
