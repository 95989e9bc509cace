//! Wraps and unwraps with age.

use std::cell::RefCell;
use std::collections::HashSet;
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use ::age::{Decryptor, Encryptor, Recipient};
use age_core::format::{FileKey, Stanza};
use async_trait::async_trait;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::identities::{Identities, IdentityError};
use super::identity::{Identity, Lines, PluginIdentity};
use super::plugin::{Call, PluginError, Plugins};
use crate::kek::provider::{Connector, Cost};
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekUri, Opened, Refusal, Wrapped, WrappedKey,
};

/// The maximum size of the age file of a DEK, in bytes. One post-quantum stanza fits easily.
const MAX_WRAPPED: usize = 16 << 10;
/// The maximum size of what such a file contains, in bytes. A share of SOPS has one more than a DEK.
const MAX_OPENED: usize = 64;

/// What an age file contains.
type Bytes = Zeroizing<Vec<u8>>;

/// One recipient, and the identities of the user, one of which may open it.
#[derive(Clone)]
pub(super) struct AgeKek {
    uri: KekUri,
    identities: Arc<Identities>,
}

impl Connector for Identities {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        Arc::new(AgeKek { uri: uri.clone(), identities: self })
    }

    fn cost(&self, uri: &KekUri) -> Cost {
        match uri.rest() {
            recipient if self.has_unlocked(recipient) => Cost::Nothing,
            recipient if self.has_plugin(recipient) => Cost::Plugin,
            _ => Cost::Passphrase,
        }
    }
}

impl AgeKek {
    #[cfg(test)]
    fn new(uri: KekUri, identities: Arc<Identities>) -> Self {
        Self { uri, identities }
    }

    fn encrypt(&self, key: &DataKey) -> Result<Vec<u8>, KekError> {
        let recipient = parse_recipient(self.uri.rest()).ok_or_else(|| {
            let error = KekError::new(&self.uri, Action::Wrap, Refusal::NotFound);
            error.detail("it is not a valid age recipient")
        })?;
        self.encrypt_to(&*recipient, key)
    }

    /// Encrypts with the plugin of the recipient. The plugin may prompt the user.
    fn encrypt_with_plugin(
        &self,
        plugin: &str,
        key: &DataKey,
        stopped: &AtomicBool,
    ) -> Result<Vec<u8>, KekError> {
        let call = Call { kek: &self.uri, name: plugin, wrapped: b"", stopped };
        let failed = RefCell::default();
        let recipient = WithPlugin { plugins: self.identities.plugins(), call, failed };
        let sealed = self.encrypt_to(&recipient, key);
        if let Some(error) = recipient.failed.take() {
            return Err(error.of(&self.uri, Action::Wrap, plugin));
        }
        sealed.and_then(|sealed| match sealed.len() > MAX_WRAPPED {
            true => Err(PluginError::Garbage.of(&self.uri, Action::Wrap, plugin)),
            false => Ok(sealed),
        })
    }

    fn encrypt_to(&self, recipient: &dyn Recipient, key: &DataKey) -> Result<Vec<u8>, KekError> {
        let fail = |refusal| KekError::new(&self.uri, Action::Wrap, refusal);
        let encryptor = Encryptor::with_recipients(std::iter::once(recipient))
            .map_err(|e| fail(Refusal::Failed).detail(e.to_string()))?;
        let mut sealed = Vec::with_capacity(512);
        let written = encryptor
            .wrap_output(&mut sealed)
            .and_then(|mut writer| writer.write_all(key.expose()).and_then(|()| writer.finish()));
        written.map_err(|e| fail(Refusal::Failed).detail(e.to_string()))?;
        Ok(sealed)
    }

    /// Decrypts with an identity that needs no passphrase and no plugin. Returns `None` if there is
    /// none.
    fn decrypt_unlocked(&self, wrapped: &[u8]) -> Result<Option<Bytes>, KekError> {
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        if wrapped.len() > MAX_WRAPPED {
            return Err(rejected());
        }
        self.open(wrapped, &self.identities.unlocked()).map_err(|()| rejected())
    }

