//! Key-encryption keys: what wraps a DEK, and what each KMS says when it won't.
//!
//! A KEK wraps and unwraps 32-byte data keys and never meets a secret value.

pub mod age;
mod aws;
mod azure;
mod breaker;
mod cache;
mod data_key;
mod error;
mod gcp;
mod k8skms;
mod lifetime;
mod provider;
#[allow(dead_code, reason = "each KMS uses a part, and a build may have none")]
mod retry;
mod ring;
mod uri;
mod vault;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub use data_key::{DATA_KEY_SIZE, DataKey};
pub use error::{Action, KekError, Refusal};
pub use lifetime::{Keep, Lifetimes, Limits};
pub use ring::{Passphrases, Ring, RingOptions, Unwrapped};
pub use uri::{KekId, KekUri, UriError};

/// One key-encryption key, wherever it lives.
#[async_trait]
pub trait Kek: Send + Sync {
    /// Wraps a DEK, binding it to `context` where the KMS can.
    ///
    /// # Errors
    /// [`KekError`] with the KMS's refusal in the project's own few words.
    async fn wrap(&self, key: &DataKey, context: &Context) -> Result<Wrapped, KekError>;

    /// Unwraps a DEK that [`Kek::wrap`] wrapped with an equal context.
    ///
    /// # Errors
    /// [`KekError`]; [`Refusal::Rejected`] where the key or the context is wrong.
    async fn unwrap(&self, key: &WrappedKey, context: &Context) -> Result<DataKey, KekError>;

    /// Has the KMS wrap the DEK of `key` under this KEK on its own side, so that
    /// the DEK reaches nobody. `None` where the KMS cannot: of a KEK of another
    /// service or place, and most services at all.
    ///
    /// # Errors
    /// [`KekError`] with the KMS's refusal.
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
    /// What is stored.
    pub key: WrappedKey,
    /// The version, in the KMS's own terms, where it says so: it changes when the key is
    /// rotated. It takes no permission beyond that to wrap.
    pub version: Option<String>,
}

/// What a KEK made of a DEK.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrappedKey {
    /// The KEK under its lasting name (an ARN, never an alias).
    pub kek: KekUri,
    /// The raw bytes that the KMS returned.
    pub bytes: Vec<u8>,
}

/// What a KMS authenticates with each call: the binding without its key.
/// Sorted, so that every implementation serialises the same bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Context(BTreeMap<&'static str, String>);

impl Context {
    /// The context of a namespace and a name, less what the scope leaves open.
    #[must_use]
    pub fn new(namespace: Option<&str>, name: Option<&str>) -> Self {
        let pairs = [("envcrypt.dev/namespace", namespace), ("envcrypt.dev/name", name)];
        Self(pairs.into_iter().filter_map(|(k, v)| Some((k, v?.to_owned()))).collect())
    }

    /// Whether it names one Secret, by namespace and name.
    #[must_use]
    pub fn names_secret(&self) -> bool {
        self.0.len() == 2
    }

    /// As compact JSON with sorted names, for a KMS that takes bytes; `None`
    /// where there is nothing to say.
    #[must_use]
    pub fn to_json(&self) -> Option<Vec<u8>> {
        let json = || serde_json::to_vec(&self.0).expect("a context is plain text");
        (!self.0.is_empty()).then(json)
    }

    /// The pairs, sorted by name.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(k, v)| (*k, v.as_str()))
    }
}
