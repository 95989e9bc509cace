//! Maps the errors of Vault to a [`Refusal`] with a hint.

use vaultrs::error::ClientError;

use crate::kek::error::{Request, innermost};
use crate::kek::{KekError, Refusal};

/// How to get a token.
pub(super) const NOT_LOGGED_IN: &str =
    "log in with `vault login` or `bao login`, or set `VAULT_TOKEN`; in a pod, set `VAULT_ROLE`";

/// The detail for a redirect to another server.
const REDIRECTED: &str = "it redirects to another server, which would receive the token and the data key, so the redirect is not followed; if you trust that server, name it in `VAULT_ADDR`";

/// Maps a client error. The request is never shown, because it contains the DEK.
pub(super) fn refusal(request: Request<'_>, error: &ClientError) -> KekError {
    let (why, detail) = match error {
        ClientError::APIError { code, errors } => {
            let words = errors.join("; ").trim().replace('\n', " ");
            if (300..400).contains(code) {
                return from_answer(request, Refusal::Failed, REDIRECTED.to_owned());
            }
            (of_status(*code, &words, request.permission), words)
        }
        ClientError::RestClientError { source } => of_transport(source, request.permission),
        _ => (Refusal::Failed, error.to_string()),
    };
    from_answer(request, why, detail)
}

/// The error of a call that takes too long.
pub(super) fn late(request: Request<'_>) -> KekError {
    from_answer(request, Refusal::Unreachable, "no answer in time".to_owned())
}

fn from_answer(request: Request<'_>, why: Refusal, detail: String) -> KekError {
    KekError::from_answer(request, why, detail, hint(why, request))
}

fn of_transport(error: &rustify::errors::ClientError, path: &str) -> (Refusal, String) {
    use rustify::errors::ClientError as Rest;
    match error {
        Rest::ServerResponseError { code: 300..=399, .. } => {
            (Refusal::Failed, REDIRECTED.to_owned())
        }
        // The content can be anything, so it is not shown.
        // Vault explains each refusal. Without an explanation, something in front of it answers.
        Rest::ServerResponseError { code: code @ (403 | 404), .. } => {
            (Refusal::Unreachable, format!("HTTP status {code}, which is not an answer of Vault"))
        }
        Rest::ServerResponseError { code, .. } => {
            (of_status(*code, "", path), format!("HTTP status {code}"))
        }
        Rest::RequestError { .. } | Rest::ResponseError { .. } => {
            (Refusal::Unreachable, innermost(error))
        }
        // The message of a parser can quote the answer, which may contain the DEK.
        _ => (Refusal::Failed, "its answer cannot be read".to_owned()),
    }
}

fn of_status(code: u16, words: &str, path: &str) -> Refusal {
    let says = |text: &str| words.contains(text);
    match code {
        _ if path == "login" && matches!(code, 400 | 403) => Refusal::NotLoggedIn,
        400 if says("missing client token") => Refusal::NotLoggedIn,
        403 if says("invalid token") || says("bad token") => Refusal::NotLoggedIn,
        403 => Refusal::Denied,
        400 if says("key not found") => Refusal::NotFound,
        400 if says("disallowed by policy") || says("soft") => Refusal::Disabled,
        400 if path != "encrypt" => Refusal::Rejected,
        404 => Refusal::NotFound,
        429 => Refusal::Throttled,
        412 | 472 | 473 | 500..=599 => Refusal::Unreachable,
        _ => Refusal::Failed,
    }
}

