//! Other KEKs for the same DEKs: ciphertexts and the seal stay, byte for byte.
//!
//! Recipients are not authenticated, so whoever can write the file may have put
//! anything there. Two rules keep that harmless. A DEK that is opened here is
//! wrapped only after every part under it has been decrypted: else the header of
//! another Secret, copied here, would have its DEK handed over. And no entry is
//! dropped before another is known to hold the DEK.

use std::sync::Arc;

use thiserror::Error;

use super::{Jwe, OpenError, Refused, SealCheck, SealError, SealedSecret};
use crate::kek::{Context, DataKey, KekError, KekId, KekUri, Ring, WrappedKey};
use crate::secret::Key;

/// How a DEK came under its new KEKs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RewrapMethod {
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
    /// Its DEK was needed, and no KEK gave it; or a part of it was altered.
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

/// A KEK that is to open a Secret from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The KEK.
    pub kek: KekUri,
    /// Whether the person named it. What only the Secret names has to show that
    /// it holds the DEK before it is given one.
    pub named: bool,
}

/// What is wanted.
pub struct Rewrap<'a> {
    /// The KEKs from now on.
    pub targets: &'a [Holder],
    /// Wrap anew also under those that hold the DEK already.
    pub renew: bool,
}

impl SealedSecret {
    /// Whether every DEK is under just these KEKs, in whatever version.
    #[must_use]
    pub fn is_under(&self, targets: &[Holder]) -> bool {
        let mut wanted: Vec<KekId> = targets.iter().map(|target| target.kek.id()).collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.parts().all(|(_, jwe)| {
            let mut keys: Vec<KekId> = jwe.recipients.iter().map(|w| w.kek.id()).collect();
            keys.sort_unstable();
            keys.dedup();
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
    ) -> Result<(Self, RewrapMethod), RewrapError> {
        if wanted.targets.is_empty() {
            return Err(SealError::NoKek(self.meta.place.clone()).into());
        }
        SealError::check_mix(wanted.targets.iter().map(|target| &target.kek))?;
        self.check_place(SealCheck::Required)?;
        let (mut new, mut way) = (self.clone(), RewrapMethod::LeftOut);
        for group in self.groups() {
            let mut dek = Dek { secret: self, group, ring, trusted: &trusted, opened: None };
            let (recipients, its_way) = dek.rewrap(wanted).await?;
            way = way.max(its_way);
            let under_it = |jwe: &&mut Jwe| dek.group.is_of(jwe);
            for jwe in new.values.values_mut().chain(&mut new.seal).filter(under_it) {
                jwe.recipients.clone_from(&recipients);
            }
        }
        new.check_size()?;
        Ok((new, way))
    }

    /// Makes sure that a KEK holds every DEK, by opening them with it alone. Of one
    /// that is alone, nothing is asked: only it can have given what was opened.
    ///
    /// # Errors
    /// [`OpenError::NotHeld`]
    pub async fn check_held(&self, ring: &Ring, kek: &KekUri) -> Result<(), OpenError> {
        for group in self.groups() {
            group.check_held(self, ring, kek).await?;
        }
        Ok(())
    }

    /// Whether its parts are under several DEKs.
    #[must_use]
    pub fn has_several_deks(&self) -> bool {
        self.groups().len() > 1
    }

    /// The parts by their DEKs.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (key, jwe) in self.parts() {
            match groups.iter_mut().find(|group| group.is_of(jwe)) {
                Some(group) => group.parts.push((key, jwe)),
                None => {
                    groups.push(Group { context: jwe.binding.context(), parts: vec![(key, jwe)] })
                }
            }
        }
        groups
    }
}

/// The parts under one DEK.
struct Group<'a> {
    context: Context,
    parts: Vec<(Option<&'a Key>, &'a Jwe)>,
}

impl<'a> Group<'a> {
    fn is_of(&self, jwe: &Jwe) -> bool {
        self.jwe().commitment == jwe.commitment && self.context == jwe.binding.context()
    }

    fn jwe(&self) -> &'a Jwe {
        self.parts[0].1
    }

    /// The wrapped keys of all its parts, each once: any of them opens them all.
    fn entries(&self) -> Vec<&'a WrappedKey> {
        let mut entries = Vec::new();
        for entry in self.parts.iter().flat_map(|(_, jwe)| &jwe.recipients) {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        entries
    }

    async fn check_held(
        &self,
        secret: &SealedSecret,
        ring: &Ring,
        kek: &KekUri,
    ) -> Result<(), OpenError> {
        let mut entries = self.entries();
        entries.retain(|entry| entry.kek.id() == kek.id());
        let place = secret.meta.place.clone();
        let answer = match entries.len() {
            0 => Err(Vec::new()),
            held if held == self.entries().len() => Ok(()),
            _ => ring.holds(&entries, &self.context, |key| self.jwe().fits(key)).await,
        };
        answer.map_err(|refusals| OpenError::NotHeld { place, kek: kek.clone(), refusals })
    }
}

