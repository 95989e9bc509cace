//! The calls to Google Cloud KMS.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use google_cloud_gax::exponential_backoff::ExponentialBackoffBuilder;
use google_cloud_gax::options::RequestOptionsBuilder;
use google_cloud_gax::retry_policy::{Aip194Strict, RetryPolicyExt};
use google_cloud_kms_v1::client::KeyManagementService;
use google_cloud_kms_v1::model::EncryptResponse;
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::refusal::refusal;
use crate::kek::error::Request;
use crate::kek::lifetime::Limits;
use crate::kek::limit::Quota;
use crate::kek::provider::Connector;
use crate::kek::retry::{ATTEMPTS, BACKOFF, in_time};
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekUri, Opened, Refusal, Wrapped, WrappedKey,
};

/// A key of Google Cloud KMS.
pub(super) struct GcpKek {
    uri: KekUri,
    connection: Arc<Connection>,
}

/// One client for all keys. It is made at the first call.
pub(super) struct Connection {
    limits: Limits,
    client: OnceCell<KeyManagementService>,
}

impl Connector for Connection {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        Arc::new(GcpKek { uri: uri.clone(), connection: self })
    }

    /// Returns the project of the key, such as `projects/p`. The quota belongs to the project that
    /// calls, but only Google knows that one. All keys of one login have the same.
    fn service(&self, uri: &KekUri) -> String {
        let end = uri.rest().match_indices('/').nth(1).map_or(uri.rest().len(), |(at, _)| at);
        uri.rest()[..end].to_owned()
    }

    /// Returns the quota of cryptographic requests. Keys in an HSM have less, but only Google knows
    /// where a key is.
    ///
    /// <https://cloud.google.com/kms/quotas>
    fn quota(&self) -> Option<Quota> {
        Some(Quota { calls: 60_000, per: Duration::from_secs(60) })
    }
}

impl Connection {
    /// Does not connect yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, client: OnceCell::new() }
    }

    async fn client(&self, request: Request<'_>) -> Result<&KeyManagementService, KekError> {
        let connect = || async {
            // A throttled call is made again by the ring.
            let retries = Aip194Strict
                .continue_on_client_timeout()
                .with_attempt_limit(ATTEMPTS)
                .with_time_limit(self.limits.operation);
            let backoff = ExponentialBackoffBuilder::new()
                .with_initial_delay(BACKOFF)
                .with_maximum_delay(Duration::from_secs(2))
                .build()
                .expect("the delays are valid");
            let client = KeyManagementService::builder()
                .with_retry_policy(retries)
                .with_backoff_policy(backoff)
                .build();
            client.await.map_err(|e| super::refusal::of_builder(request, &e))
        };
        self.client.get_or_try_init(connect).await
    }
}

impl GcpKek {
    fn damaged(&self, action: Action) -> KekError {
        KekError::new(&self.uri, action, Refusal::Failed)
            .detail("a checksum did not match: the request or the answer was damaged on the way")
            .hint("try again; if it happens again, check the network and the proxy between this machine and Google Cloud")
    }
}

#[async_trait]
impl Kek for GcpKek {
    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<Wrapped, KekError> {
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
                .with_attempt_timeout(self.connection.limits.attempt)
                .send()
                .await;
            answer.map_err(|e| refusal(request, &e))
        };
        let answer =
            in_time(self.connection.limits, || super::refusal::late(request), call).await?;
        if !is_intact(&answer) {
            return Err(self.damaged(Action::Wrap));
        }
        let key = WrappedKey { kek: self.uri.clone(), bytes: answer.ciphertext.to_vec() };
        // The answer names the version of the key.
        Ok(Wrapped { key, version: Some(answer.name).filter(|name| !name.is_empty()) })
    }

    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<Opened, KekError> {
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
                .with_attempt_timeout(self.connection.limits.attempt)
                .send()
                .await;
            answer.map_err(|e| refusal(request, &e))
        };
        let answer =
            in_time(self.connection.limits, || super::refusal::late(request), call).await?;
        if answer.plaintext_crc32c != Some(checksum(&answer.plaintext)) {
            return Err(self.damaged(Action::Unwrap));
        }
        Ok(Zeroizing::new(answer.plaintext.to_vec()).into())
    }
}

/// Whether the KMS got what was sent, and its ciphertext arrived as it was.
fn is_intact(answer: &EncryptResponse) -> bool {
    answer.verified_plaintext_crc32c
        && answer.verified_additional_authenticated_data_crc32c
        && answer.ciphertext_crc32c == Some(checksum(&answer.ciphertext))
}

/// Returns the CRC32C (RFC 3720, Castagnoli), in the type that the API of Google uses.
fn checksum(bytes: &[u8]) -> i64 {
    crc32c::crc32c(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_project_share_the_published_quota() {
        let connection = Connection::new(Limits::default());
        let uri = "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k";
        assert_eq!(connection.service(&uri.parse().expect("a KEK")), "projects/p");
        let quota = connection.quota().expect("it is published");
        assert_eq!((quota.calls, quota.per), (60_000, Duration::from_secs(60)));
    }

    #[test]
    fn the_checksum_is_castagnolis() {
        // RFC 3720, B.4: the checksum of 32 zero bytes is sent as aa 36 91 8a.
        assert_eq!(checksum(&[0; 32]), 0x8a91_36aa);
    }

    #[test]
    fn an_answer_with_one_wrong_checksum_is_damaged() {
        let bytes = b"wrapped".as_slice();
        let answer = EncryptResponse::new()
            .set_ciphertext(bytes)
            .set_ciphertext_crc32c(checksum(bytes))
            .set_verified_plaintext_crc32c(true)
            .set_verified_additional_authenticated_data_crc32c(true);
        assert!(is_intact(&answer));
        for damaged in [
            answer.clone().set_verified_plaintext_crc32c(false),
            answer.clone().set_verified_additional_authenticated_data_crc32c(false),
            answer.clone().set_ciphertext_crc32c(checksum(b"")),
            answer.clone().set_ciphertext(b"".as_slice()),
        ] {
            assert!(!is_intact(&damaged));
        }
    }
}