fn hint(why: Refusal, request: Request<'_>) -> Option<String> {
    let (mount, key) = super::kek::mount_and_key(request.kek);
    let path = request.permission;
    Some(match why {
        Refusal::Denied => format!(
            "this needs a policy with `update` on `{mount}/{path}/{key}`; `vault token lookup` shows who you are"
        ),
        Refusal::NotFound if path == "login" => {
            "the auth method is not enabled there: set `VAULT_AUTH_PATH` to the path where it is mounted".to_owned()
        }
        Refusal::NotLoggedIn => NOT_LOGGED_IN.to_owned(),
        Refusal::NotFound => {
            format!("`vault list {mount}/keys` lists the keys there; `VAULT_NAMESPACE` may be missing")
        }
        Refusal::Disabled => format!(
            "`vault read {mount}/keys/{key}` shows the `min_decryption_version` of the key, and whether it was deleted"
        ),
        Refusal::Throttled => "a quota of the server is used up: wait, or request a higher quota".to_owned(),
        Refusal::Unreachable => {
            "check `VAULT_ADDR`, `VAULT_CACERT` and the network; `vault status` shows whether the server is sealed".to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kek::{Action, KekUri};

    fn answer(code: u16, words: &str, permission: &'static str) -> KekError {
        let kek: KekUri = "hashivault://team/transit/key".parse().expect("a KEK");
        let request = Request { kek: &kek, action: Action::Unwrap, permission };
        refusal(request, &ClientError::APIError { code, errors: vec![words.to_owned()] })
    }

    /// The words are those of Vault and OpenBao.
    #[test]
    fn each_answer_is_told_as_what_it_means_with_what_to_do() {
        for (code, words, permission, why, hint) in [
            (400, "missing role", "login", Refusal::NotLoggedIn, "`vault login`"),
            (403, "permission denied", "login", Refusal::NotLoggedIn, "`vault login`"),
            (404, "no handler for route", "login", Refusal::NotFound, "set `VAULT_AUTH_PATH`"),
            (400, "missing client token", "encrypt", Refusal::NotLoggedIn, ""),
            (403, "invalid token", "decrypt", Refusal::NotLoggedIn, ""),
            (403, "bad token", "decrypt", Refusal::NotLoggedIn, ""),
            (
                403,
                "permission denied",
                "decrypt",
                Refusal::Denied,
                "`update` on `team/transit/decrypt/key`",
            ),
            (400, "encryption key not found", "encrypt", Refusal::NotFound, "team/transit/keys`"),
            (
                400,
                "ciphertext version is disallowed by policy (too old)",
                "decrypt",
                Refusal::Disabled,
                "`vault read team/transit/keys/key`",
            ),
            (400, "the key was soft deleted", "encrypt", Refusal::Disabled, ""),
            (400, "invalid ciphertext", "decrypt", Refusal::Rejected, ""),
            (400, "invalid ciphertext", "rewrap", Refusal::Rejected, ""),
            (400, "other", "encrypt", Refusal::Failed, ""),
            (404, "", "decrypt", Refusal::NotFound, ""),
            (429, "", "decrypt", Refusal::Throttled, "a quota of the server is used up"),
            (412, "", "decrypt", Refusal::Unreachable, "check `VAULT_ADDR`"),
            (472, "", "decrypt", Refusal::Unreachable, ""),
            (473, "", "decrypt", Refusal::Unreachable, ""),
            (503, "Vault is sealed", "decrypt", Refusal::Unreachable, ""),
            (405, "unsupported operation", "decrypt", Refusal::Failed, ""),
        ] {
            let refused = answer(code, words, permission);
            assert_eq!(refused.refusal, why, "{code} {words} {permission}");
            let shown = refused.hint.unwrap_or_default();
            assert!(shown.contains(hint), "{code} {words}: {shown}");
            let has_none = matches!(why, Refusal::Rejected | Refusal::Failed);
            assert_eq!(shown.is_empty(), has_none, "{code} {words}");
        }
    }

    #[test]
    fn a_redirect_would_give_the_token_away_and_is_told() {
        for code in [300, 307, 399] {
            let refused = answer(code, "", "decrypt");
            assert_eq!(
                (refused.refusal, refused.detail.as_deref()),
                (Refusal::Failed, Some(REDIRECTED))
            );
        }
    }

    #[test]
    fn an_answer_that_is_not_vaults_comes_from_something_in_front_of_it() {
        use rustify::errors::ClientError as Rest;
        for (code, why) in [
            (307, Refusal::Failed),
            (403, Refusal::Unreachable),
            (404, Refusal::Unreachable),
            (429, Refusal::Throttled),
            (502, Refusal::Unreachable),
            (418, Refusal::Failed),
        ] {
            let content = Some("<html>c2VjcmV0</html>".to_owned());
            let (refused, detail) =
                of_transport(&Rest::ServerResponseError { code, content }, "decrypt");
            assert_eq!(refused, why, "{code}");
            assert!(!detail.contains("c2VjcmV0"), "{detail}");
            assert_eq!(detail == REDIRECTED, code == 307, "{detail}");
        }
    }
}
