//! Envelope encryption: the sealed Secret, format v1 (`docs/format.md`).
//!
//! Each value is sealed as a JWE (RFC 7516) under a data key (DEK). KEKs wrap the DEK. The seal
//! detects values that were removed or rolled back.

mod aead;
mod binding;
mod clock;
mod error;
mod jwe;
mod merge;
mod open;
mod rewrap;
mod seal;
mod set;
mod statement;

use std::collections::{BTreeMap, BTreeSet};

pub use binding::{Binding, Scope};
pub use clock::{is_too_late, now};
pub use error::{OpenError, Part, Quorum, Refused, SealError};
pub use jwe::{Jwe, Kind};
pub use merge::{Merge, MergePart, Merged, Side};
pub use open::{Deks, SealCheck};
pub use rewrap::{Holder, Rewrap, RewrapError, RewrapMethod};
pub use seal::{Sealer, name_suffix, sealed_size_at_least};
pub use statement::{AuthorSignature, Signed, Statement, is_of_a_tool};

use sha2::{Digest, Sha256};

use crate::kek::{KekId, KekUri, WrappedKey};
use crate::secret::{Key, Meta};

/// The maximum size of one sealed value, and of all sealed values of a Secret together, in
/// bytes: 1 MiB.
///
/// The API server has this limit for the data of a Secret.
pub const MAX_SEALED_SIZE: usize = 1 << 20;

/// A sealed Secret. It contains no plaintext and no DEK.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedSecret {
    /// Everything except the values.
    pub meta: Meta,
    /// The sealed values by key.
    pub values: BTreeMap<Key, Jwe>,
    /// The seal. `None` if the file has no seal, or if it was read with [`SealCheck::Skipped`].
    pub seal: Option<Jwe>,
    /// The signatures of its authors: see [`SealedSecret::check_signatures`]. They are read and
    /// dropped with the seal.
    pub signatures: Vec<AuthorSignature>,
}

impl SealedSecret {
    /// Returns every JWE with its key. The seal comes last and has no key.
    pub fn parts(&self) -> impl Iterator<Item = (Option<&Key>, &Jwe)> {
        let values = self.values.iter().map(|(key, jwe)| (Some(key), jwe));
        values.chain(self.seal.iter().map(|jwe| (None, jwe)))
    }

    /// Returns whether every part has this KEK as a recipient, in any version.
    #[must_use]
    pub fn names(&self, key: &KekId) -> bool {
        self.parts().all(|(_, jwe)| jwe.recipients.iter().any(|w| w.kek.id() == *key))
    }

    /// Returns whether all values and the seal have the same KEKs, in any versions.
    #[must_use]
    pub fn is_under_the_same_keks(&self) -> bool {
        let keks = |jwe: &Jwe| {
            jwe.recipients.iter().map(|wrapped| wrapped.kek.id()).collect::<BTreeSet<_>>()
        };
        let mut sets = self.parts().map(|(_, jwe)| keks(jwe));
        let Some(first) = sets.next() else { return true };
        sets.all(|set| set == first)
    }

    /// Returns the scope of all parts, or `None` if the scopes differ.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        let mut scopes = self.parts().map(|(_, jwe)| jwe.binding.scope());
        let first = scopes.next().unwrap_or(Some(Scope::default()))?;
        scopes.all(|scope| scope == Some(first)).then_some(first)
    }

    /// Returns whether `key` has the same sealed bytes in both Secrets, under any KEKs.
    #[must_use]
    pub fn same_sealing(&self, other: &Self, key: &Key) -> bool {
        let digest = |secret: &Self| secret.values.get(key).map(Jwe::digest);
        digest(self).is_some() && digest(self) == digest(other)
    }

    /// The digest that the seal must contain.
    fn digest(&self) -> [u8; 32] {
        set::digest(&self.meta, &self.values)
    }

    /// Returns a digest of what was sealed: of the values, the type, `immutable` and the seal with
    /// its time. The KEKs are not part of it, so a rewrap does not change it. It tells nothing about
    /// the plaintext.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let seal = self.seal.as_ref().map(Jwe::digest).unwrap_or_default();
        Sha256::new().chain_update(self.digest()).chain_update(seal).finalize().into()
    }

    /// Checks that the sealed values fit into a Secret.
    ///
    /// # Errors
    /// Returns [`SealError::TooLarge`] if they are larger than [`MAX_SEALED_SIZE`].
    pub fn check_size(&self) -> Result<(), SealError> {
        match self.values.values().map(Jwe::json_size).sum() {
            0..=MAX_SEALED_SIZE => Ok(()),
            size => Err(SealError::TooLarge { place: self.meta.place.clone(), size }),
        }
    }

    /// Returns the wrapped keys of all values and the seal, without duplicates.
    #[must_use]
    pub fn wrapped_keys(&self) -> Vec<&WrappedKey> {
        let mut seen = std::collections::HashSet::new();
        self.parts().flat_map(|(_, jwe)| &jwe.recipients).filter(|key| seen.insert(*key)).collect()
    }

    /// Returns the KEKs without their versions, sorted and without duplicates.
    #[must_use]
    pub fn keys(&self) -> Vec<KekId> {
        let mut keys: Vec<_> = self.keks().into_iter().map(KekUri::id).collect();
        // Versions sort between the names of other keys.
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Returns the KEKs with their versions, sorted and without duplicates.
    #[must_use]
    pub fn keks(&self) -> Vec<&KekUri> {
        let mut keks: Vec<_> = self.wrapped_keys().into_iter().map(|key| &key.kek).collect();
        keks.sort_unstable();
        keks.dedup();
        keks
    }
}

#[cfg(test)]
mod tests;
