//! Opening a sealed Secret: its place first, then its DEKs, then its values
//! and the seal over them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;

use super::{Jwe, OpenError, Part, Refused, SealedSecret};
use crate::kek::{DataKey, KekId, KekUri, Ring, WrappedKey};
use crate::secret::{Key, PlainSecret, SecretValue};

/// What is known of the seal over the set without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealCheck {
    /// Insist on it.
    Required,
    /// Open all the same, the person having been told what is then not known.
    Skipped,
}

/// The DEKs of one Secret, by commitment.
pub struct Deks {
    keys: HashMap<[u8; 32], Arc<DataKey>>,
    /// The KEKs that gave them.
    by: BTreeSet<KekId>,
}

impl Deks {
    /// From keys that are known already: for test vectors.
    #[must_use]
    pub fn from_keys(keys: impl IntoIterator<Item = DataKey>) -> Self {
        let keys = keys.into_iter().map(|key| (super::aead::commitment(&key), Arc::new(key)));
        Self { keys: keys.collect(), by: BTreeSet::new() }
    }

    /// Whether one KEK gave all of them.
    #[must_use]
    pub fn are_of_one_kek(&self) -> bool {
        self.by.len() <= 1
    }

    fn of(&self, jwe: &Jwe) -> Result<&DataKey, Refused> {
        self.keys.get(&jwe.commitment).map(|key| &**key).ok_or(Refused::Commitment)
    }
}

impl SealedSecret {
    /// What can be refused offline: a value out of its place, a missing seal.
    ///
    /// # Errors
    /// [`OpenError::Refused`] names the key.
    pub fn check_place(&self, seal: SealCheck) -> Result<(), OpenError> {
        if self.seal.is_none() && seal == SealCheck::Required {
            return Err(self.refused(None, Refused::SealMissing));
        }
        for (key, jwe) in self.parts() {
            if key.is_none() && seal == SealCheck::Skipped {
                continue;
            }
            if !jwe.binding.holds_at(&self.meta.place, key) {
                return Err(self.refused(key, Refused::Binding(jwe.binding.to_string())));
            }
        }
        Ok(())
    }

    /// Fetches every DEK, each once and all at once, from KEKs that `trusted` allows.
    ///
    /// # Errors
    /// [`OpenError::Untrusted`] before any KEK was asked; [`OpenError::Kek`].
    pub async fn deks(
        &self,
        ring: &Ring,
        trusted: impl Fn(&KekUri) -> bool,
        seal: SealCheck,
    ) -> Result<Deks, OpenError> {
        self.check_place(seal)?;
        let mut wanted: HashMap<[u8; 32], (&Jwe, Vec<&WrappedKey>)> = HashMap::new();
        for (_, jwe) in self.parts() {
            let (_, candidates) = wanted.entry(jwe.commitment).or_insert((jwe, Vec::new()));
            for wrapped in jwe.recipients.iter().filter(|wrapped| trusted(&wrapped.kek)) {
                if !candidates.contains(&wrapped) {
                    candidates.push(wrapped);
                }
            }
        }
        if wanted.values().any(|(_, candidates)| candidates.is_empty()) {
            return Err(self.untrusted());
        }
        let unwrap = async |(commitment, (jwe, candidates)): ([u8; 32], (&Jwe, Vec<_>))| {
            let context = jwe.binding.context();
            let key = ring.unwrap(&candidates, &context, commitment, |key| jwe.fits(key)).await;
            key.map(|unwrapped| (commitment, unwrapped))
                .map_err(|refusals| OpenError::Kek { place: self.meta.place.clone(), refusals })
        };
        let found = try_join_all(wanted.into_iter().map(unwrap)).await?;
        let by = found.iter().map(|(_, unwrapped)| unwrapped.by.clone()).collect();
        let keys = found.into_iter().map(|(commitment, unwrapped)| (commitment, unwrapped.key));
        Ok(Deks { keys: keys.collect(), by })
    }

    /// Opens all values and checks the seal.
    ///
    /// # Errors
    /// [`OpenError::Refused`] names the first part that is not what it was.
    pub fn open(&self, deks: &Deks, seal: SealCheck) -> Result<PlainSecret, OpenError> {
        self.check_place(seal)?;
        let open = |(key, jwe): (&Key, &Jwe)| {
            let value = self.open_part(Some(key), jwe, deks)?;
            Ok((key.clone(), value))
        };
        // Values before the seal: their refusals name the key.
        let values = self.values.iter().map(open).collect::<Result<_, OpenError>>()?;
        self.check_seal(deks, seal)?;
        Ok(PlainSecret { meta: self.meta.clone(), values })
    }

    fn check_seal(&self, deks: &Deks, seal: SealCheck) -> Result<(), OpenError> {
        if seal == SealCheck::Skipped {
            return Ok(());
        }
        let jwe = self.seal.as_ref().ok_or_else(|| self.refused(None, Refused::SealMissing))?;
        let sealed = self.open_part(None, jwe, deks)?;
        if sealed.expose() != self.digest() {
            return Err(self.refused(None, Refused::SealMismatch));
        }
        Ok(())
    }

    fn open_part(
        &self,
        key: Option<&Key>,
        jwe: &Jwe,
        deks: &Deks,
    ) -> Result<SecretValue, OpenError> {
        deks.of(jwe).and_then(|dek| jwe.open(dek)).map_err(|refused| self.refused(key, refused))
    }

    /// That none of its KEKs may be asked.
    #[must_use]
    pub fn untrusted(&self) -> OpenError {
        OpenError::Untrusted {
            place: self.meta.place.clone(),
            keks: self.keks().into_iter().map(KekUri::to_string).collect(),
        }
    }

    pub(super) fn refused(&self, key: Option<&Key>, refused: Refused) -> OpenError {
        let spot = Part { place: self.meta.place.clone(), key: key.cloned() };
        OpenError::Refused { spot, refused }
    }
}
