//! Chooses the KEKs to seal with.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use clap::Args;

use crate::candidates;
use crate::config::{KekName, Rule};
use crate::failure::{AccessError, Failure};
use crate::session::local::{self, MakeLocal};
use crate::session::{Session, kek_variable};
use crate::terminal;
use envcrypt_core::access::{Answer, Consents, Grant, Policy, Question, Scope, Uses, Verdict};
use envcrypt_core::envelope::{self, SealedSecret};
use envcrypt_core::kek::{KekId, KekUri};
use envcrypt_core::secret::Place;

#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct SealingArgs {
    /// Seal to this KEK: local, or a URI (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    pub kek: Vec<KekName>,
    /// What the values are bound to: strict (namespace, name and key; the default), namespace or
    /// cluster
    #[arg(long, value_name = "SCOPE", add = candidates::scopes())]
    pub scope: Option<envelope::Scope>,
}

/// Takes `--kek`, otherwise `ENVCRYPT_KEK`, otherwise the KEKs of the rule for the place, otherwise
/// those of the user's settings. A rule of `.envcrypt.yaml` comes with the repository, and someone
/// who can write it could name their own KEK. So a KEK that only such a rule names needs a grant
/// for sealing in that namespace, or the person must accept it now.
pub fn choose(
    session: &Session,
    flags: &[KekName],
    place: &Place,
    path: Option<&Path>,
    chooser: &Chooser<'_>,
) -> Result<Vec<KekUri>, Failure> {
    if !flags.is_empty() {
        let keks = session.keks(flags, MakeLocal::Yes)?;
        chooser.tell_outside(&keks, session.rule(&place.namespace, path)?.as_deref());
        return Ok(keks);
    }
    let environment = kek_variable()?;
    if !environment.is_empty() {
        return session.keks(&environment, MakeLocal::No);
    }
    if let Some(rule) = session.rule(&place.namespace, path)? {
        let keks = session.keks(&rule.keks, MakeLocal::No)?;
        for kek in keks.iter().filter(|_| !rule.is_own) {
            chooser.accept_rule(&rule.file, kek, place)?;
        }
        return Ok(keks);
    }
    let configured = &session.settings()?.keks;
    if configured.is_empty() {
        return Err(Failure::Access(AccessError::NoKek));
    }
    session.keks(configured, MakeLocal::No)
}

/// The KEKs that environment, rules and settings name for a Secret in this place. Those of a
/// repository's rules count only if they may be sealed to. Never prompts.
pub fn named_for(
    session: &Session,
    place: &Place,
    path: Option<&Path>,
    policy: &Policy,
) -> Result<Vec<KekUri>, Failure> {
    let mut named = session.keks(&kek_variable()?, MakeLocal::No)?;
    if let Some(rule) = session.rule(&place.namespace, path)? {
        for kek in session.named_by(&rule) {
            let may = policy.may_seal(&kek, place, is_own(session, &kek)?);
            if rule.is_own || may == Verdict::Yes {
                named.push(kek);
            }
        }
    }
    named.extend(session.keks(&session.settings()?.keks, MakeLocal::No)?);
    Ok(named)
}

/// Decides which KEKs may be sealed to, and remembers the person's answers in this run.
pub struct Chooser<'a> {
    session: &'a Session,
    consents: &'a Consents,
    /// KEKs outside of rules that were reported.
    told: RefCell<BTreeSet<KekUri>>,
    /// Whether it may prompt: if nothing is sealed, there is nothing to consent to.
    asks: bool,
}

impl<'a> Chooser<'a> {
    pub fn new(session: &'a Session, consents: &'a Consents) -> Self {
        Self { session, consents, told: RefCell::default(), asks: true }
    }

    /// For a dry run.
    pub fn silent(self) -> Self {
        Self { asks: false, ..self }
    }

    /// Warns once if a KEK of the command line is not in the rule.
    pub fn tell_outside(&self, keks: &[KekUri], rule: Option<&Rule>) {
        let Some(rule) = rule.filter(|_| self.asks) else { return };
        let policy = self.consents.policy();
        let names: Vec<KekUri> = self.session.named_by(rule).collect();
        let is_named = |kek: &KekUri| {
            names.iter().any(|name| policy.trust().may_name(name, kek) || kek.may_name(name))
        };
        let outside = keks.iter().filter(|kek| !kek.is_alias() && !is_named(kek));
        for kek in outside {
            if self.told.borrow_mut().insert(kek.clone()) {
                terminal::warn(&format!(
                    "the rule in `{}` does not name `{kek}`: the Secret opens with it only if you name it",
                    rule.file.display()
                ));
            }
        }
    }

