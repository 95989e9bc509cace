//! Other KMS v2 plugins whose place this server takes: it opens what they wrapped, and wraps as
//! they do as long as one of them still runs on another node.
//!
//! Each file in `format/` has the bytes of one plugin. A seed of kube-apiserver has as many bytes as
//! a DEK, so the KEKs wrap and unwrap it as one. A plaintext of another size is refused.

mod format;

use std::sync::{Arc, Mutex, PoisonError};

use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};
use envcrypt_core::kek::{
    Action, Context, DATA_KEY_SIZE, DataKey, KekError, KekUri, Refusal, Ring, Wrapped, WrappedKey,
};
use envcrypt_core::secret::SecretValue;
use futures::future::join_all;
use sha2::{Digest, Sha256};

use crate::calls::Caller;
use crate::config::{Config, Peer};
use crate::metrics::Metrics;
use format::format;

/// Why a seed was not wrapped.
pub enum WriteError {
    /// The plaintext has another size than a seed: this many bytes.
    Size(usize),
    /// The KMS refused.
    Kek(KekError),
}

/// The peers of a configuration, at work.
pub struct Peers {
    readers: Vec<Reader>,
    writer: Option<Writer>,
    metrics: Arc<Metrics>,
}

/// A peer whose ciphertexts are opened.
struct Reader {
    peer: Peer,
    keks: Vec<KekUri>,
    context: Context,
    /// The last seed that was opened, as the KEKs unwrap it.
    sample: Mutex<Option<Vec<WrappedKey>>>,
}

/// The peer whose ciphertexts are written.
struct Writer {
    peer: Peer,
    name: String,
    kek: KekUri,
    context: Context,
    /// The key id, if it is not the usual one.
    key_id: Option<String>,
}

impl Peers {
    /// Calls nothing yet.
    pub fn new(config: &Config, metrics: Arc<Metrics>) -> Self {
        let reader = |peer: &Peer| Reader {
            peer: peer.clone(),
            keks: config.keks_of(peer),
            context: config.context_of(peer),
            sample: Mutex::default(),
        };
        let writer = config.writes.as_ref().and_then(|writes| {
            Some(Writer {
                peer: writes.peer.clone(),
                name: writes.peer.to_string(),
                kek: config.keks_of(&writes.peer).into_iter().next()?,
                context: config.context_of(&writes.peer),
                key_id: writes.key_id.clone(),
            })
        });
        Self { readers: config.reads.iter().map(reader).collect(), writer, metrics }
    }

    /// Opens a seed that a peer wrapped. Returns `None` if no peer wrapped it.
    ///
    /// # Errors
    /// Returns the refusal of each KEK.
    pub async fn open(
        &self,
        ring: &Ring,
        request: &DecryptRequest,
    ) -> Option<Result<SecretValue, Vec<KekError>>> {
        let mut refusals = None;
        for reader in &self.readers {
            let Some(bytes) = format(reader.peer.kind).read(request) else { continue };
            match reader.open(ring, &bytes, &request.key_id).await {
                Ok(seed) => {
                    self.metrics.foreign_read(reader.peer.kind.name());
                    return Some(Ok(seed));
                }
                Err(errors) => refusals.get_or_insert_with(Vec::new).extend(errors),
            }
        }
        refusals.map(Err)
    }

    /// Wraps a seed as the peer does, with a call to the KMS.
    ///
    /// Returns `None` if no peer's ciphertexts are written.
    ///
    /// # Errors
    /// Returns a [`WriteError`] if the KMS refuses, or if it is not a seed.
    pub async fn write(
        &self,
        ring: &Ring,
        plaintext: &[u8],
    ) -> Option<Result<EncryptResponse, WriteError>> {
        let writer = self.writer.as_ref()?;
        let Some(key) = DataKey::from_slice(plaintext) else {
            return Some(Err(WriteError::Size(plaintext.len())));
        };
        let wrapped = writer.caller(ring, &self.metrics).wrap(&key).await;
        let written = wrapped.and_then(|wrapped| writer.answer(wrapped));
        Some(written.map_err(WriteError::Kek))
    }

