//! Maps the errors of Google Cloud KMS to a [`Refusal`] with a hint.

use google_cloud_gax::client_builder;
use google_cloud_gax::error::rpc::Code;
use google_cloud_gax::error::{CredentialsError, Error};

use crate::kek::error::{Request, innermost};
use crate::kek::{Action, KekError, Refusal};

const NOT_LOGGED_IN: &str =
    "log in with `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS`";

/// Maps the error of a client that could not be created.
pub(super) fn of_builder(request: Request<'_>, error: &client_builder::Error) -> KekError {
    let why = match error.is_default_credentials() {
        true => Refusal::NotLoggedIn,
        false => Refusal::Unusable,
    };
    from_answer(request, why, innermost(error))
}

/// Maps a failed call. The request is never shown, because it contains the DEK.
pub(super) fn refusal(request: Request<'_>, error: &Error) -> KekError {
    let header = error.http_headers().and_then(|headers| headers.get("retry-after"));
    of_error(request, error).retry_after(header.and_then(|text| text.to_str().ok()))
}

fn of_error(request: Request<'_>, error: &Error) -> KekError {
    let Some(status) = error.status() else {
        return match error {
            e if e.is_authentication() && is_transient(e) => {
                from_answer(request, Refusal::Unreachable, innermost(e))
            }
            e if e.is_authentication() => from_answer(request, Refusal::NotLoggedIn, innermost(e)),
            e if e.is_timeout() || e.is_exhausted() => late(request),
            e if e.is_io() || e.is_connect() || e.is_transport() => of_transport(request, e),
            // The message of a parser can quote the answer, which may contain the DEK.
            _ => from_answer(request, Refusal::Failed, "its answer cannot be read".to_owned()),
        };
    };
    let why = match status.code {
        Code::PermissionDenied => Refusal::Denied,
        Code::Unauthenticated => Refusal::NotLoggedIn,
        Code::NotFound => Refusal::NotFound,
        Code::FailedPrecondition => Refusal::Disabled,
        Code::ResourceExhausted => Refusal::Throttled,
        Code::InvalidArgument if request.action == Action::Unwrap => Refusal::Rejected,
        Code::Unavailable | Code::DeadlineExceeded | Code::Internal => Refusal::Unreachable,
        _ => Refusal::Failed,
    };
    from_answer(request, why, format!("{}: {}", status.code.name(), status.message))
}

/// The error of a call that takes too long.
pub(super) fn late(request: Request<'_>) -> KekError {
    from_answer(request, Refusal::Unreachable, "no answer in time".to_owned())
}

/// Whether another attempt to log in can succeed, because no server refused the login.
///
/// If no credentials are set, the metadata server is missing. Then the user is not logged in, and
/// another attempt does not help.
fn is_transient(error: &Error) -> bool {
    let named = std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").is_some();
    let has_credentials = named
        || etcetera::home_dir().is_ok_and(|home| {
            home.join(".config/gcloud/application_default_credentials.json").exists()
        });
    has_credentials && is_marked_transient(error)
}

fn is_marked_transient(error: &Error) -> bool {
    std::iter::successors(std::error::Error::source(error), |e| e.source())
        .find_map(|e| e.downcast_ref::<CredentialsError>())
        .is_some_and(CredentialsError::is_transient)
}

/// Maps an answer that did not come from the KMS itself, or no answer.
fn of_transport(request: Request<'_>, error: &Error) -> KekError {
    match error.http_status_code() {
        Some(429) => from_answer(request, Refusal::Throttled, "HTTP status 429".to_owned()),
        Some(401) => from_answer(request, Refusal::NotLoggedIn, "HTTP status 401".to_owned()),
        Some(403) => from_answer(request, Refusal::Denied, "HTTP status 403".to_owned()),
        Some(code) => from_answer(request, Refusal::Unreachable, format!("HTTP status {code}")),
        None => from_answer(request, Refusal::Unreachable, innermost(error)),
    }
}

fn from_answer(request: Request<'_>, why: Refusal, detail: String) -> KekError {
    KekError::from_answer(request, why, detail, hint(why, request))
}

