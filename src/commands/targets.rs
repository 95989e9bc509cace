//! The KEKs that a Secret is to be under from now on, when it has some already.
//!
//! A Secret names its KEKs, and whoever can write to it could name their own, to
//! be given its data keys when they are wrapped or made anew. That this machine
//! knows a KEK is not enough: it may be meant for other Secrets. So one that only
//! the Secret names has to be the person's own, named for it elsewhere, confirmed,
//! or to show that it holds the data keys already.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::opening::Opener;
use super::{Failure, Session, sealing};
use crate::envelope::{SealedSecret, Target};
use crate::kek::{KekUri, Scheme};
use crate::secret::Namespace;

/// Finds them, and remembers what was asked.
pub struct Targets<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    /// The keys behind aliases.
    resolved: RefCell<BTreeMap<KekUri, KekUri>>,
    /// What the person said yes to, for a namespace.
    confirmed: RefCell<BTreeSet<(Namespace, KekUri)>>,
}

impl<'a> Targets<'a> {
    pub fn new(session: &'a Session, opener: &'a Opener<'a>) -> Self {
        Self { session, opener, resolved: RefCell::default(), confirmed: RefCell::default() }
    }

    /// Those that the person named for this command.
    pub async fn named(&self, keks: &[KekUri]) -> Vec<Target> {
        let mut targets = Vec::with_capacity(keks.len());
        for kek in keks {
            targets.push(Target { kek: self.lasting(kek).await, named: true });
        }
        targets
    }

    /// Those that a new Secret there would be sealed with.
    pub async fn chosen(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Target>, Failure> {
        let place = &secret.meta.place;
        let chosen = self.opener.choose(&place.namespace, path.filter(is_file));
        let chosen = chosen.map_err(|failure| match failure {
            Failure::NoKek => Failure::NoKekFor(place.to_string()),
            other => other,
        })?;
        Ok(self.named(&chosen).await)
    }

    /// Those that it is under.
    pub async fn held(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Target>, Failure> {
        let keys = secret.keys().into_iter();
        let mut targets: Vec<Target> = keys.map(|kek| Target { kek, named: false }).collect();
        self.find_named(secret, path, targets.iter_mut().collect()).await?;
        Ok(targets)
    }

    /// The same for new values: each is one's own, named elsewhere, or confirmed. That
    /// it holds the old data keys says little, if someone else sealed all of it.
    pub async fn settled(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<KekUri>, Failure> {
        let targets = self.held(secret, path).await?;
        for target in targets.iter().filter(|target| !target.named) {
            self.confirm(secret, &target.kek)?;
        }
        Ok(targets.into_iter().map(|target| target.kek).collect())
    }

    /// Finds out of its own KEKs which ones more than the Secret itself names;
    /// the others can be put to the test.
    pub async fn find_named(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        targets: Vec<&mut Target>,
    ) -> Result<(), Failure> {
        if targets.is_empty() {
            return Ok(());
        }
        let named = self.opener.named_for(&secret.meta.place.namespace, path.filter(is_file))?;
        let named = self.named(&named).await;
        for target in targets {
            target.named = named.iter().any(|named| named.kek.key() == target.kek.key())
                || self.is_confirmed(secret, &target.kek)?;
        }
        Ok(())
    }

    /// Whether it is the person's own, or they say yes to it.
    fn is_confirmed(&self, secret: &SealedSecret, kek: &KekUri) -> Result<bool, Failure> {
        if sealing::is_own(self.session, kek)? {
            return Ok(true);
        }
        if kek.scheme() != Scheme::Age && self.opener.may_ask(kek) {
            let known = (secret.meta.place.namespace.clone(), kek.clone());
            return Ok(self.confirmed.borrow().contains(&known));
        }
        self.confirm(secret, kek)?;
        Ok(true)
    }

    /// The person says yes to it, once for a namespace.
    fn confirm(&self, secret: &SealedSecret, kek: &KekUri) -> Result<(), Failure> {
        let place = &secret.meta.place;
        let known = (place.namespace.clone(), kek.clone());
        if self.confirmed.borrow().contains(&known) {
            return Ok(());
        }
        let refused = Failure::UnnamedHolder { place: place.to_string(), kek: kek.clone() };
        let prompt = self.session.prompt();
        let question = format!(
            "the Secret `{place}` names `{kek}`, which nothing else names for it; seal it to that again"
        );
        if !prompt.is_available() || !prompt.confirm(&question)? {
            return Err(refused);
        }
        self.confirmed.borrow_mut().insert(known);
        Ok(())
    }

    /// The key behind an alias. Where the KMS does not tell, the alias itself.
    pub async fn lasting(&self, kek: &KekUri) -> KekUri {
        self.resolve(kek).await.unwrap_or_else(|_| kek.clone())
    }

    /// The key behind an alias, each asked for once.
    pub async fn resolve(&self, kek: &KekUri) -> Result<KekUri, Failure> {
        let known = self.resolved.borrow().get(kek).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let key = self.session.ring()?.resolve(kek).await?;
        self.resolved.borrow_mut().insert(kek.clone(), key.clone());
        Ok(key)
    }
}

/// Standard input is nowhere, so that no rule can be for it by its path.
fn is_file(path: &&Path) -> bool {
    *path != Path::new("-")
}
