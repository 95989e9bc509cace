//! Changing values of a sealed Secret while the others keep their bytes.

use std::cell::Cell;
use std::path::Path;

use super::opening::Opener;
use super::sealing::{self, now};
use super::targets::Targets;
use super::{Failure, Session};
use crate::envelope::{OpenError, SealedSecret, Sealer};
use crate::kek::{DataKey, KekUri};
use crate::secret::{Key, PlainSecret, SecretValue};
use crate::terminal;
use std::collections::BTreeMap;

/// What is to be changed.
#[derive(Default)]
pub struct Delta {
    pub values: BTreeMap<Key, SecretValue>,
    pub gone: Vec<Key>,
}

/// Seals the changed values under a data key of their own.
pub struct Changer<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    targets: Targets<'a>,
    /// In place of those that the Secret is under.
    keks: Vec<KekUri>,
    /// Whether KEKs may be asked to open something.
    may_open: bool,
    told: Cell<bool>,
}

impl<'a> Changer<'a> {
    pub fn new(
        session: &'a Session,
        opener: &'a Opener<'a>,
        keks: Vec<KekUri>,
        may_open: bool,
    ) -> Self {
        let targets = Targets::new(session, opener);
        Self { session, opener, targets, keks, may_open, told: Cell::default() }
    }

    /// Has the KEKs wrap a new data key.
    pub async fn prepare(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Sealer, Failure> {
        let keks = match self.keks.is_empty() {
            true => self.targets.settled(secret, path, self.may_open).await?,
            false => self.keks.clone(),
        };
        let (scope, place) = (sealing::scope(secret)?, secret.meta.place.clone());
        let ring = self.session.ring()?;
        Ok(Sealer::prepare(ring, &keks, DataKey::generate(), place, scope).await?)
    }

    /// Opens it where that is possible here: a new seal would hide that the old one
    /// was not whole. Who may only encrypt is told that this is not known.
    pub async fn look(&self, secret: &SealedSecret) -> Result<Option<PlainSecret>, Failure> {
        if !self.may_open {
            return Ok(None);
        }
        let why = match self.opener.can_ask(secret) {
            false => "none of its KEKs may be asked here".to_owned(),
            true => match self.opener.open(secret).await {
                Ok(plain) => return Ok(Some(plain)),
                Err(Failure::Open(OpenError::Kek { refusals, .. })) => {
                    refusals.first().map_or_else(String::new, ToString::to_string)
                }
                Err(failure) => return Err(failure),
            },
        };
        if !self.told.replace(true) {
            terminal::note(&format!(
                "whether `{}` was whole before is not known here, since it cannot be opened: {why}",
                secret.meta.place
            ));
        }
        Ok(None)
    }

    /// Makes the change, and remembers what was sealed to.
    pub fn change(
        &self,
        sealer: &Sealer,
        secret: SealedSecret,
        delta: &Delta,
    ) -> Result<SealedSecret, Failure> {
        let new = sealer.change(secret, &delta.values, &delta.gone, now())?;
        self.opener.remember(sealer.keks().chain(&self.keks));
        Ok(new)
    }
}
