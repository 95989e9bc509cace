//! A key of Azure Key Vault, or of a managed HSM, as a KEK: `wrapKey` and
//! `unwrapKey` of the DEK with RSA-OAEP-256. Needs those two permissions, as the
//! role Key Vault Crypto Service Encryption User has them. The version that
//! wrapped is stored, so a key that was rotated still opens. Key Vault knows no
//! context; the binding and the commitment hold all the same.

mod login;
mod refusal;

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RequestContent, RetryOptions};
use azure_core::time::Duration;
use azure_security_keyvault_keys::models::{
    EncryptionAlgorithm, KeyClientWrapKeyOptions, KeyOperationParameters, KeyOperationResult,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use tokio::sync::OnceCell;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::retry::{ATTEMPTS, BACKOFF, OPERATION};
use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, WrappedKey};
use refusal::{Asked, refusal};

/// A key of Azure Key Vault.
pub struct AzureKek {
    uri: KekUri,
    clients: Arc<Clients>,
}

/// One login, and one client a vault.
#[derive(Default)]
pub struct Clients {
    credential: OnceCell<Arc<dyn TokenCredential>>,
    vaults: Mutex<HashMap<String, Arc<KeyClient>>>,
}

impl Clients {
    async fn client(&self, vault: &str, asked: Asked<'_>) -> Result<Arc<KeyClient>, KekError> {
        let login = self.credential.get_or_try_init(async || login::credential());
        let credential = login.await.map_err(|e| refusal(asked, &e))?.clone();
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = vaults.get(vault) {
            return Ok(client.clone());
        }
        let retries = ExponentialRetryOptions {
            initial_delay: Duration::try_from(BACKOFF).expect("it is short"),
            max_retries: ATTEMPTS - 1,
            ..Default::default()
        };
        let client_options =
            ClientOptions { retry: RetryOptions::exponential(retries), ..Default::default() };
        let options = KeyClientOptions { client_options, ..Default::default() };
        let client = KeyClient::new(&format!("https://{vault}"), credential, Some(options))
            .map_err(|e| refusal(asked, &e))?;
        Ok(vaults.entry(vault.to_owned()).or_insert(Arc::new(client)).clone())
    }
}

impl AzureKek {
    /// Of the key that `uri` names, with or without a version.
    #[must_use]
    pub fn new(uri: KekUri, clients: Arc<Clients>) -> Self {
        Self { uri, clients }
    }
}

#[async_trait]
impl Kek for AzureKek {
    fn uri(&self) -> &KekUri {
        &self.uri
    }

    async fn wrap(&self, key: &DataKey, _: &Context) -> Result<WrappedKey, KekError> {
        let asked = Asked { kek: &self.uri, action: Action::Wrap, permission: "wrapKey" };
        let (vault, name, version) = parts(&self.uri);
        let client = self.clients.client(vault, asked).await?;
        let parameters = parameters(asked, key.expose())?;
        let key_version = version.map(str::to_owned);
        let options = KeyClientWrapKeyOptions { key_version, ..Default::default() };
        let call = async { client.wrap_key(name, parameters, Some(options)).await?.into_model() };
        let answer = in_time(asked, call).await?;
        let failed =
            |detail: &str| KekError::new(&self.uri, Action::Wrap, Refusal::Failed).detail(detail);
        let bytes = answer.result.ok_or_else(|| failed("it returned no wrapped key"))?;
        let id = answer.kid.ok_or_else(|| failed("it did not say which version it used"))?;
        let used = id.rsplit('/').next().unwrap_or("");
        let kek = format!("azurekms://{vault}/{name}/{used}").parse::<KekUri>();
        Ok(WrappedKey { kek: kek.map_err(|e| failed(&e.to_string()))?, bytes })
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<DataKey, KekError> {
        let asked = Asked { kek: &self.uri, action: Action::Unwrap, permission: "unwrapKey" };
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let (vault, name, version) = parts(&self.uri);
        let version =
            version.ok_or_else(|| rejected().detail("it does not name the key's version"))?;
        let client = self.clients.client(vault, asked).await?;
        let parameters = parameters(asked, &key.bytes)?;
        let call = async { client.unwrap_key(name, version, parameters, None).await?.into_model() };
        let answer = in_time(asked, call).await?;
        let bytes = Zeroizing::new(answer.result.unwrap_or_default());
        DataKey::from_slice(&bytes).ok_or_else(rejected)
    }
}

fn parameters(
    asked: Asked<'_>,
    value: &[u8],
) -> Result<RequestContent<KeyOperationParameters>, KekError> {
    let parameters = KeyOperationParameters {
        algorithm: Some(EncryptionAlgorithm::RsaOaep256),
        value: Some(value.to_vec()),
        ..Default::default()
    };
    parameters.try_into().map_err(|e| refusal(asked, &e))
}

async fn in_time(
    asked: Asked<'_>,
    call: impl Future<Output = azure_core::Result<KeyOperationResult>>,
) -> Result<KeyOperationResult, KekError> {
    match timeout(OPERATION, call).await {
        Ok(answer) => answer.map_err(|e| refusal(asked, &e)),
        Err(_) => Err(refusal::told(asked, Refusal::Unreachable, "no answer in time".to_owned())),
    }
}

/// The vault's host, the key, and its version.
fn parts(uri: &KekUri) -> (&str, &str, Option<&str>) {
    let mut parts = uri.rest().split('/');
    let mut next = || parts.next();
    (next().unwrap_or(""), next().unwrap_or(""), next())
}
