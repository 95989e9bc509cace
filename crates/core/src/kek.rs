//! Key-encryption keys (KEKs), in a KMS or on this machine.
//!
//! A KEK wraps and unwraps data keys (DEKs) of [`DATA_KEY_SIZE`] bytes. It never receives a secret
//! value. Use a [`Ring`] to wrap and unwrap with any number of KEKs.

pub mod age;
mod asked;
mod aws;
mod azure;
mod batch;
mod breaker;
mod cache;
mod calls;
mod data_key;
mod error;
mod gcp;
pub mod k8skms;
mod lifetime;
mod limit;
mod plugin_user;
mod provider;
#[allow(dead_code, reason = "each KMS uses a part of it, and a build can be without any KMS")]
mod retry;
mod ring;
mod uri;
mod vault;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use zeroize::Zeroizing;

pub use cache::Unwrapped;
pub use data_key::{DATA_KEY_SIZE, DataKey};
pub use error::{Action, KekError, Refusal, innermost};
pub use lifetime::{Keep, Lifetimes, Limits};
pub use plugin_user::PluginUser;
pub use ring::{Passphrases, Ring, RingOptions};
pub use uri::{KekId, KekUri, UriError};
pub use vault::{VaultLogin, VaultSettings, Vaults};

/// One key-encryption key.
#[async_trait]
pub trait Kek: Send + Sync {
    /// Wraps a DEK. If the KMS supports a context, this binds the wrapped DEK to `context`.
    ///
    /// # Errors
    /// Returns a [`KekError`] with the refusal of the KMS.
    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<Wrapped, KekError>;

    /// Unwraps a DEK that [`Kek::wrap`] wrapped with the same context.
    ///
    /// The result need not have the size of a DEK: another program may have wrapped it.
    ///
    /// # Errors
    /// Returns a [`KekError`] with the refusal of the KMS. It is [`Refusal::Rejected`] if another
    /// key or another context wrapped the DEK, or if the wrapped DEK was altered.
    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<Opened, KekError>;

    /// Returns how many DEKs [`Kek::unwrap_many`] takes. Most services take only one.
    fn most_at_once(&self) -> usize {
        1
    }

    /// Unwraps several DEKs with one call. Each has its context, as in [`Kek::unwrap`].
    ///
    /// The results are in the order of `keys`. `None` means that this call did not unwrap the DEK.
    /// [`Kek::unwrap`] must then say why, or unwrap it.
    ///
    /// # Errors
    /// Returns a [`KekError`] if the KMS refused all of them for a reason that does not depend on
    /// their number.
    async fn unwrap_many(
        &self,
        keys: &[(&WrappedKey, &Context)],
    ) -> Result<Vec<Option<Opened>>, KekError> {
        Ok(keys.iter().map(|_| None).collect())
    }

    /// Lets the KMS wrap the DEK of `key` under this KEK. The DEK does not leave the KMS.
    ///
    /// Returns `None` if the KMS cannot do this. Most services cannot. No service can do it for
    /// the KEK of another service or region.
    ///
    /// # Errors
    /// Returns a [`KekError`] with the refusal of the KMS.
    async fn rewrap(
        &self,
        _key: &WrappedKey,
        _context: &Context,
    ) -> Result<Option<WrappedKey>, KekError> {
        Ok(None)
    }
}

/// A wrapped DEK, and the version of the KEK that wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrapped {
    /// The wrapped DEK, which is stored.
    pub key: WrappedKey,
    /// The version as the KMS names it, or `None` if the KMS does not report it.
    ///
    /// A rotation of the key can change it. The version is part of the answer, so no further
    /// permission is needed.
    pub version: Option<String>,
}

/// What a KEK unwrapped: the bytes of a DEK, or what another program wrapped.
///
/// It does not implement `Debug` or `Clone`, because it holds the DEK.
pub struct Opened {
    /// The bytes. They are wiped when they are dropped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The version of the KEK, if the KMS reports it only when it unwraps. AWS KMS does so.
    pub version: Option<String>,
}

impl Opened {
    /// Returns the DEK, or `None` if the bytes do not have the size of one.
    #[must_use]
    pub fn key(&self) -> Option<DataKey> {
        DataKey::from_slice(&self.bytes)
    }
}

impl From<Zeroizing<Vec<u8>>> for Opened {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { bytes, version: None }
    }
}

/// A DEK that a KEK wrapped.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrappedKey {
    /// The KEK, under a name that does not change: for AWS KMS an ARN, never an alias.
    pub kek: KekUri,
    /// The bytes of the wrapped DEK. Their format depends on the KEK.
    pub bytes: Vec<u8>,
}

/// The context that a KMS authenticates with each call: the binding of a Secret without its key, the
/// name of a cluster, or the context of another program.
///
/// The pairs are sorted by name, so that every implementation serialises the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Context(BTreeMap<Cow<'static, str>, String>);

impl Context {
    /// Returns the context of a namespace and a name. Pass `None` for what the scope leaves open.
    ///
    /// The names of the pairs are `envcrypt.dev/namespace` and `envcrypt.dev/name`.
    #[must_use]
    pub fn new(namespace: Option<&str>, name: Option<&str>) -> Self {
        let pairs = [("envcrypt.dev/namespace", namespace), ("envcrypt.dev/name", name)];
        Self(pairs.into_iter().filter_map(|(k, v)| Some((k.into(), v?.to_owned()))).collect())
    }

    /// Returns the context of what belongs to a whole cluster: `envcrypt.dev/cluster`.
    ///
    /// The policy of a KMS can allow one cluster with it.
    #[must_use]
    pub fn cluster(name: &str) -> Self {
        Self([("envcrypt.dev/cluster".into(), name.to_owned())].into())
    }

    /// Returns the context that another program uses with the same KMS.
    #[must_use]
    pub fn of_other(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    /// Returns whether the context has both a namespace and a name.
    #[must_use]
    pub fn names_secret(&self) -> bool {
        self.0.len() == 2
    }

    /// Returns the context as compact JSON with sorted names, for a KMS that takes bytes.
    ///
    /// Returns `None` if the context is empty.
    #[must_use]
    pub fn to_json(&self) -> Option<Vec<u8>> {
        let json = || serde_json::to_vec(&self.0).expect("a context is plain text");
        (!self.0.is_empty()).then(json)
    }

    /// Returns the pairs of name and value, sorted by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(k, v)| (k.as_ref(), v.as_str()))
    }
}

/// Locks, even if another thread panicked with the lock. What it guards is still consistent then.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
