//! Asks the person for consents that this machine does not have yet.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::Path;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::{AccessError, Grant, Policy, Scope, Use, Uses};
use crate::kek::{KekId, KekUri};
use crate::secret::{Namespace, Place};

/// Someone who can consent: a person at a terminal. A server has nobody: [`Nobody`].
///
/// One question is asked at a time. An implementation must not use the [`Consents`] that asks.
pub trait Consent: Send + Sync {
    /// Asks whether a KEK may be used. `alias` is a name under which the person knows the KEK.
    ///
    /// # Errors
    /// Returns an error if the question cannot be asked or is not answered.
    fn ask(
        &self,
        question: &Question<'_>,
        alias: Option<&KekUri>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>>;
}

/// An answer to a [`Question`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The KEK may be used. The consent is saved.
    Yes,
    /// The KEK may not be used.
    No,
    /// There is nobody to ask.
    Nobody,
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// May this KEK open the Secrets of the namespace?
    Open {
        /// The Secret that needs it.
        place: &'a Place,
        /// The KEK.
        kek: &'a KekUri,
    },
    /// May Secrets of the namespace be sealed to this KEK, as a rule of the repository says?
    SealByRule {
        /// The Secret that is sealed.
        place: &'a Place,
        /// The KEK.
        kek: &'a KekUri,
        /// The file with the rule.
        rules: &'a Path,
    },
    /// May new values of this Secret be sealed to a KEK that only the Secret itself names?
    SealAgain {
        /// The Secret.
        place: &'a Place,
        /// The KEK.
        kek: &'a KekUri,
    },
}

impl<'a> Question<'a> {
    /// Returns the Secret that the question is about.
    #[must_use]
    pub fn place(&self) -> &'a Place {
        match self {
            Self::Open { place, .. }
            | Self::SealByRule { place, .. }
            | Self::SealAgain { place, .. } => place,
        }
    }

    /// Returns the KEK that the question is about.
    #[must_use]
    pub fn kek(&self) -> &'a KekUri {
        match self {
            Self::Open { kek, .. } | Self::SealByRule { kek, .. } | Self::SealAgain { kek, .. } => {
                kek
            }
        }
    }

    /// Whether a grant is as good as a yes.
    fn is_answered_by(&self, grant: &Grant) -> bool {
        let wanted = if matches!(self, Self::Open { .. }) { Use::Open } else { Use::Seal };
        grant.allows(wanted, self.kek(), self.place())
    }

    /// What a yes allows, and where.
    fn grants(&self) -> (Uses, Scope) {
        let namespace = Scope::namespace_of(self.place());
        match self {
            Self::Open { .. } => (Uses::Open, namespace),
            Self::SealByRule { .. } => (Uses::Both, namespace),
            Self::SealAgain { place, .. } => (Uses::Seal, Scope::only(place)),
        }
    }
}

/// Nobody to ask: every question is refused.
pub struct Nobody;

impl Consent for Nobody {
    fn ask(
        &self,
        _: &Question<'_>,
        _: Option<&KekUri>,
    ) -> Result<Answer, Box<dyn Error + Send + Sync>> {
        Ok(Answer::Nobody)
    }
}

/// The policy of this run, and the person who can extend it.
pub struct Consents {
    policy: RwLock<Policy>,
    consent: Box<dyn Consent>,
    /// What the person declined. The question is not asked again in this run.
    declined: Mutex<BTreeSet<(u8, Namespace, KekId)>>,
}

impl Consents {
    /// Starts with the consents of `policy`.
    #[must_use]
    pub fn new(policy: Policy, consent: Box<dyn Consent>) -> Self {
        Self { policy: RwLock::new(policy), consent, declined: Mutex::default() }
    }

    /// Returns the policy. Do not hold it while something else asks or changes it.
    pub fn policy(&self) -> RwLockReadGuard<'_, Policy> {
        self.policy.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the policy, to be changed.
    pub fn policy_mut(&self) -> RwLockWriteGuard<'_, Policy> {
        self.policy.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the person, at most once for each KEK and namespace. A yes is saved.
    ///
    /// # Errors
    /// Returns [`AccessError::Consent`] if the question is not answered, and
    /// [`AccessError::Trust`] if the answer cannot be saved.
    pub fn ask(&self, question: &Question<'_>) -> Result<Answer, AccessError> {
        let kind = match question {
            Question::Open { .. } => 0,
            Question::SealByRule { .. } => 1,
            Question::SealAgain { .. } => 2,
        };
        let (place, kek) = (question.place(), question.kek());
        let asked = (kind, place.namespace.clone(), kek.id());
        let mut declined = self.declined.lock().unwrap_or_else(PoisonError::into_inner);
        if declined.contains(&asked) {
            return Ok(Answer::No);
        }
        // Another caller may have asked the same question meanwhile.
        if self.policy().grants().any(|grant| question.is_answered_by(grant)) {
            return Ok(Answer::Yes);
        }
        let alias = self.policy().trust().aliases_of(&kek.id()).next().cloned();
        let answer = self.consent.ask(question, alias.as_ref()).map_err(AccessError::Consent)?;
        match answer {
            Answer::Yes => {
                let (uses, scope) = question.grants();
                self.policy_mut().trust_mut().grant(uses, scope, kek)?;
            }
            Answer::No => drop(declined.insert(asked)),
            Answer::Nobody => {}
        }
        Ok(answer)
    }
}
