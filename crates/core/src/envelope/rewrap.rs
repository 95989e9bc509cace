//! Puts the same DEKs under other KEKs. Ciphertexts and the seal stay the same, byte for byte.
//!
//! Recipients are not authenticated, so anyone who can write the file can put any recipient
//! there. Two rules make this harmless:
//!
//! - A DEK that was unwrapped on this machine is wrapped only after every part under it was
//!   decrypted. Otherwise, someone could copy the header of another Secret here and receive its
//!   DEK.
//! - A wrapped DEK is removed only after another one is known to open.

use std::sync::Arc;

use thiserror::Error;

use super::{Jwe, OpenError, Refused, SealCheck, SealError, SealedSecret};
use crate::kek::{Context, DataKey, KekError, KekId, KekUri, Ring, WrappedKey};
use crate::secret::Key;

/// How a rewrap put the DEKs under the new KEKs.
///
/// The order is by how much this machine learned, so that the maximum describes a whole Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RewrapMethod {
    /// No DEK was wrapped again. Recipients were only removed or kept.
    LeftOut,
    /// The KMS rewrapped the DEK on its own side. The DEK did not leave the KMS.
    InKms,
    /// The DEK was unwrapped on this machine.
    Here,
}

/// Why a Secret was not rewrapped.
#[derive(Debug, Error)]
pub enum RewrapError {
    /// No KEK unwrapped a DEK that was needed, or a part of the Secret is not valid.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A new KEK did not wrap a DEK, or the sealed Secret became too large.
    #[error(transparent)]
    Seal(#[from] SealError),
}

impl From<KekError> for RewrapError {
    fn from(error: KekError) -> Self {
        Self::Seal(SealError::Kek(Box::new(error)))
    }
}

/// A KEK that can open the Secret after the rewrap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The KEK.
    pub kek: KekUri,
    /// Whether the user named the KEK. A KEK that only the Secret names must prove that it already
    /// has the DEK before it receives one.
    pub named: bool,
}

/// Options for [`SealedSecret::rewrap`].
pub struct Rewrap<'a> {
    /// All KEKs that the Secret has after the rewrap.
    pub targets: &'a [Holder],
    /// Whether to wrap again for KEKs that already have the DEK, to use their newest version.
    pub renew: bool,
}

impl SealedSecret {
    /// Returns whether every DEK is under exactly these KEKs, in any version.
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

    /// Wraps every DEK for the KEKs in `wanted`. Returns the new Secret and how it was done.
    ///
    /// If the KMS can rewrap on its own side, and no other wrapped DEK is lost, the KMS does it.
    /// Otherwise a KEK that `trusted` allows unwraps the DEK on this machine.
    ///
    /// # Errors
    /// Returns [`RewrapError::Open`] if a part is not valid, belongs to another place, or cannot be
    /// unwrapped. Returns [`RewrapError::Seal`] if a new KEK refuses, or if the new Secret is too
    /// large.
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

    /// Checks that a KEK already has every DEK, by unwrapping each DEK with this KEK only.
    ///
    /// A DEK with no other KEK needs no call: only this KEK can have unwrapped it.
    ///
    /// # Errors
    /// Returns [`OpenError::NotHeld`] if the KEK does not unwrap one of the DEKs.
    pub async fn check_held(&self, ring: &Ring, kek: &KekUri) -> Result<(), OpenError> {
        for group in self.groups() {
            group.check_held(self, ring, kek).await?;
        }
        Ok(())
    }

    /// Returns whether the parts are under more than one DEK.
    #[must_use]
    pub fn has_several_deks(&self) -> bool {
        self.groups().len() > 1
    }

    /// The parts, grouped by DEK.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for (key, jwe) in self.parts() {
            match groups.iter_mut().find(|group| group.is_of(jwe)) {
                Some(group) => group.parts.push((key, jwe)),
                None => {
                    groups.push(Group { context: jwe.binding.context(), parts: vec![(key, jwe)] });
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

    /// The wrapped keys of all parts, without duplicates. Each one opens all parts.
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
            held if held == self.entries().len() => Ok(None),
            _ => ring.holds(&entries, &self.context, |key| self.jwe().fits(key)).await,
        };
        answer.map(drop).map_err(|refusals| OpenError::NotHeld {
            place,
            kek: kek.clone(),
            refusals,
        })
    }
}

/// The rewrap of one DEK.
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
            // Keep it unchanged if nothing else is removed, or if the check just unwrapped it.
            if !held.is_empty() && !wanted.renew && (dropped.is_empty() || !target.named) {
                recipients.extend(held.into_iter().cloned());
                continue;
            }
            let gone: Vec<_> = dropped.iter().chain(&held).copied().collect();
            let (wrapped, its_way) = self.wrap(&target.kek, &gone).await?;
            way = way.max(its_way);
            // Two names can mean the same key: an alias and its ARN.
            recipients.retain(|there| there.kek.id() != wrapped.kek.id());
            recipients.push(wrapped);
        }
        Ok((recipients, way))
    }

    /// Wraps the DEK for `target`. The entries in `gone` are lost then.
    async fn wrap(
        &mut self,
        target: &KekUri,
        gone: &[&WrappedKey],
    ) -> Result<(WrappedKey, RewrapMethod), RewrapError> {
        // Once the DEK is unwrapped, a rewrap in the KMS gains nothing.
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

    /// Lets the KMS rewrap on its own side, if that is safe.
    ///
    /// The client cannot verify such a rewrap. So no entry may be lost except the one that the KMS
    /// moves. Also, the key must stay the same, or the KMS itself must check namespace and name.
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

    /// Unwraps the DEK. Decrypts all parts under it, to verify that they were sealed with it for
    /// this place.
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

    /// The wrapped keys of the KEKs that may be used.
    fn candidates(&self) -> Result<Vec<&'a WrappedKey>, OpenError> {
        let mut candidates = self.group.entries();
        candidates.retain(|wrapped| (self.trusted)(&wrapped.kek));
        match candidates.is_empty() {
            true => Err(self.secret.untrusted()),
            false => Ok(candidates),
        }
    }
}

#[cfg(test)]
#[cfg(feature = "age")]
mod tests;
