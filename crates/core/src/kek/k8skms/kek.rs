//! The calls to a KMS v2 plugin.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::protocol::{DecryptRequest, EncryptRequest, EncryptResponse, Plugin};
use super::refusal::refusal;
use crate::kek::lifetime::{Lifetimes, Limits, Renewal, Renewed};
use crate::kek::provider::{Connector, Cost};
use crate::kek::retry::retry;
use crate::kek::{
    Action, Context, DataKey, Kek, KekError, KekUri, Opened, Refusal, Wrapped, WrappedKey, lock,
};

/// The maximum size of a ciphertext, and of a key id, in bytes. The protocol sets it.
const MAX_SIZE: usize = 1024;
/// The maximum size of all annotations together, in bytes. The protocol sets it.
const MAX_ANNOTATIONS: usize = 32 << 10;

/// One KMS plugin, with its socket.
pub(super) struct PluginKek {
    uri: KekUri,
    limits: Limits,
    plugin: Renewed<Plugin>,
}

/// The wrapped DEK as it is stored.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    ciphertext: String,
    key_id: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

/// The plugins, each with its connection.
pub(super) struct Plugins {
    lifetimes: Lifetimes,
    keks: Mutex<HashMap<KekUri, Arc<PluginKek>>>,
}

impl Plugins {
    /// Does not connect yet.
    pub(super) fn new(lifetimes: Lifetimes) -> Self {
        Self { lifetimes, keks: Mutex::default() }
    }
}

impl Connector for Plugins {
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek> {
        let new = || {
            let plugin = Renewed::new(self.lifetimes);
            Arc::new(PluginKek { uri: uri.clone(), limits: self.lifetimes.limits, plugin })
        };
        let mut keks = lock(&self.keks);
        keks.entry(uri.clone()).or_insert_with(new).clone()
    }

    fn cost(&self, _: &KekUri) -> Cost {
        Cost::Socket
    }
}

impl PluginKek {
    /// Connects, and checks that the server is a KMS v2 plugin and healthy.
    async fn plugin(&self, action: Action) -> Result<Arc<Plugin>, KekError> {
        let connect = || async {
            let socket = PathBuf::from(format!("/{}", self.uri.rest()));
            let plugin = Plugin::at(&socket, self.limits.attempt);
            let status = plugin.status().await.map_err(|e| refusal(&self.uri, action, &e))?;
            // Before Kubernetes 1.29, the name of the protocol was `v2beta1`.
            if !matches!(status.version.as_str(), "v2" | "v2beta1") {
                return Err(KekError::new(&self.uri, action, Refusal::Unusable)
                    .detail("the KMS plugin does not support KMS v2"));
            }
            if status.healthz != "ok" {
                return Err(super::refusal::unwell(&self.uri, action, &status.healthz));
            }
            Ok(plugin)
        };
        let late = || super::refusal::late(&self.uri, action);
        let make = async |_| Ok(Renewal::New(retry(self.limits, late, connect).await?, None));
        self.plugin.get(make).await
    }
}

#[async_trait]
impl Kek for PluginKek {
    async fn wrap(&self, key: &DataKey, _: &Context) -> Result<Wrapped, KekError> {
        let plugin = self.plugin(Action::Wrap).await?;
        let late = || super::refusal::late(&self.uri, Action::Wrap);
        let answer = retry(self.limits, late, || async {
            let request = EncryptRequest { plaintext: key.expose().to_vec(), uid: uid() };
            plugin.encrypt(request).await.map_err(|e| refusal(&self.uri, Action::Wrap, &e))
        });
        let answer = answer.await?;
        let version = Some(answer.key_id.clone());
        let bytes = Stored::of(answer).ok_or_else(|| {
            KekError::new(&self.uri, Action::Wrap, Refusal::Failed)
                .detail("the answer of the KMS plugin is empty, or larger than the protocol allows")
        })?;
        Ok(Wrapped { key: WrappedKey { kek: self.uri.clone(), bytes }, version })
    }

