//! Envelope encryption: the sealed Secret, format v1 (`docs/format.md`).
//!
//! A value is sealed as a JWE under a DEK; the DEK is wrapped by KEKs; a seal
//! over the set keeps values from being dropped or put back.

mod aead;
mod binding;
mod clock;
mod error;
mod jwe;
mod open;
mod rewrap;
mod seal;
mod set;

use std::collections::{BTreeMap, BTreeSet};

pub use binding::{Binding, Scope};
pub use clock::now;
pub use error::{OpenError, Part, Refused, SealError};
pub use jwe::{Jwe, Kind};
pub use open::{Deks, SealCheck};
pub use rewrap::{Holder, Rewrap, RewrapError, RewrapMethod};
pub use seal::{Sealer, name_suffix, sealed_size_at_least};

use crate::kek::{KekId, KekUri, WrappedKey};
use crate::secret::{Key, Meta};

/// The largest sealed value, and the largest sum of them in a Secret: the API
/// server's bound on a Secret's data, 1 MiB.
pub const MAX_SEALED_SIZE: usize = 1 << 20;

/// A sealed Secret: everything but the DEKs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// All but the values.
    pub meta: Meta,
    /// The sealed values by key.
    pub values: BTreeMap<Key, Jwe>,
    /// The seal over the set; absent only in a damaged or older file.
    pub seal: Option<Jwe>,
}

impl SealedSecret {
    /// Every JWE in it with its key, the seal last and without one.
    pub fn parts(&self) -> impl Iterator<Item = (Option<&Key>, &Jwe)> {
        let values = self.values.iter().map(|(key, jwe)| (Some(key), jwe));
        values.chain(self.seal.iter().map(|jwe| (None, jwe)))
    }

    /// Whether every part names this key.
    #[must_use]
    pub fn names(&self, key: &KekId) -> bool {
        self.parts().all(|(_, jwe)| jwe.recipients.iter().any(|w| w.kek.id() == *key))
    }

    /// Whether its values and its seal all have the same KEKs, in whatever versions.
    #[must_use]
    pub fn is_under_the_same_keks(&self) -> bool {
        let keks = |jwe: &Jwe| {
            jwe.recipients.iter().map(|wrapped| wrapped.kek.id()).collect::<BTreeSet<_>>()
        };
        let mut sets = self.parts().map(|(_, jwe)| keks(jwe));
        let Some(first) = sets.next() else { return true };
        sets.all(|set| set == first)
    }

    /// The scope of all its parts; none where they differ.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        let mut scopes = self.parts().map(|(_, jwe)| jwe.binding.scope());
        let first = scopes.next().unwrap_or(Some(Scope::default()))?;
        scopes.all(|scope| scope == Some(first)).then_some(first)
    }

    /// Whether a key has the same sealed bytes in both, under whichever KEKs.
    #[must_use]
    pub fn same_sealing(&self, other: &Self, key: &Key) -> bool {
        let digest = |secret: &Self| secret.values.get(key).map(Jwe::digest);
        digest(self).is_some() && digest(self) == digest(other)
    }

    /// What the seal is over.
    fn digest(&self) -> [u8; 32] {
        set::digest(&self.meta, &self.values)
    }

    /// Whether it fits into a Secret.
    ///
    /// # Errors
    /// [`SealError::TooLarge`]
    pub fn check_size(&self) -> Result<(), SealError> {
        match self.values.values().map(Jwe::json_size).sum() {
            0..=MAX_SEALED_SIZE => Ok(()),
            size => Err(SealError::TooLarge { place: self.meta.place.clone(), size }),
        }
    }

    /// The wrapped keys of all values and the seal, each once.
    #[must_use]
    pub fn wrapped_keys(&self) -> Vec<&WrappedKey> {
        let mut seen = std::collections::HashSet::new();
        self.parts().flat_map(|(_, jwe)| &jwe.recipients).filter(|key| seen.insert(*key)).collect()
    }

    /// The keys of all its KEKs, whichever versions hold its DEKs, each once, sorted.
    #[must_use]
    pub fn keys(&self) -> Vec<KekId> {
        let mut keys: Vec<_> = self.keks().into_iter().map(KekUri::id).collect();
        keys.dedup();
        keys
    }

    /// The KEKs that can open it, each once, sorted.
    #[must_use]
    pub fn keks(&self) -> Vec<&KekUri> {
        let mut keks: Vec<_> = self.wrapped_keys().into_iter().map(|key| &key.kek).collect();
        keks.sort_unstable();
        keks.dedup();
        keks
    }
}
