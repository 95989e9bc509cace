//! A key of Azure Key Vault, or of a managed HSM, as a KEK: `wrapKey` and
//! `unwrapKey` of the DEK with RSA-OAEP-256. Needs those two permissions, as the
//! role Key Vault Crypto Service Encryption User has them. The version that
//! wrapped is stored, so a key that was rotated still opens. Key Vault knows no
//! context; the binding and the commitment hold all the same.

mod login;
mod refusal;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RequestContent, Response, RetryOptions};
use azure_security_keyvault_keys::models::{
    EncryptionAlgorithm, KeyClientWrapKeyOptions, KeyOperationParameters,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use zeroize::Zeroizing;

use super::error::Request;
use super::retry::{in_time, retry};
use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, WrappedKey};
use login::Login;
use refusal::refusal;

/// A key of Azure Key Vault.
pub struct AzureKek {
    uri: KekUri,
    clients: Arc<Clients>,
}

/// One login, and one client a vault.
#[derive(Default)]
pub struct Clients {
    login: Arc<Login>,
    vaults: Mutex<HashMap<String, Arc<KeyClient>>>,
}

impl Clients {
    /// A client of the vault, logged in: the first call is not made to wait for it.
    async fn client(&self, vault: &str, request: Request<'_>) -> Result<Arc<KeyClient>, KekError> {
        // `NAME.vault.azure.net` takes tokens for `vault.azure.net`.
        let domain = vault.split_once('.').map_or(vault, |(_, domain)| domain);
        let scope = format!("https://{domain}/.default");
        self.login.get_token(&[&scope], None).await.map_err(|e| refusal(request, &e))?;
        let mut vaults = self.vaults.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = vaults.get(vault) {
            return Ok(client.clone());
        }
        // The SDK's own retries send no body once an attempt has failed before it
        // was challenged to log in.
        let client_options = ClientOptions { retry: RetryOptions::none(), ..Default::default() };
        let options = KeyClientOptions { client_options, ..Default::default() };
        let client = KeyClient::new(&format!("https://{vault}"), self.login.clone(), Some(options))
            .map_err(|e| refusal(request, &e))?;
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
        let request = Request { kek: &self.uri, action: Action::Wrap, permission: "wrapKey" };
        let (vault, name, version) = parts(&self.uri);
        let late = || refusal::late(request);
        let client = in_time(late, self.clients.client(vault, request)).await?;
        let answer = retry(late, || async {
            let parameters = parameters(request, key.expose())?;
            let key_version = version.map(str::to_owned);
            let options = KeyClientWrapKeyOptions { key_version, ..Default::default() };
            let answer = client.wrap_key(name, parameters, Some(options)).await;
            answer.and_then(Response::into_model).map_err(|e| refusal(request, &e))
        });
        let answer = answer.await?;
        let failed =
            |detail: &str| KekError::new(&self.uri, Action::Wrap, Refusal::Failed).detail(detail);
        let bytes = answer.result.ok_or_else(|| failed("it returned no wrapped key"))?;
        let id = answer.kid.ok_or_else(|| failed("it did not say which version it used"))?;
        let used = id.rsplit('/').next().unwrap_or("");
        let kek = format!("azurekms://{vault}/{name}/{used}").parse::<KekUri>();
        Ok(WrappedKey { kek: kek.map_err(|e| failed(&e.to_string()))?, bytes })
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<DataKey, KekError> {
        let request = Request { kek: &self.uri, action: Action::Unwrap, permission: "unwrapKey" };
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let (vault, name, version) = parts(&self.uri);
        let version =
            version.ok_or_else(|| rejected().detail("it does not name the key's version"))?;
        let late = || refusal::late(request);
        let client = in_time(late, self.clients.client(vault, request)).await?;
        let answer = retry(late, || async {
            let parameters = parameters(request, &key.bytes)?;
            let answer = client.unwrap_key(name, version, parameters, None).await;
            answer.and_then(Response::into_model).map_err(|e| refusal(request, &e))
        });
        let answer = answer.await?;
        let bytes = Zeroizing::new(answer.result.unwrap_or_default());
        DataKey::from_slice(&bytes).ok_or_else(rejected)
    }
}

fn parameters(
    request: Request<'_>,
    value: &[u8],
) -> Result<RequestContent<KeyOperationParameters>, KekError> {
    let parameters = KeyOperationParameters {
        algorithm: Some(EncryptionAlgorithm::RsaOaep256),
        value: Some(value.to_vec()),
        ..Default::default()
    };
    parameters.try_into().map_err(|e| refusal(request, &e))
}

/// The vault's host, the key, and its version.
fn parts(uri: &KekUri) -> (&str, &str, Option<&str>) {
    let mut parts = uri.rest().split('/');
    let mut next = || parts.next();
    (next().unwrap_or(""), next().unwrap_or(""), next())
}