/// One DEK on its way.
struct Dek<'a, T> {
    secret: &'a SealedSecret,
    group: Group<'a>,
    ring: &'a Ring,
    trusted: &'a T,
    opened: Option<Arc<DataKey>>,
}

impl<'a, T: Fn(&KekUri) -> bool> Dek<'a, T> {
    async fn rewrap(
        &mut self,
        wanted: &Rewrap<'_>,
    ) -> Result<(Vec<WrappedKey>, RewrapMethod), RewrapError> {
        let mut entries = self.group.entries();
        let stays = |entry: &&WrappedKey| {
            wanted.targets.iter().any(|target| target.kek.id() == entry.kek.id())
        };
        let dropped: Vec<&WrappedKey> = entries.iter().copied().filter(|e| !stays(e)).collect();
        entries.retain(stays);
        let mut recipients: Vec<WrappedKey> = Vec::new();
        let mut way = RewrapMethod::LeftOut;
        for target in wanted.targets {
            let (held, others): (Vec<_>, Vec<_>) =
                entries.iter().copied().partition(|entry| entry.kek.id() == target.kek.id());
            entries = others;
            let changes = wanted.renew || held.is_empty() || !dropped.is_empty();
            if changes && !target.named {
                self.group.check_held(self.secret, self.ring, &target.kek).await?;
            }
            // Kept as it is where nothing else goes, or where it has just opened.
            if !held.is_empty() && !wanted.renew && (dropped.is_empty() || !target.named) {
                recipients.extend(held.into_iter().cloned());
                continue;
            }
            let gone: Vec<_> = dropped.iter().chain(&held).copied().collect();
            let (wrapped, its_way) = self.wrap(&target.kek, &gone).await?;
            way = way.max(its_way);
            // Two names may turn out to be one key: an alias and its ARN.
            recipients.retain(|there| there.kek.id() != wrapped.kek.id());
            recipients.push(wrapped);
        }
        Ok((recipients, way))
    }

    /// Wraps the DEK under `target`; the entries that are `gone` then are lost.
    async fn wrap(
        &mut self,
        target: &KekUri,
        gone: &[&WrappedKey],
    ) -> Result<(WrappedKey, RewrapMethod), RewrapError> {
        // What is opened already need not be sent there once more.
        if self.opened.is_none()
            && let Some(wrapped) = self.wrap_in_kms(target, gone).await
        {
            return Ok((wrapped, RewrapMethod::InKms));
        }
        let key = self.open().await?;
        let wrapped = self.ring.wrap(std::slice::from_ref(target), &key, &self.group.context);
        let wrapped = wrapped.await?.into_iter().next().expect("one for each KEK");
        Ok((wrapped.key, RewrapMethod::Here))
    }

    /// Nobody looks at what the KMS does on its own side. So it may only move the
    /// one entry that goes away by it, if any does; and only under the same key,
    /// or where the KMS itself compares the Secret's namespace and name.
    async fn wrap_in_kms(&self, target: &KekUri, gone: &[&WrappedKey]) -> Option<WrappedKey> {
        for entry in self.candidates().ok()? {
            let loses_no_other = gone.iter().all(|gone| *gone == entry);
            let is_same_key = entry.kek.id() == target.id();
            if loses_no_other && (is_same_key || self.group.context.names_secret()) {
                let wrapped = self.ring.rewrap(entry, target, &self.group.context).await;
                if wrapped.is_some() {
                    return wrapped;
                }
            }
        }
        None
    }

    /// Opens the DEK, and makes sure that what stands under it was sealed with it
    /// for this very place.
    async fn open(&mut self) -> Result<Arc<DataKey>, RewrapError> {
        if let Some(key) = &self.opened {
            return Ok(key.clone());
        }
        let (candidates, jwe) = (self.candidates()?, self.group.jwe());
        let context = &self.group.context;
        let key = self.ring.unwrap(&candidates, context, jwe.commitment, |key| jwe.fits(key));
        let place = self.secret.meta.place.clone();
        let key = key.await.map_err(|refusals| OpenError::Kek { place, refusals })?.key;
        for (name, jwe) in &self.group.parts {
            let opened = jwe.open(&key).map_err(|refused| self.secret.refused(*name, refused))?;
            if name.is_none() && opened.expose() != self.secret.digest() {
                return Err(self.secret.refused(None, Refused::SealMismatch).into());
            }
        }
        self.opened = Some(key.clone());
        Ok(key)
    }

    /// The wrapped keys of KEKs that may be asked.
    fn candidates(&self) -> Result<Vec<&'a WrappedKey>, OpenError> {
        let mut candidates = self.group.entries();
        candidates.retain(|wrapped| (self.trusted)(&wrapped.kek));
        match candidates.is_empty() {
            true => Err(self.secret.untrusted()),
            false => Ok(candidates),
        }
    }
}
