//! A key of Google Cloud KMS as a KEK: `encrypt` and `decrypt` of the DEK with
//! the context as additional authenticated data, under application default
//! credentials. Needs `cloudkms.cryptoKeyVersions.useToEncrypt` to seal and
//! `cloudkms.cryptoKeyVersions.useToDecrypt` to open. CRC32C sums go both ways, so
//! that a byte that changed on its way is noticed before the DEK is lost.

mod refusal;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use google_cloud_gax::exponential_backoff::ExponentialBackoffBuilder;
use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::retry_policy::{Aip194Strict, RetryPolicyExt};
use google_cloud_kms_v1::client::KeyManagementService;
use tokio::sync::OnceCell;

use super::error::Request;
use super::retry::{ATTEMPT, ATTEMPTS, BACKOFF, OPERATION, in_time};
use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, WrappedKey};
use refusal::refusal;

/// A key of Google Cloud KMS.
pub struct GcpKek {
    uri: KekUri,
    connection: Arc<Connection>,
}

/// One client for all keys, made at the first call.
#[derive(Default)]
pub struct Connection(OnceCell<KeyManagementService>);

impl Connection {
    async fn client(&self, request: Request<'_>) -> Result<&KeyManagementService, KekError> {
        let connect = || async {
            let retries = Aip194Strict
                .continue_on_too_many_requests()
                .continue_on_client_timeout()
                .with_attempt_limit(ATTEMPTS)
                .with_time_limit(OPERATION);
            let backoff = ExponentialBackoffBuilder::new()
                .with_initial_delay(BACKOFF)
                .with_maximum_delay(Duration::from_secs(2))
                .build()
                .expect("the delays are valid");
            let client = KeyManagementService::builder()
                .with_retry_policy(retries)
                .with_backoff_policy(backoff)
                .build();
            client.await.map_err(|e| refusal::of_builder(request, &e))
        };
        self.0.get_or_try_init(connect).await
    }
}

impl GcpKek {
    /// Of the key that `uri` names.
    #[must_use]
    pub fn new(uri: KekUri, connection: Arc<Connection>) -> Self {
        Self { uri, connection }
    }

    fn damaged(&self, action: Action) -> KekError {
        KekError::new(&self.uri, action, Refusal::Failed)
            .detail("a checksum did not match: what was sent or received was damaged on its way")
            .hint("try again; if it persists, look at what stands between here and Google")
    }
}

#[async_trait]
impl Kek for GcpKek {
    fn uri(&self) -> &KekUri {
        &self.uri
    }

    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<WrappedKey, KekError> {
        let request = Request {
            kek: &self.uri,
            action: Action::Wrap,
            permission: "cloudkms.cryptoKeyVersions.useToEncrypt",
        };
        let aad = context.to_json().unwrap_or_default();
        let call = async {
            let call = self.connection.client(request).await?.encrypt();
            let answer = call
                .set_name(self.uri.rest())
                .set_plaintext(key.expose().to_vec())
                .set_plaintext_crc32c(checksum(key.expose()))
                .set_additional_authenticated_data_crc32c(checksum(&aad))
                .set_additional_authenticated_data(aad)
                .with_idempotency(true)
                .with_attempt_timeout(ATTEMPT)
                .send()
                .await;
            answer.map_err(|e| refusal(request, &e))
        };
        let answer = in_time(|| refusal::late(request), call).await?;
        let verified = answer.verified_plaintext_crc32c
            && answer.verified_additional_authenticated_data_crc32c
            && answer.ciphertext_crc32c == Some(checksum(&answer.ciphertext));
        if !verified {
            return Err(self.damaged(Action::Wrap));
        }
        Ok(WrappedKey { kek: self.uri.clone(), bytes: answer.ciphertext.to_vec() })
    }

    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<DataKey, KekError> {
        let request = Request {
            kek: &self.uri,
            action: Action::Unwrap,
            permission: "cloudkms.cryptoKeyVersions.useToDecrypt",
        };
        let aad = context.to_json().unwrap_or_default();
        let call = async {
            let call = self.connection.client(request).await?.decrypt();
            let answer = call
                .set_name(self.uri.rest())
                .set_ciphertext(key.bytes.clone())
                .set_ciphertext_crc32c(checksum(&key.bytes))
                .set_additional_authenticated_data_crc32c(checksum(&aad))
                .set_additional_authenticated_data(aad)
                .with_idempotency(true)
                .with_attempt_timeout(ATTEMPT)
                .send()
                .await;
            answer.map_err(|e| refusal(request, &e))
        };
        let answer = in_time(|| refusal::late(request), call).await?;
        if answer.plaintext_crc32c != Some(checksum(&answer.plaintext)) {
            return Err(self.damaged(Action::Unwrap));
        }
        DataKey::from_slice(&answer.plaintext)
            .ok_or_else(|| KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected))
    }
}

/// CRC32C (RFC 3720, Castagnoli), as Google's API counts it.
fn checksum(bytes: &[u8]) -> i64 {
    crc32c::crc32c(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, B.4: 32 bytes of zeros, sent as aa 36 91 8a.
        assert_eq!(checksum(&[0; 32]), 0x8a91_36aa);
    }
}
