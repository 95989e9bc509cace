//! Opens sealed Secrets: first checks whether their KEKs may be used, then uses them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::{AccessError, Answer, Consents, MayUse, Question, Ruled, Verdict};
use crate::envelope::{Rewrap, RewrapMethod, SealCheck, SealedSecret};
use crate::kek::{Action, KekError, KekId, KekUri, Refusal, Ring, WrappedKey};
use crate::secret::{Place, PlainSecret};

/// The rule for a Secret: the KEKs that it names.
#[derive(Debug, Clone)]
pub struct Rule {
    /// The KEKs, as far as they are known on this machine.
    pub keks: Vec<KekUri>,
    /// Whether the rule is the person's own, and not of a repository.
    pub is_own: bool,
    /// The file of the rule.
    pub file: Arc<Path>,
}

/// Opens Secrets, one by one or many at once.
pub struct Opener {
    ring: Arc<Ring>,
    consents: Consents,
    seal: SealCheck,
    /// The aliases that were looked up in the KMS: once, with any result.
    looked_up: Mutex<BTreeSet<KekUri>>,
}

/// The KEKs that may open a Secret, found by [`Opener::admit`].
struct Admitted {
    keks: BTreeSet<KekUri>,
    /// Whether its parts may have different KEKs.
    may_differ: bool,
}

impl Admitted {
    fn allows(&self, kek: &KekUri) -> bool {
        self.keks.contains(kek)
    }
}

impl Opener {
    /// Opens with the KEKs that `consents` allow. `seal` says whether the seal must match.
    #[must_use]
    pub fn new(ring: Arc<Ring>, consents: Consents, seal: SealCheck) -> Self {
        Self { ring, consents, seal, looked_up: Mutex::default() }
    }

    /// Returns the policy, and the person who can extend it.
    #[must_use]
    pub fn consents(&self) -> &Consents {
        &self.consents
    }

    /// Checks that every part of the Secret may be opened. Asks for the consent to use a new KEK.
    /// Lets no KMS open anything.
    ///
    /// # Errors
    /// Returns an [`AccessError`] with the KEKs of the Secret.
    pub async fn admit(
        &self,
        secret: &SealedSecret,
        rule: Option<&Rule>,
    ) -> Result<(), AccessError> {
        self.admitted(secret, rule).await.map(drop)
    }

    async fn admitted(
        &self,
        secret: &SealedSecret,
        rule: Option<&Rule>,
    ) -> Result<Admitted, AccessError> {
        secret.check_place(self.seal)?;
        check_built_in(secret)?;
        let place = &secret.meta.place;
        let mut ruled = self.ruled(rule);
        if !self.covers(secret, ruled.as_ref()) {
            self.look_up_aliases(rule).await;
            ruled = self.ruled(rule);
        }
        if !self.covers(secret, ruled.as_ref()) {
            self.ask(secret, ruled.as_ref())?;
        }
        if !self.covers(secret, ruled.as_ref()) {
            return Err(self.refused(secret, rule, ruled.as_ref()));
        }
        let policy = self.consents.policy();
        let may_differ =
            self.seal == SealCheck::Skipped || policy.may_differ(secret, ruled.as_ref());
        if !may_differ && !secret.is_under_the_same_keks() {
            return Err(AccessError::DifferentKeks(place.clone()));
        }
        let opens = |kek: &&KekUri| policy.may_open(kek, place, ruled.as_ref()) == Verdict::Yes;
        let keks = secret.keks().into_iter().filter(opens).cloned().collect();
        Ok(Admitted { keks, may_differ })
    }

    /// Names of KEKs are not authenticated. Someone who may use one KEK could add the names of the
    /// others to their own seal, over values of someone else. So one KEK must unwrap every data
    /// key.
    async fn check_one_kek(
        &self,
        secret: &SealedSecret,
        admitted: &Admitted,
    ) -> Result<(), AccessError> {
        let keys = secret.keys();
        if admitted.may_differ || keys.len() < 2 || !secret.has_several_deks() {
            return Ok(());
        }
        let admitted = |key: &&KekId| admitted.keks.iter().any(|kek| kek.id() == **key);
        for key in keys.iter().filter(admitted) {
            if secret.check_held(&self.ring, key.uri()).await.is_ok() {
                return Ok(());
            }
        }
        Err(AccessError::DifferentKeks(secret.meta.place.clone()))
    }

    /// Opens the whole Secret, if it is admitted.
    ///
    /// # Errors
    /// Returns an [`AccessError`]. No value is returned if any part was refused.
    pub async fn open(
        &self,
        secret: &SealedSecret,
        rule: Option<&Rule>,
    ) -> Result<PlainSecret, AccessError> {
        let admitted = self.admitted(secret, rule).await?;
        let deks = secret.deks(&self.ring, |kek| admitted.allows(kek), self.seal).await?;
        if !deks.are_of_one_kek() {
            self.check_one_kek(secret, &admitted).await?;
        }
        Ok(secret.open(&deks, self.seal)?)
    }

    /// Wraps the data keys of the Secret under other KEKs, if it is admitted.
    ///
    /// # Errors
    /// Returns an [`AccessError`].
    pub async fn rewrap(
        &self,
        secret: &SealedSecret,
        rule: Option<&Rule>,
        wanted: &Rewrap<'_>,
    ) -> Result<(SealedSecret, RewrapMethod), AccessError> {
        let admitted = self.admitted(secret, rule).await?;
        self.check_one_kek(secret, &admitted).await?;
        Ok(secret.rewrap(&self.ring, |kek| admitted.allows(kek), wanted).await?)
    }