fn hint(why: Refusal, request: Request<'_>) -> Option<String> {
    let parts: Vec<&str> = request.kek.rest().split('/').collect();
    let (project, location, ring) = (parts[1], parts[3], parts[5]);
    let permission = request.permission;
    Some(match why {
        Refusal::Denied => {
            format!("this needs `{permission}` on the key; `gcloud auth list` shows who you are")
        }
        Refusal::NotLoggedIn => NOT_LOGGED_IN.to_owned(),
        Refusal::NotFound => format!(
            "`gcloud kms keys list --project {project} --location {location} --keyring {ring}` lists the keys there"
        ),
        Refusal::Disabled => format!(
            "the primary version of the key, or the version that wrapped the data key, is disabled or destroyed: run `gcloud kms keys versions list --project {project} --location {location} --keyring {ring} --key {}`",
            parts[7]
        ),
        Refusal::Throttled => {
            format!(
                "the quota of cryptographic requests of the project `{project}` is used up: wait, or request a higher quota"
            )
        }
        Refusal::Unreachable => "check the network and the proxy (`HTTPS_PROXY`)".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use google_cloud_gax::error::rpc::Status;

    use super::*;
    use crate::kek::KekUri;

    fn of(error: &Error, action: Action) -> KekError {
        let kek: KekUri =
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k".parse().expect("a KEK");
        refusal(Request { kek: &kek, action, permission: "useToDecrypt" }, error)
    }

    fn answer(code: Code) -> Error {
        Error::service(Status::default().set_code(code).set_message("no"))
    }

    #[test]
    fn each_code_is_told_as_what_it_means_with_what_to_do() {
        for (code, why, hint) in [
            (Code::PermissionDenied, Refusal::Denied, "`useToDecrypt` on the key"),
            (Code::Unauthenticated, Refusal::NotLoggedIn, "application-default login"),
            (Code::NotFound, Refusal::NotFound, "keys list --project p --location l --keyring r`"),
            (
                Code::FailedPrecondition,
                Refusal::Disabled,
                "--project p --location l --keyring r --key k`",
            ),
            (Code::ResourceExhausted, Refusal::Throttled, "of the project `p`"),
            (Code::InvalidArgument, Refusal::Rejected, ""),
            (Code::Unavailable, Refusal::Unreachable, "check the network"),
            (Code::DeadlineExceeded, Refusal::Unreachable, "check the network"),
            (Code::Internal, Refusal::Unreachable, "check the network"),
            (Code::Unimplemented, Refusal::Failed, ""),
        ] {
            let refused = of(&answer(code), Action::Unwrap);
            assert_eq!(refused.refusal, why, "{code:?}");
            assert_eq!(refused.detail, Some(format!("{}: no", code.name())));
            let shown = refused.hint.unwrap_or_default();
            assert!(shown.contains(hint) && shown.is_empty() == hint.is_empty(), "{shown}");
        }
        // To seal, there is nothing that the KMS could reject.
        assert_eq!(of(&answer(Code::InvalidArgument), Action::Wrap).refusal, Refusal::Failed);
    }

    #[test]
    fn an_answer_that_is_not_the_kms_s_comes_from_something_in_front_of_it() {
        let answer = |status| Error::http(status, Default::default(), Default::default());
        for (status, why) in [
            (401, Refusal::NotLoggedIn),
            (403, Refusal::Denied),
            (429, Refusal::Throttled),
            (404, Refusal::Unreachable),
            (502, Refusal::Unreachable),
        ] {
            let refused = of(&answer(status), Action::Unwrap);
            assert_eq!(refused.refusal, why, "{status}");
            assert_eq!(refused.detail, Some(format!("HTTP status {status}")));
        }
    }

    #[test]
    fn without_an_answer_the_network_is_missing_and_no_answer_is_quoted() {
        for (error, why, detail) in [
            (Error::timeout("x"), Refusal::Unreachable, "no answer in time"),
            (Error::exhausted("x"), Refusal::Unreachable, "no answer in time"),
            (Error::io("closed"), Refusal::Unreachable, "closed"),
            (Error::connect("refused"), Refusal::Unreachable, "refused"),
            (Error::transport(Default::default(), "broken"), Refusal::Unreachable, "broken"),
            (Error::deser("c2VjcmV0"), Refusal::Failed, "its answer cannot be read"),
        ] {
            let refused = of(&error, Action::Unwrap);
            assert_eq!((refused.refusal, refused.detail.as_deref()), (why, Some(detail)));
        }
    }

    #[test]
    fn a_login_that_was_refused_is_no_login() {
        let refused = CredentialsError::from_msg(false, "wrong");
        let error = Error::authentication(refused);
        assert_eq!(of(&error, Action::Unwrap).refusal, Refusal::NotLoggedIn);
        assert!(!is_marked_transient(&error));
        assert!(is_marked_transient(&Error::authentication(CredentialsError::from_msg(true, "?"))));
        assert!(!is_marked_transient(&Error::io("closed")));
    }
}
