//! What AWS KMS answers, in the project's few words.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::kek::error::{Request, innermost};
use crate::kek::{KekError, Refusal};

/// Maps an SDK error. The request is never shown: it holds the DEK.
pub fn refusal<E>(request: Request<'_>, region: Option<&str>, error: &SdkError<E>) -> KekError
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
            (Refusal::NotLoggedIn, "the SDK found no usable credentials".to_owned())
        }
        SdkError::DispatchFailure(_) => (Refusal::Unreachable, innermost(error)),
        SdkError::ResponseError(_) => {
            (Refusal::Unreachable, "the connection broke, or the answer was none".to_owned())
        }
        _ => (Refusal::Failed, innermost(error)),
    };
    KekError::from_answer(request, why, detail, hint(why, region, request.permission))
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
        "ThrottlingException"
        | "LimitExceededException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => Refusal::Throttled,
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
            "this takes `{permission}` on the key in {region}; `aws sts get-caller-identity` tells who you are"
        ),
        Refusal::NotLoggedIn => {
            "log in with `aws sso login`, or set `AWS_PROFILE`; `aws sts get-caller-identity` tells whether it worked".to_owned()
        }
        Refusal::NotFound => format!("looked for in {region}; `aws kms list-aliases` shows what is there"),
        Refusal::Disabled => format!("`aws kms enable-key` in {region} puts it back in service"),
        Refusal::Throttled => format!("the request quota of KMS in {region} is used up: wait, or ask for a higher one"),
        Refusal::Unreachable => format!("asked in {region}; check the network, a proxy, and `AWS_ENDPOINT_URL_KMS`"),
        _ => return None,
    })
}

fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    std::iter::successors(Some(error), |e| (*e).source()).find_map(|e| e.downcast_ref())
}