    /// Decrypts with the identity of a plugin, or with an identity from a locked file. Prompts the
    /// user for a PIN or the passphrase.
    fn decrypt_asking(&self, wrapped: &[u8], stopped: &AtomicBool) -> Result<Bytes, KekError> {
        let fail = |refusal| KekError::new(&self.uri, Action::Unwrap, refusal);
        if let Some(key) = self.open_with_plugins(wrapped, &self.identities.open(), stopped)? {
            return Ok(key);
        }
        let locked = self.identities.unlock(self.uri.rest());
        let locked = locked.map_err(|e| identity_error(&self.uri, &e))?;
        let opened = self.open(wrapped, &locked.identities);
        let opened = match opened.map_err(|()| fail(Refusal::Rejected))? {
            None => self.open_with_plugins(wrapped, &locked, stopped)?,
            opened => opened,
        };
        opened.ok_or_else(|| {
            fail(Refusal::Denied)
                .detail("none of your age identities opens it")
                .hint(self.identities.hint(self.uri.rest()))
        })
    }

    /// Decrypts with plugins, one after the other. Returns `None` if no identity fits.
    fn open_with_plugins(
        &self,
        wrapped: &[u8],
        lines: &Lines,
        stopped: &AtomicBool,
    ) -> Result<Option<Bytes>, KekError> {
        let mut first = None;
        for (name, identities) in lines.plugins_for(self.uri.rest()) {
            let call = Call { kek: &self.uri, name: &name, wrapped, stopped };
            let (plugins, failed) = (self.identities.plugins(), RefCell::default());
            let identity = OfPlugin { plugins, call, identities, failed };
            let opened = self.read(wrapped, std::iter::once(&identity as _));
            match (identity.failed.take(), opened) {
                (Some(error), _) => {
                    first = first.or(Some(error.of(&self.uri, Action::Unwrap, &name)));
                }
                (None, Ok(Some(key))) => return Ok(Some(key)),
                (None, Ok(None)) => {}
                (None, Err(())) => {
                    let rejected = KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
                    first = first.or(Some(rejected));
                }
            }
        }
        first.map_or(Ok(None), Err)
    }
}

impl AgeKek {
    /// Returns the content, or `None` if no identity fits. Returns an error if the file is not valid.
    ///
    /// It uses only the identity of the named recipient, because the user saw and trusted that one.
    fn open(&self, wrapped: &[u8], identities: &[Arc<Identity>]) -> Result<Option<Bytes>, ()> {
        let named = |identity: &&Arc<Identity>| identity.recipient() == Some(self.uri.rest());
        self.read(wrapped, identities.iter().filter(named).map(|i| &**i as &dyn ::age::Identity))
    }

    fn read<'a>(
        &self,
        wrapped: &[u8],
        identities: impl Iterator<Item = &'a dyn ::age::Identity>,
    ) -> Result<Option<Bytes>, ()> {
        let decryptor = Decryptor::new(wrapped).map_err(|_| ())?;
        let mut reader = match decryptor.decrypt(identities) {
            Ok(reader) => reader,
            Err(::age::DecryptError::NoMatchingKeys) => return Ok(None),
            Err(_) => return Err(()),
        };
        // Read one byte more than is allowed, to notice a longer text.
        let mut bytes = Zeroizing::new(Vec::with_capacity(2 * MAX_OPENED));
        reader.by_ref().take(MAX_OPENED as u64 + 1).read_to_end(&mut bytes).map_err(|_| ())?;
        if bytes.len() > MAX_OPENED { Err(()) } else { Ok(Some(bytes)) }
    }
}

