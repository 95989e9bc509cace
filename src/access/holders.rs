//! Finds the future KEKs of a Secret that is sealed already. A Secret names its KEKs, so someone
//! who can write to it could add their own KEK and receive new data keys. It is not enough that
//! this machine knows a KEK, because it may be meant for other Secrets. So a KEK that only the
//! Secret names must be the person's own, be named elsewhere for this Secret, be confirmed, or
//! prove that it already has the data keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;

use crate::access::choice::{self, Chooser};
use crate::access::opener::Opener;
use crate::failure::{AccessError, Failure};
use crate::session::Session;
use envcrypt_core::access::{Answer, Question, Verdict};
use envcrypt_core::envelope::{Holder, SealedSecret};
use envcrypt_core::kek::{KekError, KekId, KekUri};

/// Finds the KEKs, and remembers the answers to prompts.
pub struct Holders<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    chooser: Chooser<'a>,
    /// The keys behind aliases, or the error. Each alias is looked up once.
    resolved: RefCell<BTreeMap<KekUri, Result<KekUri, KekError>>>,
}

impl<'a> Holders<'a> {
    pub fn new(session: &'a Session, opener: &'a Opener<'a>) -> Self {
        Self {
            session,
            opener,
            chooser: Chooser::new(session, opener.consents()),
            resolved: RefCell::default(),
        }
    }

    /// The KEKs that the person named for this command.
    pub async fn named(&self, keks: &[KekUri]) -> Vec<Holder> {
        let mut targets = Vec::with_capacity(keks.len());
        for kek in keks {
            targets.push(Holder { kek: self.lasting(kek).await, named: true });
        }
        targets
    }

    /// The KEKs that a new Secret in this place would be sealed with.
    pub async fn chosen(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Holder>, Failure> {
        let place = &secret.meta.place;
        let chosen = choice::choose(self.session, &[], place, path, &self.chooser);
        let chosen = chosen.map_err(|failure| match failure {
            Failure::Access(AccessError::NoKek) => {
                Failure::Access(AccessError::NoKekFor(place.to_string()))
            }
            other => other,
        })?;
        Ok(self.named(&chosen).await)
    }

    /// The current KEKs of the Secret.
    pub async fn held(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Holder>, Failure> {
        let keys = secret.keys().into_iter();
        let mut targets: Vec<Holder> =
            keys.map(|kek| Holder { kek: kek.into(), named: false }).collect();
        self.find_named(secret, path, targets.iter_mut().collect()).await?;
        Ok(targets)
    }

    /// The current KEKs, for new values: each is the person's own, named elsewhere, or confirmed.
    pub async fn settled(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<KekUri>, Failure> {
        let targets = self.settle(secret, path, secret.keys()).await?;
        Ok(targets.into_iter().map(|target| target.kek).collect())
    }

    /// KEKs for new values of this Secret: each is the person's own, named elsewhere, or confirmed.
    /// Someone else may have sealed the whole Secret, so it proves little that a KEK has the old
    /// data keys.
    pub async fn settle(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        keks: impl IntoIterator<Item = KekId>,
    ) -> Result<Vec<Holder>, Failure> {
        let keks = keks.into_iter();
        let mut targets: Vec<Holder> =
            keks.map(|kek| Holder { kek: kek.into(), named: false }).collect();
        self.find_named(secret, path, targets.iter_mut().collect()).await?;
        for target in targets.iter_mut().filter(|target| !target.named) {
            self.confirm(secret, &target.kek)?;
            target.named = true;
        }
        Ok(targets)
    }

    /// Finds which of its KEKs are named elsewhere too. The others can still prove that they have
    /// the data keys.
    pub async fn find_named(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        targets: Vec<&mut Holder>,
    ) -> Result<(), Failure> {
        if targets.is_empty() {
            return Ok(());
        }
        let named = self.opener.named_for(&secret.meta.place, path)?;
        let named = self.named(&named).await;
        for target in targets {
            target.named = named.iter().any(|named| named.kek.id() == target.kek.id())
                || self.is_settled(secret, path, &target.kek)?;
        }
        Ok(())
    }

    /// Whether it may be sealed to. A KEK that may open the Secret must prove that it has the data
    /// key. For any other KEK, prompts the person.
    fn is_settled(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        kek: &KekUri,
    ) -> Result<bool, Failure> {
        if self.may_seal(secret, kek)? {
            return Ok(true);
        }
        if !kek.is_age() && self.opener.may_open(secret, path, kek)? {
            return Ok(false);
        }
        self.confirm(secret, kek)?;
        Ok(true)
    }

    fn may_seal(&self, secret: &SealedSecret, kek: &KekUri) -> Result<bool, Failure> {
        let is_own = choice::is_own(self.session, kek)?;
        let policy = self.opener.consents().policy();
        Ok(policy.may_seal(kek, &secret.meta.place, is_own) == Verdict::Yes)
    }

    /// The person confirms it, for this one Secret.
    fn confirm(&self, secret: &SealedSecret, kek: &KekUri) -> Result<(), Failure> {
        if self.may_seal(secret, kek)? {
            return Ok(());
        }
        let place = &secret.meta.place;
        match self.opener.consents().ask(&Question::SealAgain { place, kek })? {
            Answer::Yes => Ok(()),
            Answer::No | Answer::Nobody => Err(Failure::Access(AccessError::UnnamedHolder {
                place: place.to_string(),
                kek: kek.clone(),
            })),
        }
    }

    /// The key behind an alias. If it cannot be looked up, the alias itself.
    pub async fn lasting(&self, kek: &KekUri) -> KekUri {
        self.resolve(kek).await.unwrap_or_else(|_| kek.clone())
    }

    /// The key behind an alias. Each alias is looked up once.
    pub async fn resolve(&self, kek: &KekUri) -> Result<KekUri, Failure> {
        let known = self.resolved.borrow().get(kek).cloned();
        if let Some(answer) = known {
            return Ok(answer?);
        }
        let answer = self.session.ring()?.resolve(kek).await;
        self.resolved.borrow_mut().insert(kek.clone(), answer.clone());
        Ok(answer?)
    }
}
