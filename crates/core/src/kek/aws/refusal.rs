//! Maps the errors of AWS KMS to a [`Refusal`] with a hint.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::kek::error::{Request, innermost};
use crate::kek::{KekError, Refusal};

/// Maps an SDK error. The request is never shown, because it contains the DEK.
pub(super) fn refusal<E>(
    request: Request<'_>,
    region: Option<&str>,
    error: &SdkError<E>,
) -> KekError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let region = region.unwrap_or("the configured region");
    let (why, detail) = match error {
        SdkError::ServiceError(context) => service_refusal(context.err()),
        SdkError::TimeoutError(_) => (Refusal::Unreachable, "no answer in time".to_owned()),
        SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_)
            if find::<CredentialsError>(error).is_some() =>
        {
            (Refusal::NotLoggedIn, "the SDK found no valid credentials".to_owned())
        }
        SdkError::DispatchFailure(_) => (Refusal::Unreachable, innermost(error)),
        SdkError::ResponseError(_) => {
            (Refusal::Unreachable, "the connection broke, or the answer is not valid".to_owned())
        }
        _ => (Refusal::Failed, innermost(error)),
    };
    KekError::from_answer(request, why, detail, hint(why, region, request.permission))
}

/// Returns whether the code of an error says that there were too many requests.
pub(super) fn is_throttled(code: &str) -> bool {
    matches!(
        code,
        "ThrottlingException"
            | "LimitExceededException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
    )
}

fn service_refusal(error: &impl ProvideErrorMetadata) -> (Refusal, String) {
    let code = error.code().unwrap_or("unknown error");
    let why = match code {
        "AccessDeniedException" => Refusal::Denied,
        "ExpiredTokenException"
        | "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "IncompleteSignature" => Refusal::NotLoggedIn,
        "NotFoundException" | "InvalidArnException" => Refusal::NotFound,
        "DisabledException" | "KMSInvalidStateException" | "InvalidKeyUsageException" => {
            Refusal::Disabled
        }
        code if is_throttled(code) => Refusal::Throttled,
        "InvalidCiphertextException" | "IncorrectKeyException" => Refusal::Rejected,
        "KMSInternalException"
        | "KeyUnavailableException"
        | "DependencyTimeoutException"
        | "InternalFailure"
        | "ServiceUnavailable" => Refusal::Unreachable,
        _ => Refusal::Failed,
    };
    let detail = match error.message() {
        Some(message) => format!("{code}: {message}"),
        None => code.to_owned(),
    };
    (why, detail)
}

fn hint(why: Refusal, region: &str, permission: &str) -> Option<String> {
    Some(match why {
        Refusal::Denied => format!(
            "this needs `{permission}` on the key in {region}; `aws sts get-caller-identity` shows who you are"
        ),
        Refusal::NotLoggedIn => {
            "log in with `aws sso login`, or set `AWS_PROFILE`; `aws sts get-caller-identity` shows whether it worked".to_owned()
        }
        Refusal::NotFound => format!("the call went to {region}; `aws kms list-aliases` lists the aliases there"),
        Refusal::Disabled => format!("`aws kms enable-key` in {region} enables the key again"),
        Refusal::Throttled => format!("the request quota of KMS in {region} is used up: wait, or request a higher quota"),
        Refusal::Unreachable => format!("the call went to {region}; check the network, the proxy and `AWS_ENDPOINT_URL_KMS`"),
        _ => return None,
    })
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |e| (*e).source()).find_map(|e| e.downcast_ref())
}

#[cfg(test)]
mod tests {
    use aws_sdk_kms::error::{ConnectorError, ErrorMetadata};

    use super::*;
    use crate::kek::{Action, KekUri};

    const REGION: &str = "eu-west-1";

    fn of(error: &SdkError<ErrorMetadata>) -> KekError {
        let kek = KekUri::aws("alias/a").expect("an alias");
        let request = Request { kek: &kek, action: Action::Unwrap, permission: "kms:Decrypt" };
        refusal(request, Some(REGION), error)
    }

    /// The codes are those of the reference of the KMS API, and those that all services share.
    #[test]
    fn each_code_of_kms_is_told_as_what_it_means_with_what_to_do() {
        for (codes, why, hint) in [
            (&["AccessDeniedException"][..], Refusal::Denied, "`kms:Decrypt` on the key"),
            (
                &[
                    "ExpiredTokenException",
                    "UnrecognizedClientException",
                    "InvalidClientTokenId",
                    "InvalidSignatureException",
                    "MissingAuthenticationToken",
                    "IncompleteSignature",
                ],
                Refusal::NotLoggedIn,
                "`aws sso login`",
            ),
            (&["NotFoundException", "InvalidArnException"], Refusal::NotFound, "list-aliases"),
            (
                &["DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"],
                Refusal::Disabled,
                "enable-key",
            ),
            (
                &[
                    "ThrottlingException",
                    "LimitExceededException",
                    "RequestLimitExceeded",
                    "TooManyRequestsException",
                ],
                Refusal::Throttled,
                "the request quota of KMS",
            ),
            (&["InvalidCiphertextException", "IncorrectKeyException"], Refusal::Rejected, ""),
            (
                &[
                    "KMSInternalException",
                    "KeyUnavailableException",
                    "DependencyTimeoutException",
                    "InternalFailure",
                    "ServiceUnavailable",
                ],
                Refusal::Unreachable,
                "check the network",
            ),
            (&["SomethingNewException"], Refusal::Failed, ""),
        ] {
            for code in codes {
                let error = ErrorMetadata::builder().code(*code).message("no").build();
                assert_eq!(service_refusal(&error), (why, format!("{code}: no")));
            }
            let shown = super::hint(why, REGION, "kms:Decrypt").unwrap_or_default();
            assert!(shown.contains(hint) && shown.is_empty() == hint.is_empty(), "{shown}");
        }
        let silent = ErrorMetadata::builder().code("AccessDeniedException").build();
        assert_eq!(service_refusal(&silent).1, "AccessDeniedException");
    }

    #[test]
    fn without_an_answer_the_login_or_the_network_is_missing() {
        let no_login = || CredentialsError::not_loaded("none");
        for (error, why) in [
            (SdkError::timeout_error("late"), Refusal::Unreachable),
            (SdkError::construction_failure(no_login()), Refusal::NotLoggedIn),
            (
                SdkError::dispatch_failure(ConnectorError::user(no_login().into())),
                Refusal::NotLoggedIn,
            ),
            (SdkError::dispatch_failure(ConnectorError::io("closed".into())), Refusal::Unreachable),
            (SdkError::construction_failure("no region"), Refusal::Failed),
        ] {
            let refused = of(&error);
            assert_eq!(refused.refusal, why, "{error:?}");
            let says_where = refused.hint.is_some_and(|hint| hint.contains(REGION));
            assert_eq!(says_where, why == Refusal::Unreachable);
        }
    }
}