    /// Tests the KEKs of all peers.
    ///
    /// Returns for each peer in `reads` the key id if it is written, or its error. `None` means
    /// that there is nothing to test.
    pub async fn probe(&self, ring: &Ring) -> Vec<Option<Result<Option<String>, KekError>>> {
        join_all(self.readers.iter().map(|reader| async {
            match self.writer.as_ref().filter(|writer| writer.peer == reader.peer) {
                Some(writer) => Some(writer.probe(ring, &self.metrics).await.map(Some)),
                None => reader.probe(ring).await.map(|answer| answer.map(|()| None)),
            }
        }))
        .await
    }
}

impl Reader {
    async fn open(
        &self,
        ring: &Ring,
        bytes: &[u8],
        key_id: &str,
    ) -> Result<SecretValue, Vec<KekError>> {
        let key = |kek: &KekUri| WrappedKey { kek: kek.clone(), bytes: bytes.to_vec() };
        let keys: Vec<WrappedKey> = self.keks.iter().map(key).collect();
        let name = self.name_of(bytes, key_id);
        let candidates: Vec<&WrappedKey> = keys.iter().collect();
        let opened = ring.unwrap(&candidates, &self.context, name, |_| true).await?;
        *self.sample.lock().unwrap_or_else(PoisonError::into_inner) = Some(keys);
        Ok(SecretValue::new(opened.key.expose().to_vec()))
    }

    /// The name under which the ring keeps a seed.
    fn name_of(&self, bytes: &[u8], key_id: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in [self.peer.to_string().as_bytes(), key_id.as_bytes(), bytes] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// Opens the last seed again, because a KEK that refuses now must end what is in memory.
    async fn probe(&self, ring: &Ring) -> Option<Result<(), KekError>> {
        let keys = self.sample.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let candidates: Vec<&WrappedKey> = keys.iter().collect();
        let answer = ring.holds(&candidates, &self.context, |_| true).await;
        Some(answer.map(drop).map_err(main_reason))
    }
}

/// The error of the KEK that wrapped it: all others reject it.
fn main_reason(mut errors: Vec<KekError>) -> KekError {
    let index = errors.iter().position(|error| error.refusal != Refusal::Rejected);
    errors.swap_remove(index.unwrap_or_default())
}

impl Writer {
    fn caller<'a>(&'a self, ring: &'a Ring, metrics: &'a Metrics) -> Caller<'a> {
        let Self { name, kek, context, .. } = self;
        Caller { name, kek, context, ring, metrics }
    }

    /// Wraps and unwraps a key. Returns the key id.
    async fn probe(&self, ring: &Ring, metrics: &Metrics) -> Result<String, KekError> {
        let (key, caller) = (DataKey::generate(), self.caller(ring, metrics));
        let wrapped = caller.wrap(&key).await?;
        caller.unwrap(&wrapped, &key).await?;
        Ok(self.answer(wrapped)?.key_id)
    }

    fn answer(&self, wrapped: Wrapped) -> Result<EncryptResponse, KekError> {
        let mut written = format(self.peer.kind).write(wrapped).ok_or_else(|| {
            KekError::new(&self.kek, Action::Wrap, Refusal::Failed)
                .detail("the KMS did not report the version of the key")
        })?;
        if let Some(key_id) = &self.key_id {
            written.key_id.clone_from(key_id);
        }
        Ok(written)
    }
}

impl std::fmt::Display for WriteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Size(size) => write!(
                f,
                "a seed has {DATA_KEY_SIZE} bytes, not {size}: no other size can be written while `writes` is set"
            ),
            Self::Kek(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_that_of_the_kek_that_can_be_the_one() {
        let error = |kek: &str, refusal| {
            KekError::new(&kek.parse().expect("a KEK"), Action::Unwrap, refusal)
        };
        let rejected = || error("hashivault://a", Refusal::Rejected);
        let denied = error("hashivault://b", Refusal::Denied);
        assert_eq!(main_reason(vec![rejected(), denied]).refusal, Refusal::Denied);
        assert_eq!(main_reason(vec![rejected()]).refusal, Refusal::Rejected);
    }
}
