//! Opens a sealed Secret: first the place, then the DEKs, then the values and the seal.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::try_join_all;

use super::{Jwe, OpenError, Part, Refused, SealedSecret};
use crate::kek::{DataKey, KekId, KekUri, Ring, WrappedKey};
use crate::secret::{Key, PlainSecret, SecretValue};

/// Whether to check the seal of a Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealCheck {
    /// The seal must be present and valid.
    Required,
    /// The seal is not checked. The caller must tell the user what was not verified.
    Skipped,
}

/// The unwrapped DEKs of one Secret, by commitment.
pub struct Deks {
    keys: HashMap<[u8; 32], Arc<DataKey>>,
    /// The KEKs that unwrapped them.
    by: BTreeSet<KekId>,
}

impl Deks {
    /// Uses keys that are already known. This is for test vectors.
    #[must_use]
    #[doc(hidden)]
    pub fn from_keys(keys: impl IntoIterator<Item = DataKey>) -> Self {
        let keys = keys.into_iter().map(|key| (super::aead::commitment(&key), Arc::new(key)));
        Self { keys: keys.collect(), by: BTreeSet::new() }
    }

    /// Returns whether one KEK unwrapped all of them.
    #[must_use]
    pub fn are_of_one_kek(&self) -> bool {
        self.by.len() <= 1
    }

    fn of(&self, jwe: &Jwe) -> Result<&DataKey, Refused> {
        self.keys.get(&jwe.commitment).map(|key| &**key).ok_or(Refused::Commitment)
    }
}

impl SealedSecret {
    /// Checks offline that every part belongs to this place, and that there is a seal.
    ///
    /// # Errors
    /// Returns [`OpenError::Refused`], which names the key.
    pub fn check_place(&self, seal: SealCheck) -> Result<(), OpenError> {
        if self.seal.is_none() && seal == SealCheck::Required {
            return Err(self.refused(None, Refused::SealMissing));
        }
        for (key, jwe) in self.parts() {
            if key.is_none() && seal == SealCheck::Skipped {
                continue;
            }
            if !jwe.binding.holds_at(&self.meta.place, key) {
                return Err(self.refused(key, Refused::Binding(jwe.binding.to_string().into())));
            }
        }
        Ok(())
    }

    /// Unwraps every DEK once, all at the same time, with the KEKs that `trusted` allows.
    ///
    /// # Errors
    /// Returns what [`SealedSecret::check_place`] returns, and [`OpenError::Untrusted`] if
    /// `trusted` allows no KEK for a DEK. Both come before any KEK is used. Returns
    /// [`OpenError::Kek`] if no KEK unwraps a DEK.
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

    /// Decrypts all values and checks the seal.
    ///
    /// # Errors
    /// Returns [`OpenError::Refused`], which names the first part that is not valid.
    pub fn open(&self, deks: &Deks, seal: SealCheck) -> Result<PlainSecret, OpenError> {
        self.check_place(seal)?;
        let open = |(key, jwe): (&Key, &Jwe)| {
            let value = self.open_part(Some(key), jwe, deks)?;
            Ok((key.clone(), value))
        };
        // Values come before the seal, so that a refusal can name the key.
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

    /// Returns the error that no KEK of the Secret may be used.
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
