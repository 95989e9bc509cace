//! Other KEKs for the same DEKs: ciphertexts and the seal stay, byte for byte.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::{Jwe, OpenError, SealCheck, SealError, SealedSecret};
use crate::kek::{Context, DataKey, KekError, KekUri, Ring, WrappedKey};

/// How a DEK came under its new KEKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Nothing was wrapped anew, only left out.
    LeftOut,
    /// The KMS did it on its own side: the DEK reached nobody.
    InKms,
    /// The DEK was opened on this machine.
    Here,
}

/// Why a Secret was not rewrapped.
#[derive(Debug, Error)]
pub enum RewrapError {
    /// Its DEK was needed, and no KEK gave it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A new KEK refused, or it grew too large.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<KekError> for RewrapError {
    fn from(error: KekError) -> Self {
        Self::Seal(SealError::Kek(Box::new(error)))
    }
}

/// What is wanted.
pub struct Rewrap<'a> {
    /// The KEKs that are to open it from now on.
    pub targets: &'a [KekUri],
    /// Wrap anew also under those that hold the DEK already.
    pub renew: bool,
}

impl SealedSecret {
    /// Whether every DEK is under just these KEKs, in whatever version.
    #[must_use]
    pub fn is_under(&self, targets: &[KekUri]) -> bool {
        let mut wanted: Vec<KekUri> = targets.iter().map(KekUri::key).collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.parts().all(|(_, jwe)| {
            let mut keys: Vec<KekUri> = jwe.recipients.iter().map(|w| w.kek.key()).collect();
            keys.sort_unstable();
            keys == wanted
        })
    }

    /// Wraps every DEK under the KEKs that are wanted: on the KMS's own side where
    /// it can, else here, with what a KEK gives that `trusted` allows.
    ///
    /// # Errors
    /// [`RewrapError`]
    pub async fn rewrap(
        &self,
        ring: &Ring,
        trusted: impl Fn(&KekUri) -> bool,
        wanted: &Rewrap<'_>,
    ) -> Result<(Self, Way), RewrapError> {
        self.check_place(SealCheck::Required)?;
        let mut done: BTreeMap<[u8; 32], Vec<WrappedKey>> = BTreeMap::new();
        let mut way = Way::LeftOut;
        for (_, jwe) in self.parts() {
            if done.contains_key(&jwe.commitment) {
                continue;
            }
            let mut dek = Dek { secret: self, jwe, ring, trusted: &trusted, opened: None };
            let (recipients, its_way) = dek.rewrap(wanted).await?;
            way = way.max(its_way);
            done.insert(jwe.commitment, recipients);
        }
        let mut new = self.clone();
        for jwe in new.values.values_mut().chain(&mut new.seal) {
            jwe.recipients.clone_from(&done[&jwe.commitment]);
        }
        new.check_size()?;
        Ok((new, way))
    }
}

/// One DEK on its way.
struct Dek<'a, T> {
    secret: &'a SealedSecret,
    /// The first part under it; the others have the same context.
    jwe: &'a Jwe,
    ring: &'a Ring,
    trusted: &'a T,
    opened: Option<Arc<DataKey>>,
}

impl<'a, T: Fn(&KekUri) -> bool> Dek<'a, T> {
    async fn rewrap(&mut self, wanted: &Rewrap<'_>) -> Result<(Vec<WrappedKey>, Way), RewrapError> {
        let context = self.jwe.binding.context();
        let mut recipients: Vec<WrappedKey> = Vec::with_capacity(wanted.targets.len());
        let mut way = Way::LeftOut;
        for target in wanted.targets {
            let held = self.jwe.recipients.iter().find(|held| held.kek.key() == target.key());
            let wrapped = match held {
                Some(held) if !wanted.renew => held.clone(),
                _ => {
                    let (wrapped, its_way) = self.wrap(target, &context).await?;
                    way = way.max(its_way);
                    wrapped
                }
            };
            // Two names may turn out to be one key: an alias and its ARN.
            if !recipients.iter().any(|there| there.kek.key() == wrapped.kek.key()) {
                recipients.push(wrapped);
            }
        }
        Ok((recipients, way))
    }

    async fn wrap(
        &mut self,
        target: &KekUri,
        context: &Context,
    ) -> Result<(WrappedKey, Way), RewrapError> {
        let candidates = self.candidates()?;
        // What is opened already need not be sent there once more.
        if self.opened.is_none()
            && let Some(wrapped) = self.ring.rewrap(&candidates, target, context).await?
        {
            return Ok((wrapped, Way::InKms));
        }
        let key = self.open(&candidates, context).await?;
        let wrapped = self.ring.wrap(std::slice::from_ref(target), &key, context).await?;
        Ok((wrapped.into_iter().next().expect("one for each KEK"), Way::Here))
    }

    async fn open(
        &mut self,
        candidates: &[&WrappedKey],
        context: &Context,
    ) -> Result<Arc<DataKey>, RewrapError> {
        if let Some(key) = &self.opened {
            return Ok(key.clone());
        }
        let (jwe, commitment) = (self.jwe, self.jwe.commitment);
        let key = self.ring.unwrap(candidates, context, commitment, |key| jwe.fits(key)).await;
        let place = self.secret.meta.place.clone();
        let key = key.map_err(|refusals| OpenError::Kek { place, refusals })?;
        self.opened = Some(key.clone());
        Ok(key)
    }

    /// The wrapped keys of KEKs that may be asked.
    fn candidates(&self) -> Result<Vec<&'a WrappedKey>, RewrapError> {
        let trusted = self.jwe.recipients.iter().filter(|wrapped| (self.trusted)(&wrapped.kek));
        let candidates: Vec<_> = trusted.collect();
        match candidates.is_empty() {
            true => Err(self.secret.untrusted().into()),
            false => Ok(candidates),
        }
    }
}
