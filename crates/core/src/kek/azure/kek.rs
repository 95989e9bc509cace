//! The calls to Azure Key Vault.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RequestContent, Response, RetryOptions};
use azure_security_keyvault_keys::models::{
    EncryptionAlgorithm, KeyClientWrapKeyOptions, KeyOperationParameters,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use zeroize::Zeroizing;

use super::login::Login;
use super::refusal::refusal;
use crate::kek::error::Request;
use crate::kek::lifetime::Limits;
use crate::kek::limit::Quota;
use crate::kek::provider::Connector;
use crate::kek::retry::{in_time, retry};
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekUri, Opened, Refusal, Wrapped, WrappedKey, lock,
};

/// A key of Azure Key Vault.
pub(super) struct AzureKek {
    uri: KekUri,
    clients: Arc<Clients>,
}

/// One login, and one client for each vault.
pub(super) struct Clients {
    limits: Limits,
    login: Arc<Login>,
    vaults: Mutex<HashMap<String, Arc<KeyClient>>>,
}

impl Clients {
    /// Does not log in yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, login: Arc::default(), vaults: Mutex::default() }
    }

    /// Logs in and returns the client of the vault. So the first call does not wait for the login.
    async fn client(&self, vault: &str, request: Request<'_>) -> Result<Arc<KeyClient>, KekError> {
        // `NAME.vault.azure.net` takes tokens for `vault.azure.net`.
        let domain = vault.split_once('.').map_or(vault, |(_, domain)| domain);
        let scope = format!("https://{domain}/.default");
        self.login.get_token(&[&scope], None).await.map_err(|e| refusal(request, &e))?;
        let mut vaults = lock(&self.vaults);
        if let Some(client) = vaults.get(vault) {
            return Ok(client.clone());
        }
        // If an attempt fails before the server requires a login, the retries of the SDK send no
        // body.
        let client_options = ClientOptions { retry: RetryOptions::none(), ..Default::default() };
        let options = KeyClientOptions { client_options, ..Default::default() };
        let client = KeyClient::new(&format!("https://{vault}"), self.login.clone(), Some(options))
            .map_err(|e| refusal(request, &e))?;
        Ok(vaults.entry(vault.to_owned()).or_insert(Arc::new(client)).clone())
    }
}

impl Connector for Clients {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        Arc::new(AzureKek { uri: uri.clone(), clients: self })
    }

    /// Returns the host of the vault. Each vault has a quota of its own.
    fn service(&self, uri: &KekUri) -> String {
        parts(uri).0.to_owned()
    }

    /// Returns the quota of RSA keys of 2,048 bits in an HSM. Software keys have twice as much.
    /// Larger keys have less, but only the vault knows the size.
    ///
    /// <https://learn.microsoft.com/azure/key-vault/general/service-limits>
    fn quota(&self) -> Option<Quota> {
        Some(Quota { calls: 2000, per: Duration::from_secs(10) })
    }
}

#[async_trait]
impl Kek for AzureKek {
    async fn wrap(&self, key: &DataKey, _: &Context) -> Result<Wrapped, KekError> {
        let request = Request { kek: &self.uri, action: Action::Wrap, permission: "wrapKey" };
        let (vault, name, version) = parts(&self.uri);
        let late = || super::refusal::late(request);
        let client =
            in_time(self.clients.limits, late, self.clients.client(vault, request)).await?;
        let answer = retry(self.clients.limits, late, || async {
            let parameters = parameters(request, key.expose())?;
            let key_version = version.map(str::to_owned);
            let options = KeyClientWrapKeyOptions { key_version, ..Default::default() };
            let answer = client.wrap_key(name, parameters, Some(options)).await;
            answer.and_then(Response::into_model).map_err(|e| refusal(request, &e))
        });
        let answer = answer.await?;
        let failed =
            |detail: &str| KekError::new(&self.uri, Action::Wrap, Refusal::Failed).detail(detail);
        let bytes = answer.result.ok_or_else(|| failed("Key Vault returned no wrapped key"))?;
        let id =
            answer.kid.ok_or_else(|| failed("Key Vault did not report which version it used"))?;
        let used = id.rsplit('/').next().unwrap_or("");
        let kek = format!("azurekms://{vault}/{name}/{used}").parse::<KekUri>();
        let key = WrappedKey { kek: kek.map_err(|e| failed(&e.to_string()))?, bytes };
        Ok(Wrapped { key, version: Some(used.to_owned()) })
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<Opened, KekError> {
        let request = Request { kek: &self.uri, action: Action::Unwrap, permission: "unwrapKey" };
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let (vault, name, version) = parts(&self.uri);
        let version = version.ok_or_else(|| {
            rejected().detail("the name of the KEK must include the version of the key")
        })?;
        let late = || super::refusal::late(request);
        let client =
            in_time(self.clients.limits, late, self.clients.client(vault, request)).await?;
        let answer = retry(self.clients.limits, late, || async {
            let parameters = parameters(request, &key.bytes)?;
            let answer = client.unwrap_key(name, version, parameters, None).await;
            answer.and_then(Response::into_model).map_err(|e| refusal(request, &e))
        });
        let answer = answer.await?;
        Ok(Zeroizing::new(answer.result.unwrap_or_default()).into())
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

/// Returns the host of the vault, the name of the key, and its version.
pub(super) fn parts(uri: &KekUri) -> (&str, &str, Option<&str>) {
    let mut parts = uri.rest().split('/');
    let mut next = || parts.next();
    (next().unwrap_or(""), next().unwrap_or(""), next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vault_has_the_published_quota() {
        let clients = Clients::new(Limits::default());
        let uri = "azurekms://team.vault.azure.net/key/1".parse().expect("a KEK");
        assert_eq!(clients.service(&uri), "team.vault.azure.net");
        let quota = clients.quota().expect("it is published");
        assert_eq!((quota.calls, quota.per), (2000, Duration::from_secs(10)));
    }

    #[test]
    fn a_uri_names_the_vault_the_key_and_the_version() {
        let uri = |text: &str| text.parse::<KekUri>().expect("a KEK");
        let version = uri("azurekms://team.vault.azure.net/key/1");
        assert_eq!(parts(&version), ("team.vault.azure.net", "key", Some("1")));
        assert_eq!(parts(version.id().uri()), ("team.vault.azure.net", "key", None));
    }
}