    async fn unwrap(&self, key: &WrappedKey, _: &Context) -> Result<Opened, KekError> {
        let rejected = || KekError::new(&self.uri, Action::Unwrap, Refusal::Rejected);
        let stored = Stored::read(&key.bytes).ok_or_else(rejected)?;
        let plugin = self.plugin(Action::Unwrap).await?;
        let late = || super::refusal::late(&self.uri, Action::Unwrap);
        let answer = retry(self.limits, late, || async {
            let mut request = stored.clone();
            request.uid = uid();
            plugin.decrypt(request).await.map_err(|e| refusal(&self.uri, Action::Unwrap, &e))
        });
        Ok(Zeroizing::new(answer.await?.plaintext).into())
    }
}

/// Returns the answer of a KMS plugin as the bytes of a [`WrappedKey`].
///
/// Returns `None` if the answer is not within the limits of the protocol.
#[must_use]
pub fn pack(answer: EncryptResponse) -> Option<Vec<u8>> {
    Stored::of(answer)
}

/// Returns the request that decrypts the bytes of a [`WrappedKey`], without a uid. [`pack`] makes
/// these bytes.
///
/// Returns `None` if a KMS plugin did not wrap them.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<DecryptRequest> {
    Stored::read(bytes)
}

impl Stored {
    /// Returns the answer as JSON, or `None` if it is not within the limits of the protocol.
    fn of(answer: EncryptResponse) -> Option<Vec<u8>> {
        let annotations: usize = answer.annotations.iter().map(|(k, v)| k.len() + v.len()).sum();
        let fits = |size: usize| (1..=MAX_SIZE).contains(&size);
        if !fits(answer.ciphertext.len())
            || !fits(answer.key_id.len())
            || annotations > MAX_ANNOTATIONS
        {
            return None;
        }
        let annotations = answer.annotations.iter().map(|(k, v)| (k.clone(), BASE64.encode(v)));
        let stored = Self {
            ciphertext: BASE64.encode(answer.ciphertext),
            key_id: answer.key_id,
            annotations: annotations.collect(),
        };
        Some(serde_json::to_vec(&stored).expect("it is plain text"))
    }

    /// Returns the request that decrypts the DEK, without a uid.
    fn read(bytes: &[u8]) -> Option<DecryptRequest> {
        let stored: Self = serde_json::from_slice(bytes).ok()?;
        let annotation = |(name, value): (String, String)| Some((name, BASE64.decode(value).ok()?));
        Some(DecryptRequest {
            ciphertext: BASE64.decode(stored.ciphertext).ok()?,
            uid: String::new(),
            key_id: stored.key_id,
            annotations: stored.annotations.into_iter().map(annotation).collect::<Option<_>>()?,
        })
    }
}

/// Returns a random UUID (RFC 9562, version 4), which names the request in the log of the KMS
/// plugin.
fn uid() -> String {
    Uuid::new_v4().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(ciphertext: usize, key_id: usize, annotation: usize) -> EncryptResponse {
        EncryptResponse {
            ciphertext: vec![7; ciphertext],
            key_id: "k".repeat(key_id),
            annotations: [("version.example".to_owned(), vec![1; annotation])].into(),
        }
    }

    #[test]
    fn what_is_stored_comes_back_whole() {
        let bytes = pack(answer(100, 3, 5)).expect("within bounds");
        let request = unpack(&bytes).expect("readable");
        assert_eq!((request.ciphertext, request.key_id.as_str()), (vec![7; 100], "kkk"));
        assert_eq!(request.annotations["version.example"], [1; 5]);
        assert!(unpack(b"{}").is_none() && unpack(b"\x00").is_none());
    }

    #[test]
    fn the_protocols_bounds_hold() {
        for (ciphertext, key_id, annotation) in
            [(0, 1, 1), (1025, 1, 1), (1, 0, 1), (1, 1025, 1), (1, 1, (32 << 10) - 14)]
        {
            assert!(pack(answer(ciphertext, key_id, annotation)).is_none());
        }
        // The name of the annotation counts, too: it has 15 bytes.
        assert!(pack(answer(1024, 1024, (32 << 10) - 15)).is_some());
    }

    #[test]
    fn a_uid_is_a_uuid() {
        let uid = uid();
        assert_eq!((uid.len(), &uid[14..15]), (36, "4"), "{uid}");
        assert!("89ab".contains(&uid[19..20]), "{uid}");
    }
}