    /// Returns whether the Secret may be opened now, without a question.
    #[must_use]
    pub fn can_open(&self, secret: &SealedSecret, rule: Option<&Rule>) -> bool {
        self.covers(secret, self.ruled(rule).as_ref())
    }

    /// Returns whether this KEK may open a Secret in this place now.
    #[must_use]
    pub fn may_open(&self, kek: &KekUri, place: &Place, rule: Option<&Rule>) -> bool {
        let ruled = self.ruled(rule);
        let verdict = self.consents.policy().may_open(kek, place, ruled.as_ref());
        kek.is_built_in() && verdict == Verdict::Yes
    }

    /// Whether every part has a KEK that may be used.
    fn covers(&self, secret: &SealedSecret, ruled: Option<&Ruled>) -> bool {
        let (policy, place) = (self.consents.policy(), &secret.meta.place);
        let opens = |wrapped: &WrappedKey| {
            wrapped.kek.is_built_in() && policy.may_open(&wrapped.kek, place, ruled) == Verdict::Yes
        };
        secret.parts().all(|(_, jwe)| jwe.recipients.iter().any(opens))
    }

    /// The KEKs of a rule, with the keys that were seen behind its aliases.
    fn ruled(&self, rule: Option<&Rule>) -> Option<Ruled> {
        let rule = rule?;
        let policy = self.consents.policy();
        let mut keks = BTreeSet::new();
        for kek in &rule.keks {
            keks.extend(policy.trust().behind(kek).cloned());
            keks.insert(kek.id());
        }
        Some(Ruled { keks, is_own: rule.is_own })
    }

    /// Asks for each unknown KEK, until the Secret can be opened.
    fn ask(&self, secret: &SealedSecret, ruled: Option<&Ruled>) -> Result<(), AccessError> {
        let place = &secret.meta.place;
        for kek in secret.keks().into_iter().filter(|kek| kek.is_built_in()) {
            let verdict = self.consents.policy().may_open(kek, place, ruled);
            if verdict != Verdict::New {
                continue;
            }
            let answer = self.consents.ask(&Question::Open { place, kek })?;
            if answer == Answer::Nobody || self.covers(secret, ruled) {
                break;
            }
        }
        Ok(())
    }

    fn refused(
        &self,
        secret: &SealedSecret,
        rule: Option<&Rule>,
        ruled: Option<&Ruled>,
    ) -> AccessError {
        let place = secret.meta.place.clone();
        let keks: Vec<KekUri> = secret.keks().into_iter().cloned().collect();
        let policy = self.consents.policy();
        let verdicts: Vec<Verdict> =
            keks.iter().map(|kek| policy.may_open(kek, &place, ruled)).collect();
        match rule {
            _ if verdicts.contains(&Verdict::NotNamed) => AccessError::NotNamed { place, keks },
            Some(rule) if !verdicts.contains(&Verdict::New) => {
                AccessError::NotInRule { place, rules: rule.file.to_path_buf(), keks }
            }
            _ => secret.untrusted().into(),
        }
    }

    /// Looks up the keys behind aliases. If a lookup fails, the later refusal names the KEK.
    async fn look_up_aliases(&self, rule: Option<&Rule>) {
        for alias in self.new_aliases(rule) {
            let Ok(key) = self.ring.resolve(&alias).await else { continue };
            let mut policy = self.consents.policy_mut();
            let grants: Vec<_> =
                policy.grants().filter(|grant| grant.kek == alias.id()).cloned().collect();
            for grant in grants {
                policy.allow(grant.uses, grant.scope, &key);
            }
            let is_named =
                matches!(policy.may_use(), MayUse::Only(named) if named.contains(&alias.id()));
            if is_named {
                policy.also_named(&key);
            }
            policy.trust_mut().note_alias(&alias, &key);
        }
    }

    /// The aliases that may stand for a KEK of the Secret, and were not looked up before.
    fn new_aliases(&self, rule: Option<&Rule>) -> Vec<KekUri> {
        let policy = self.consents.policy();
        let mut aliases: Vec<KekUri> = match policy.may_use() {
            MayUse::Only(named) => named.iter().map(|kek| kek.uri().clone()).collect(),
            MayUse::Granted => policy.grants().map(|grant| grant.kek.uri().clone()).collect(),
        };
        // For a rule of a repository, only aliases of the person's own account are looked up:
        // otherwise the KMS of another account would learn who asks.
        let of_rule = rule
            .into_iter()
            .flat_map(|rule| rule.keks.iter().filter(|kek| rule.is_own || kek.is_bare()).cloned());
        aliases.extend(of_rule);
        let mut looked_up = self.looked_up.lock().unwrap_or_else(PoisonError::into_inner);
        aliases.retain(|kek| kek.is_alias() && looked_up.insert(kek.clone()));
        aliases
    }
}

fn check_built_in(secret: &SealedSecret) -> Result<(), AccessError> {
    let keks = secret.keks();
    match keks.first().filter(|_| !keks.iter().any(|kek| kek.is_built_in())) {
        Some(kek) => Err(KekError::new(kek, Action::Unwrap, Refusal::Unusable)
            .detail(format!("this build does not support `{}`", kek.scheme()))
            .into()),
        None => Ok(()),
    }
}