#[async_trait]
impl Kek for AgeKek {
    async fn wrap(&self, key: &DataKey, _: &Context) -> Result<Wrapped, KekError> {
        let bytes = match self.uri.plugin() {
            Some(plugin) => {
                let (kek, plugin, key) = (self.clone(), plugin.to_owned(), copy(key));
                aside(move |stopped| kek.encrypt_with_plugin(&plugin, &key, stopped)).await?
            }
            None => {
                let (kek, key) = (self.clone(), copy(key));
                on_a_core(move || kek.encrypt(&key)).await?
            }
        };
        let key = WrappedKey { kek: self.uri.clone(), bytes };
        Ok(Wrapped { key, version: None })
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<Opened, KekError> {
        let (kek, bytes) = (self.clone(), key.bytes.clone());
        if let Some(opened) = on_a_core(move || kek.decrypt_unlocked(&bytes)).await? {
            return Ok(opened.into());
        }
        let (kek, bytes) = (self.clone(), key.bytes.clone());
        aside(move |stopped| kek.decrypt_asking(&bytes, stopped)).await.map(Opened::from)
    }
}

/// A copy for another thread.
fn copy(key: &DataKey) -> DataKey {
    DataKey::from_slice(key.expose()).expect("a data key")
}

/// Runs something that takes a processor, while other calls continue. At most one for each core runs.
async fn on_a_core<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    static CORES: LazyLock<Semaphore> = LazyLock::new(|| {
        Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get))
    });
    let _core = CORES.acquire().await.expect("it is never closed");
    tokio::task::spawn_blocking(run).await.expect("it does not panic")
}

/// Runs something that may prompt the user. Other calls continue while the user types, while a
/// plugin waits for a touch, and while scrypt runs. If this future is dropped, a plugin is stopped.
async fn aside<T: Send + 'static>(run: impl FnOnce(&AtomicBool) -> T + Send + 'static) -> T {
    let stop = StopOnDrop(Arc::default());
    let stopped = stop.0.clone();
    let done = tokio::task::spawn_blocking(move || run(&stopped)).await;
    done.expect("a prompt does not panic")
}

struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The recipient of a plugin. The error of the age crate has no room for that of the plugin.
struct WithPlugin<'a> {
    plugins: &'a Plugins,
    call: Call<'a>,
    failed: RefCell<Option<PluginError>>,
}

impl Recipient for WithPlugin<'_> {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), ::age::EncryptError> {
        match self.plugins.wrap(&self.call, file_key) {
            Ok(stanzas) => Ok((stanzas, HashSet::new())),
            Err(error) => {
                self.failed.replace(Some(error));
                Err(::age::EncryptError::Io(std::io::ErrorKind::Other.into()))
            }
        }
    }
}

/// The identities of one plugin.
struct OfPlugin<'a> {
    plugins: &'a Plugins,
    call: Call<'a>,
    identities: Vec<Arc<PluginIdentity>>,
    failed: RefCell<Option<PluginError>>,
}

impl ::age::Identity for OfPlugin<'_> {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, ::age::DecryptError>> {
        self.unwrap_stanzas(std::slice::from_ref(stanza))
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, ::age::DecryptError>> {
        match self.plugins.unwrap(&self.call, &self.identities, stanzas) {
            Ok(key) => key.map(Ok),
            Err(error) => {
                self.failed.replace(Some(error));
                Some(Err(::age::DecryptError::DecryptionFailed))
            }
        }
    }
}

fn parse_recipient(text: &str) -> Option<Box<dyn Recipient>> {
    if text.starts_with("ssh-") {
        return Some(Box::new(text.parse::<::age::ssh::Recipient>().ok()?));
    }
    if let Some(recipient) = super::post_quantum::Recipient::parse(text) {
        return Some(Box::new(recipient));
    }
    if let Some(recipient) = super::tagged::Recipient::parse(text) {
        return Some(Box::new(recipient));
    }
    Some(Box::new(text.parse::<::age::x25519::Recipient>().ok()?))
}

/// Returns whether the URI contains a valid age recipient or SSH public key.
///
/// [`KekUri::age`] checks only the form. This function also parses the key.
#[must_use]
pub fn is_recipient(uri: &KekUri) -> bool {
    let is_of_plugin = || uri.plugin().is_some() && bech32::decode(uri.rest()).is_ok();
    is_of_plugin() || parse_recipient(uri.rest()).is_some()
}

fn identity_error(kek: &KekUri, error: &IdentityError) -> KekError {
    KekError::new(kek, Action::Unwrap, Refusal::Unusable).detail(error.to_string())
}

#[cfg(test)]
mod tests;
