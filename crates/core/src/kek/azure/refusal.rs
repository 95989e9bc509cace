//! Maps the errors of Azure Key Vault to a [`Refusal`] with a hint.

use azure_core::error::{Error, ErrorKind};
use azure_core::http::StatusCode;
use azure_core::http::headers::HeaderName;
use serde::Deserialize;

use crate::kek::error::{Request, innermost};
use crate::kek::{Action, KekError, Refusal};

const RETRY_AFTER: HeaderName = HeaderName::from_static("retry-after");

/// The body of an error: `{"error":{"code":…,"message":…,"innererror":{"code":…}}}`.
#[derive(Deserialize)]
struct Body {
    error: Code,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Code {
    code: String,
    message: String,
    innererror: Option<Box<Code>>,
}

/// Maps an SDK error. The request is never shown, because it contains the DEK.
pub(super) fn refusal(request: Request<'_>, error: &Error) -> KekError {
    match error.kind() {
        ErrorKind::HttpResponse { status, raw_response, .. } => {
            let body = raw_response.as_ref().map(|response| response.body().as_ref());
            let body = body.and_then(|bytes: &[u8]| serde_json::from_slice::<Body>(bytes).ok());
            let refused =
                of_status(request, *status, body.map(|body| body.error).unwrap_or_default());
            let headers = raw_response.as_ref().map(|response| response.headers());
            refused.retry_after(headers.and_then(|headers| headers.get_optional_str(&RETRY_AFTER)))
        }
        ErrorKind::Credential => from_answer(request, Refusal::NotLoggedIn, innermost(error)),
        ErrorKind::Connection | ErrorKind::Io => {
            from_answer(request, Refusal::Unreachable, innermost(error))
        }
        // The message of a parser can quote the answer, which may contain the DEK.
        ErrorKind::DataConversion => {
            from_answer(request, Refusal::Failed, "its answer cannot be read".to_owned())
        }
        _ => from_answer(request, Refusal::Failed, innermost(error)),
    }
}

/// The error of a call that takes too long.
pub(super) fn late(request: Request<'_>) -> KekError {
    from_answer(request, Refusal::Unreachable, "no answer in time".to_owned())
}

fn of_status(request: Request<'_>, status: StatusCode, error: Code) -> KekError {
    let inner = error.innererror.map(|inner| inner.code).unwrap_or_default();
    let why = match u16::from(status) {
        403 if matches!(inner.as_str(), "KeyDisabled" | "KeyExpired" | "KeyNotYetValid")
            || error.message.contains("disabled key") =>
        {
            Refusal::Disabled
        }
        // The firewall of the vault blocks this network. Permissions do not matter.
        403 if inner.starts_with("ForbiddenBy")
            && inner != "ForbiddenByRbac"
            && inner != "ForbiddenByPolicy" =>
        {
            Refusal::Unreachable
        }
        403 => Refusal::Denied,
        401 => Refusal::NotLoggedIn,
        404 => Refusal::NotFound,
        429 => Refusal::Throttled,
        400 if request.action == Action::Unwrap => Refusal::Rejected,
        500..=599 | 408 => Refusal::Unreachable,
        _ => Refusal::Failed,
    };
    let code = if inner.is_empty() { error.code } else { inner };
    let words = match (code.as_str(), error.message.as_str()) {
        ("", "") => format!("HTTP status {}", u16::from(status)),
        ("", words) => words.to_owned(),
        (code, words) => format!("{code}: {words}"),
    };
    from_answer(request, why, words.replace(['\r', '\n'], " "))
}

/// Makes the error with its hint.
fn from_answer(request: Request<'_>, why: Refusal, detail: String) -> KekError {
    KekError::from_answer(request, why, detail, hint(why, request))
}

fn hint(why: Refusal, request: Request<'_>) -> Option<String> {
    let (vault, key, _) = super::kek::parts(request.kek);
    let (permission, vault) = (request.permission, vault.split('.').next().unwrap_or(vault));
    Some(match why {
        Refusal::Denied => format!(
            "this needs the permission `{permission}` on the key, for example with the role Key Vault Crypto Service Encryption User; `az account show` shows who you are"
        ),
        Refusal::NotLoggedIn => {
            "log in with `az login`, or set `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`".to_owned()
        }
        Refusal::NotFound => format!("`az keyvault key list --vault-name {vault}` lists the keys there"),
        Refusal::Disabled => format!(
            "`az keyvault key list-versions --vault-name {vault} --name {key}` shows which versions are enabled, and until when"
        ),
        Refusal::Throttled => {
            format!("the vault `{vault}` accepts no more requests for now: wait, or use a second vault")
        }
        Refusal::Unreachable => "check the network, the proxy (`HTTPS_PROXY`) and the firewall of the vault".to_owned(),
        _ => return None,
    })
}
