//! The call that decrypts several DEKs: `batch_input`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustify::endpoint::Endpoint;
use rustify::enums::{RequestMethod, RequestType, ResponseType};
use rustify::errors::ClientError as RestError;
use serde::{Deserialize, Serialize};
use vaultrs::client::{Client, VaultClient};
use vaultrs::error::ClientError;
use zeroize::{Zeroize, Zeroizing};

use super::kek::associated_data;
use crate::kek::{Context, Opened, WrappedKey};

/// The body of a request. It has no secret.
#[derive(Serialize)]
struct Request<'a> {
    batch_input: Vec<Input<'a>>,
}

#[derive(Serialize)]
struct Input<'a> {
    ciphertext: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_data: Option<String>,
}

/// `POST MOUNT/decrypt/KEY`.
struct Decrypt {
    path: String,
    body: Vec<u8>,
}

impl Endpoint for Decrypt {
    type Response = ();
    const REQUEST_BODY_TYPE: RequestType = RequestType::JSON;
    const RESPONSE_BODY_TYPE: ResponseType = ResponseType::JSON;

    fn path(&self) -> String {
        self.path.clone()
    }

    fn method(&self) -> RequestMethod {
        RequestMethod::POST
    }

    fn body(&self) -> Result<Option<Vec<u8>>, RestError> {
        Ok(Some(self.body.clone()))
    }
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    batch_results: Vec<Output>,
}

/// The answer for one DEK.
#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    plaintext: String,
    #[serde(default)]
    error: String,
}

impl Drop for Output {
    fn drop(&mut self) {
        self.plaintext.zeroize();
    }
}

/// The errors of a request that failed as a whole.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<String>,
}

/// Returns the body of a request, each DEK with its own associated data.
pub(super) fn request<'k>(keys: &[(&'k WrappedKey, &Context)]) -> Vec<u8> {
    let input = |(key, context): &(&'k WrappedKey, &Context)| Input {
        // A text that is not UTF-8 is not one of Vault. It fails alone.
        ciphertext: str::from_utf8(&key.bytes).unwrap_or_default(),
        associated_data: associated_data(context),
    };
    let batch_input = keys.iter().map(input).collect();
    serde_json::to_vec(&Request { batch_input }).expect("it is plain text")
}

/// Decrypts several DEKs. Returns `None` if Vault does not answer for each of them.
///
/// If one of them fails, Vault answers with the status 400, or an older one with 200. Both have all
/// results.
pub(super) async fn decrypt(
    client: &VaultClient,
    mount: &str,
    name: &str,
    body: Vec<u8>,
    count: usize,
) -> Result<Option<Vec<Option<Opened>>>, ClientError> {
    let endpoint = Decrypt { path: format!("{mount}/decrypt/{name}"), body };
    match endpoint.with_middleware(client.middle()).exec(client.http()).await {
        Ok(answer) => {
            let bytes = Zeroizing::new(answer.response.into_body());
            Ok(opened(&bytes, count))
        }
        Err(RestError::ServerResponseError { code, content }) => {
            let content = Zeroizing::new(content.unwrap_or_default());
            if code == 400
                && let Some(opened) = opened(content.as_bytes(), count)
            {
                return Ok(Some(opened));
            }
            Err(match serde_json::from_str(&content) {
                Ok(Errors { errors }) => ClientError::APIError { code, errors },
                Err(_) => RestError::ServerResponseError { code, content: None }.into(),
            })
        }
        Err(error) => Err(error.into()),
    }
}

/// Reads an answer for `count` DEKs.
fn opened(body: &[u8], count: usize) -> Option<Vec<Option<Opened>>> {
    let results = serde_json::from_slice::<Answer>(body).ok()?.data.batch_results;
    let open = |output: &Output| {
        let bytes = BASE64_STANDARD.decode(&output.plaintext).ok()?;
        let bytes = Zeroizing::new(bytes);
        (output.error.is_empty() && !bytes.is_empty()).then(|| bytes.into())
    };
    (results.len() == count).then(|| results.iter().map(open).collect())
}