    /// Lets the person accept a KEK that only the file itself names, for this one Secret.
    pub fn accept_again(&self, kek: &KekUri, place: &Place) -> Result<(), Failure> {
        let is_own = is_own(self.session, kek)?;
        let may = self.consents.policy().may_seal(kek, place, is_own);
        if !self.asks || may == Verdict::Yes {
            return Ok(());
        }
        match self.consents.ask(&Question::SealAgain { place, kek })? {
            Answer::Yes => Ok(()),
            Answer::No | Answer::Nobody => Err(Failure::Access(AccessError::UnnamedHolder {
                place: place.to_string(),
                kek: kek.clone(),
            })),
        }
    }

    /// Lets the person accept a KEK of a repository's rule, once for each namespace.
    fn accept_rule(&self, rules: &Path, kek: &KekUri, place: &Place) -> Result<(), Failure> {
        let is_own = is_own(self.session, kek)?;
        let is_granted = {
            let policy = self.consents.policy();
            // An alias counts as the key that was sealed to under its name.
            let known = policy.trust().behind(kek).map(KekId::uri).chain([kek]);
            let may = |kek: &KekUri| policy.may_seal(kek, place, is_own) == Verdict::Yes;
            known.into_iter().any(may)
        };
        if !self.asks || is_granted {
            return Ok(());
        }
        match self.consents.ask(&Question::SealByRule { place, kek, rules })? {
            Answer::Yes => Ok(()),
            Answer::No => Err(Failure::Access(AccessError::NotAccepted(kek.clone()))),
            Answer::Nobody => Err(Failure::Access(AccessError::UntrustedRule {
                rules: rules.to_owned(),
                kek: kek.clone(),
                namespace: place.namespace.to_string(),
            })),
        }
    }
}

/// Remembers the KEKs of a sealed Secret: they may be sealed to again, and may open. In the current
/// namespace, which the person chose, the grant is for the namespace. If only a file names the
/// namespace, the grant is for this one Secret.
pub fn remember<'a>(
    session: &Session,
    policy: &mut Policy,
    place: &Place,
    keks: impl IntoIterator<Item = &'a KekUri>,
) {
    let is_chosen = session.namespace().is_ok_and(|namespace| namespace == place.namespace);
    for kek in keks {
        let in_namespace = Scope::namespace_of(place);
        let is_granted = |grant: &Grant| {
            grant.uses == Uses::Both && grant.scope == in_namespace && grant.kek == kek.id()
        };
        if policy.trust().grants().any(is_granted) {
            continue;
        }
        let scope = if is_chosen { in_namespace } else { Scope::only(place) };
        policy.trust_mut().grant_later(Uses::Both, scope, kek);
    }
}

/// Saves what was remembered.
pub fn write_down(policy: &mut Policy) {
    if let Err(error) = policy.trust_mut().flush() {
        terminal::warn(&format!("{error}; the plugin may prompt you for the same KEKs again"));
    }
}

/// Remembers the keys behind aliases. Both lists have the same order.
pub fn remember_aliases<'a>(
    policy: &mut Policy,
    names: &[KekUri],
    keys: impl IntoIterator<Item = &'a KekUri>,
) {
    for (name, key) in names.iter().zip(keys).filter(|(name, _)| name.is_alias()) {
        policy.trust_mut().note_alias(name, key);
    }
}

/// Whether it is the recipient of the person's local key. The person may share other identities
/// with people who must not read everything.
pub fn is_own(session: &Session, kek: &KekUri) -> Result<bool, Failure> {
    if !kek.is_age() {
        return Ok(false);
    }
    match local::uri(session, MakeLocal::No) {
        Ok(local) => Ok(local == *kek),
        Err(Failure::Config(error)) => Err(error.into()),
        // Without a usable local key, no KEK is the person's own.
        Err(_) => Ok(false),
    }
}

/// The scope to seal its parts with again.
pub fn scope(secret: &SealedSecret) -> Result<envelope::Scope, Failure> {
    secret
        .scope()
        .ok_or_else(|| Failure::Access(AccessError::MixedScopes(secret.meta.place.to_string())))
}
