//! A key of the transit engine of HashiCorp Vault or OpenBao as a KEK:
//! `encrypt` and `decrypt` of the DEK with the context as associated data.
//! Needs `update` on `MOUNT/encrypt/KEY` to seal and on `MOUNT/decrypt/KEY` to
//! open. What is stored is Vault's own text, `vault:v1:…`, so a key that was
//! rotated in Vault still opens.

mod login;
mod refusal;

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::sync::OnceCell;
use vaultrs::api::transit::requests::{DecryptDataRequest, EncryptDataRequest};
use vaultrs::client::VaultClient;
use vaultrs::transit::data;
use zeroize::Zeroizing;

use super::error::Request;
use super::retry::retry;
use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, WrappedKey};
use refusal::{late, refusal};

/// A key of the transit engine.
pub struct VaultKek {
    uri: KekUri,
    server: Arc<Server>,
}

/// The one server that the environment names, logged in to once.
#[derive(Default)]
pub struct Server(OnceCell<Result<VaultClient, KekError>>);

impl Server {
    /// A login that was refused is not tried again: a few more would lock it.
    async fn client(&self, request: Request<'_>) -> Result<&VaultClient, KekError> {
        let connect = || login::connect(request.kek, request.action);
        let client = self.0.get_or_init(|| retry(|| late(request), connect)).await;
        client.as_ref().map_err(Clone::clone)
    }
}

impl VaultKek {
    /// Of the key that `uri` names.
    #[must_use]
    pub fn new(uri: KekUri, server: Arc<Server>) -> Self {
        Self { uri, server }
    }

    fn wrapped(&self, ciphertext: String) -> WrappedKey {
        WrappedKey { kek: self.uri.clone(), bytes: ciphertext.into_bytes() }
    }

    fn request(&self, action: Action, permission: &'static str) -> Request<'_> {
        Request { kek: &self.uri, action, permission }
    }
}

#[async_trait]
impl Kek for VaultKek {
    fn uri(&self) -> &KekUri {
        &self.uri
    }

    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<WrappedKey, KekError> {
        let request = self.request(Action::Wrap, "encrypt");
        let client = self.server.client(request).await?;
        let (mount, name) = mount_and_key(&self.uri);
        let plaintext = Zeroizing::new(BASE64_STANDARD.encode(key.expose()));
        let answer = retry(
            || late(request),
            || async {
                let mut options = EncryptDataRequest::builder();
                associated_data(context).map(|data| options.associated_data(data));
                let answer =
                    data::encrypt(client, mount, name, &plaintext, Some(&mut options)).await;
                answer.map_err(|e| refusal(request, &e))
            },
        );
        Ok(self.wrapped(answer.await?.ciphertext))
    }

    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<DataKey, KekError> {
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let ciphertext = std::str::from_utf8(&key.bytes).map_err(|_| rejected())?;
        let request = self.request(Action::Unwrap, "decrypt");
        let client = self.server.client(request).await?;
        let (mount, name) = mount_and_key(&self.uri);
        let answer = retry(
            || late(request),
            || async {
                let mut options = DecryptDataRequest::builder();
                associated_data(context).map(|data| options.associated_data(data));
                let answer =
                    data::decrypt(client, mount, name, ciphertext, Some(&mut options)).await;
                answer.map_err(|e| refusal(request, &e))
            },
        );
        let plaintext = Zeroizing::new(answer.await?.plaintext);
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(&*plaintext).map_err(|_| rejected())?);
        DataKey::from_slice(&bytes).ok_or_else(rejected)
    }

    /// Only what the same key wrapped, which then gets the key's newest version;
    /// and only without a context: `rewrap` takes no associated data.
    async fn rewrap(
        &self,
        key: &WrappedKey,
        context: &Context,
    ) -> Result<Option<WrappedKey>, KekError> {
        if key.kek != self.uri || associated_data(context).is_some() {
            return Ok(None);
        }
        let Ok(ciphertext) = std::str::from_utf8(&key.bytes) else { return Ok(None) };
        let request = self.request(Action::Rewrap, "rewrap");
        let client = self.server.client(request).await?;
        let (mount, name) = mount_and_key(&self.uri);
        let answer = retry(
            || late(request),
            || async {
                let answer = data::rewrap(client, mount, name, ciphertext, None).await;
                answer.map_err(|e| refusal(request, &e))
            },
        );
        Ok(Some(self.wrapped(answer.await?.ciphertext)))
    }
}

/// The mount's path may itself have several parts.
fn mount_and_key(uri: &KekUri) -> (&str, &str) {
    uri.rest().rsplit_once('/').expect("a parsed URI has a mount")
}

/// The context as compact JSON with sorted names, in base64.
fn associated_data(context: &Context) -> Option<String> {
    context.to_json().map(|json| BASE64_STANDARD.encode(json))
}
