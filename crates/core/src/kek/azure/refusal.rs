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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kek::KekUri;

    const KEK: &str = "azurekms://team.vault.azure.net/key/1";

    fn with<T>(action: Action, run: impl FnOnce(Request<'_>) -> T) -> T {
        let kek: KekUri = KEK.parse().expect("a KEK");
        run(Request { kek: &kek, action, permission: "unwrapKey" })
    }

    fn answer(status: u16, inner: &str, message: &str, action: Action) -> KekError {
        let innererror = Some(Box::new(Code { code: inner.to_owned(), ..Code::default() }));
        let code = Code { code: "Code".to_owned(), message: message.to_owned(), innererror };
        with(action, |request| of_status(request, StatusCode::from(status), code))
    }

    #[test]
    fn each_status_is_told_as_what_it_means_with_what_to_do() {
        for (status, inner, message, why, hint) in [
            (403, "KeyDisabled", "", Refusal::Disabled, "list-versions --vault-name team"),
            (403, "KeyExpired", "", Refusal::Disabled, "--name key"),
            (403, "KeyNotYetValid", "", Refusal::Disabled, ""),
            (403, "", "not allowed on a disabled key", Refusal::Disabled, ""),
            (403, "ForbiddenByFirewall", "", Refusal::Unreachable, "firewall of the vault"),
            (403, "ForbiddenByConnection", "", Refusal::Unreachable, ""),
            (403, "ForbiddenByRbac", "", Refusal::Denied, "the permission `unwrapKey`"),
            (403, "ForbiddenByPolicy", "", Refusal::Denied, ""),
            (403, "", "", Refusal::Denied, ""),
            (401, "", "", Refusal::NotLoggedIn, "`az login`"),
            (404, "", "", Refusal::NotFound, "key list --vault-name team`"),
            (429, "", "", Refusal::Throttled, "the vault `team` accepts no more"),
            (400, "", "", Refusal::Rejected, ""),
            (500, "", "", Refusal::Unreachable, ""),
            (599, "", "", Refusal::Unreachable, ""),
            (408, "", "", Refusal::Unreachable, ""),
            (418, "", "", Refusal::Failed, ""),
        ] {
            let refused = answer(status, inner, message, Action::Unwrap);
            assert_eq!(refused.refusal, why, "{status} {inner}");
            let shown = refused.hint.unwrap_or_default();
            assert!(shown.contains(hint), "{status} {inner}: {shown}");
            let has_none = matches!(why, Refusal::Rejected | Refusal::Failed);
            assert_eq!(shown.is_empty(), has_none, "{status} {inner}");
        }
        // To seal, there is nothing that the vault could reject.
        assert_eq!(answer(400, "", "", Action::Wrap).refusal, Refusal::Failed);
    }

    #[test]
    fn an_error_of_the_sdk_is_the_login_or_the_network_and_never_quotes_an_answer() {
        for (kind, why) in [
            (ErrorKind::Credential, Refusal::NotLoggedIn),
            (ErrorKind::Connection, Refusal::Unreachable),
            (ErrorKind::Io, Refusal::Unreachable),
            (ErrorKind::DataConversion, Refusal::Failed),
            (ErrorKind::Other, Refusal::Failed),
        ] {
            let quotes = !matches!(kind, ErrorKind::DataConversion);
            let error = Error::with_message(kind, "{\"value\":\"c2VjcmV0\"}");
            let refused = with(Action::Unwrap, |request| refusal(request, &error));
            assert_eq!(refused.refusal, why, "{error:?}");
            let detail = refused.detail.expect("a detail");
            assert_eq!(detail.contains("c2VjcmV0"), quotes, "{detail}");
        }
    }
}