#[cfg(test)]
mod tests {
    use vaultrs::client::VaultClientSettingsBuilder;

    use super::super::served::{Answer, Served};
    use super::*;

    #[test]
    fn an_item_that_failed_is_not_opened_and_the_others_are() {
        let body = br#"{"data":{"batch_results":[{"plaintext":"AQI="},{"error":"no"},{"plaintext":"AQ==","error":"no"},{"plaintext":""}]}}"#;
        let opened = opened(body, 4).expect("for each");
        let bytes: Vec<_> = opened
            .iter()
            .map(|opened| opened.as_ref().map(|opened| opened.bytes.to_vec()))
            .collect();
        assert_eq!(bytes, [Some(vec![1, 2]), None, None, None]);
    }

    #[test]
    fn an_answer_for_another_number_is_none() {
        let body = br#"{"data":{"batch_results":[{"plaintext":"AQI="}]}}"#;
        assert!(opened(body, 2).is_none() && opened(b"{}", 1).is_none());
    }

    /// Decrypts two DEKs at a server that gives this answer. Returns how many were opened, and what
    /// was sent.
    async fn decrypt_two(
        answer: &'static [Answer],
    ) -> (Result<Option<usize>, ClientError>, String) {
        let served = Served::start(answer);
        let mut settings = VaultClientSettingsBuilder::default();
        let settings = settings.address(&served.address).token("token").build().expect("valid");
        let client = VaultClient::new(settings).expect("a client");
        let body = br#"{"batch_input":[]}"#.to_vec();
        let answer = decrypt(&client, "team/transit", "key", body, 2).await;
        let answer = answer.map(|all| all.map(|all| all.iter().flatten().count()));
        (answer, served.requests().remove(0))
    }

    #[tokio::test]
    async fn one_call_asks_for_all_and_an_answer_with_status_400_has_the_results_too() {
        const ONE: &str = r#"{"data":{"batch_results":[{"plaintext":"AQI="},{"error":"no"}]}}"#;
        let (opened, request) = decrypt_two(&[(200, "", ONE)]).await;
        assert_eq!(opened.expect("answered"), Some(1));
        assert!(request.starts_with("POST /v1/team/transit/decrypt/key HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("\r\nx-vault-token: token\r\n"), "{request}");
        assert!(request.ends_with("\r\n\r\n{\"batch_input\":[]}"), "{request}");
        assert_eq!(decrypt_two(&[(400, "", ONE)]).await.0.expect("answered"), Some(1));
        assert_eq!(decrypt_two(&[(200, "", "{}")]).await.0.expect("answered"), None);
        let other = decrypt_two(&[(500, "", ONE)]).await.0;
        assert!(matches!(other, Err(ClientError::RestClientError { .. })), "{other:?}");
    }

    #[tokio::test]
    async fn an_error_of_vault_keeps_its_words_and_any_other_answer_is_not_shown() {
        let refused = decrypt_two(&[(403, "", r#"{"errors":["permission denied"]}"#)]).await.0;
        let Err(ClientError::APIError { code: 403, errors }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(errors, ["permission denied"]);
        let other = decrypt_two(&[(502, "", "<html>c2VjcmV0</html>")]).await.0.expect_err("no");
        assert!(!format!("{other:?}").contains("c2VjcmV0"), "{other:?}");
    }

    #[test]
    fn each_dek_is_sent_with_its_own_context() {
        let kek = || "hashivault://key".parse().expect("a KEK");
        let one = WrappedKey { kek: kek(), bytes: b"vault:v1:a".to_vec() };
        let other = WrappedKey { kek: kek(), bytes: vec![0xff] };
        let body =
            request(&[(&one, &Context::new(None, Some("db"))), (&other, &Context::default())]);
        let context = BASE64_STANDARD.encode(br#"{"envcrypt.dev/name":"db"}"#);
        let first = format!(r#"{{"ciphertext":"vault:v1:a","associated_data":"{context}"}}"#);
        let expected = format!(r#"{{"batch_input":[{first},{{"ciphertext":""}}]}}"#);
        assert_eq!(String::from_utf8_lossy(&body), expected);
    }
}
