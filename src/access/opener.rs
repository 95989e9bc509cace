//! Opens sealed Secrets: first checks whether their KEKs may be used, then uses them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use futures::future::try_join_all;

use crate::access::choice;
use crate::candidates;
use crate::config::{KekName, Rule};
use crate::failure::{AccessError, Failure};
use crate::select::files::Sealed;
use crate::session::Environment;
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::access::{MayUse, Policy, Ruled, Scope, Uses, Verdict};
use envcrypt_core::envelope::{Rewrap, RewrapMethod, SealCheck, SealedSecret};
use envcrypt_core::kek::{Action, KekError, KekId, KekUri, Refusal, Ring, WrappedKey};
use envcrypt_core::secret::{Namespace, Place, PlainSecret};

#[derive(Args, Default)]
#[command(next_help_heading = "Opening")]
pub struct OpenArgs {
    /// Use only this KEK to open the Secret, for this run (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    pub kek: Vec<KekName>,
    /// Open the Secret even if its seal is missing or does not match
    #[arg(long)]
    pub insecure_skip_seal: bool,
}

impl OpenArgs {
    /// Whether the seal must match.
    pub fn seal(&self) -> SealCheck {
        if self.insecure_skip_seal { SealCheck::Skipped } else { SealCheck::Required }
    }
}

/// Opens Secrets, one by one or many at once.
pub struct Opener<'a> {
    session: &'a Session,
    ring: Arc<Ring>,
    policy: RefCell<Policy>,
    seal: SealCheck,
    /// The KEKs that the person declined, by namespace.
    declined: RefCell<BTreeSet<(Namespace, KekId)>>,
    /// The aliases that were looked up in the KMS: once per run, with any result.
    looked_up: RefCell<BTreeSet<KekUri>>,
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

impl<'a> Opener<'a> {
    pub fn new(session: &'a Session, args: &OpenArgs) -> Result<Self, Failure> {
        Self::with(session, args, session.policy(&args.kek, Environment::Only)?)
    }

    /// For a command that seals again. There, the environment names the KEKs to seal to, and the
    /// old ones must still open.
    pub fn to_reseal(session: &'a Session, open_with: &[KekName]) -> Result<Self, Failure> {
        let policy = session.policy(open_with, Environment::Beside)?.past_rules();
        Self::with(session, &OpenArgs::default(), policy)
    }

    /// For a command that seals some values again: the KEKs that it seals with may also open.
    pub fn to_change(
        session: &'a Session,
        kek: &[KekName],
        open_with: &[KekName],
    ) -> Result<Self, Failure> {
        let mut policy = session.policy(open_with, Environment::Only)?;
        for kek in session.keks(kek, MakeLocal::No)? {
            policy.allow(Uses::Open, Scope::everywhere(), &kek);
        }
        Self::with(session, &OpenArgs::default(), policy)
    }

    fn with(session: &'a Session, args: &OpenArgs, policy: Policy) -> Result<Self, Failure> {
        if args.insecure_skip_seal {
            terminal::warn(
                "seals are not checked: the plugin cannot detect a value that someone added, removed or restored",
            );
        }
        Ok(Self {
            session,
            ring: session.ring()?.clone(),
            policy: RefCell::new(policy),
            seal: args.seal(),
            declined: RefCell::default(),
            looked_up: RefCell::default(),
        })
    }

    /// Checks that this machine may open every part of the Secret. On a terminal, prompts the
    /// person for a new KEK. Lets no KMS open anything.
    pub async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<(), Failure> {
        self.admitted(secret, path).await.map(drop)
    }

    async fn admitted(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Admitted, Failure> {
        secret.check_place(self.seal)?;
        check_built_in(secret)?;
        let place = &secret.meta.place;
        let rule = self.session.rule(&place.namespace, path.filter(is_file))?;
        let mut ruled = self.ruled(rule.as_deref());
        if !self.covers(secret, ruled.as_ref()) {
            self.look_up_aliases(rule.as_deref()).await;
            ruled = self.ruled(rule.as_deref());
        }
        if !self.covers(secret, ruled.as_ref()) {
            self.ask(secret, ruled.as_ref())?;
        }
        if !self.covers(secret, ruled.as_ref()) {
            return Err(self.refused(secret, rule.as_deref(), ruled.as_ref()));
        }
        let policy = self.policy.borrow();
        let may_differ =
            self.seal == SealCheck::Skipped || policy.may_differ(secret, ruled.as_ref());
        if !may_differ && !secret.is_under_the_same_keks() {
            return Err(Failure::Access(AccessError::DifferentKeks(place.to_string())));
        }
        let opens = |kek: &&KekUri| is_yes(policy.may_open(kek, place, ruled.as_ref()));
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
    ) -> Result<(), Failure> {
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
        Err(Failure::Access(AccessError::DifferentKeks(secret.meta.place.to_string())))
    }

    /// Opens the whole Secret, if it is admitted.
    pub async fn open(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<PlainSecret, Failure> {
        let admitted = self.admitted(secret, path).await?;
        let deks = secret.deks(&self.ring, |kek| admitted.allows(kek), self.seal).await?;
        if !deks.are_of_one_kek() {
            self.check_one_kek(secret, &admitted).await?;
        }
        Ok(secret.open(&deks, self.seal)?)
    }

    /// Opens all of them. Each is admitted before the first one is opened.
    pub async fn open_all(&self, secrets: &[Sealed]) -> Result<Vec<PlainSecret>, Failure> {
        for found in secrets {
            self.admit(&found.secret, found.path()).await?;
        }
        try_join_all(secrets.iter().map(|found| self.open(&found.secret, found.path()))).await
    }

    /// Wraps its data keys under other KEKs, if it is admitted.
    pub async fn rewrap(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        wanted: &Rewrap<'_>,
    ) -> Result<(SealedSecret, RewrapMethod), Failure> {
        let admitted = self.admitted(secret, path).await?;
        self.check_one_kek(secret, &admitted).await?;
        Ok(secret.rewrap(&self.ring, |kek| admitted.allows(kek), wanted).await?)
    }

    /// Whether the Secret may be opened now, without a prompt.
    pub fn can_open(&self, secret: &SealedSecret) -> bool {
        let rule = self.session.rule(&secret.meta.place.namespace, None);
        rule.is_ok_and(|rule| self.covers(secret, self.ruled(rule.as_deref()).as_ref()))
    }

    /// Whether this KEK may open the Secret now.
    pub fn may_open(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        kek: &KekUri,
    ) -> Result<bool, Failure> {
        let place = &secret.meta.place;
        let rule = self.session.rule(&place.namespace, path.filter(is_file))?;
        let ruled = self.ruled(rule.as_deref());
        Ok(kek.is_built_in() && is_yes(self.policy.borrow().may_open(kek, place, ruled.as_ref())))
    }

    /// The consents of this machine and this run.
    pub fn policy(&self) -> &RefCell<Policy> {
        &self.policy
    }

    /// The KEKs that something other than the Secret names for this place.
    pub fn named_for(&self, place: &Place, path: Option<&Path>) -> Result<Vec<KekUri>, Failure> {
        choice::named_for(self.session, place, path, &self.policy.borrow())
    }

    /// Saves what was remembered.
    pub fn write_down(&self) {
        choice::write_down(&mut self.policy.borrow_mut());
    }

    /// Remembers the KEKs of a sealed Secret.
    pub fn remember<'k>(&self, place: &Place, keks: impl IntoIterator<Item = &'k KekUri>) {
        choice::remember(self.session, &mut self.policy.borrow_mut(), place, keks);
    }

    /// Whether every part has a KEK that may be used.
    fn covers(&self, secret: &SealedSecret, ruled: Option<&Ruled>) -> bool {
        let (policy, place) = (self.policy.borrow(), &secret.meta.place);
        let opens = |wrapped: &WrappedKey| {
            wrapped.kek.is_built_in() && is_yes(policy.may_open(&wrapped.kek, place, ruled))
        };
        secret.parts().all(|(_, jwe)| jwe.recipients.iter().any(opens))
    }

    /// The KEKs of a rule, as far as they are known without a KMS.
    fn ruled(&self, rule: Option<&Rule>) -> Option<Ruled> {
        let rule = rule?;
        let policy = self.policy.borrow();
        let mut keks = BTreeSet::new();
        for kek in self.session.named_by(rule) {
            keks.extend(policy.trust().behind(&kek).cloned());
            keks.insert(kek.id());
        }
        Some(Ruled { keks, is_own: rule.is_own })
    }

    /// Prompts the person for each unknown KEK, until the Secret can be opened.
    fn ask(&self, secret: &SealedSecret, ruled: Option<&Ruled>) -> Result<(), Failure> {
        let (prompt, place) = (self.session.prompt(), &secret.meta.place);
        let keks = secret.keks().into_iter().filter(|kek| kek.is_built_in());
        for kek in keks.filter(|_| prompt.is_available()) {
            let answered = (place.namespace.clone(), kek.id());
            if self.policy.borrow().may_open(kek, place, ruled) != Verdict::New
                || self.declined.borrow().contains(&answered)
            {
                continue;
            }
            let question = format!(
                "the Secret `{place}` is sealed under {}, which this machine has not used in `{}`; use this KEK to open the Secrets of that namespace",
                choice::shown(&self.policy.borrow(), kek),
                place.namespace
            );
            if prompt.confirm(&question)? {
                let scope = Scope::namespace_of(place);
                self.policy.borrow_mut().trust_mut().grant(Uses::Open, scope, kek)?;
            } else {
                self.declined.borrow_mut().insert(answered);
            }
            if self.covers(secret, ruled) {
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
    ) -> Failure {
        let place = &secret.meta.place;
        let verdicts: Vec<Verdict> = secret
            .keks()
            .into_iter()
            .map(|kek| self.policy.borrow().may_open(kek, place, ruled))
            .collect();
        let names = || {
            let names = secret.keks().into_iter().map(|kek| format!("`{kek}`"));
            names.collect::<Vec<_>>().join(", ")
        };
        match rule {
            _ if verdicts.contains(&Verdict::NotNamed) => {
                Failure::Access(AccessError::NotNamed { place: place.to_string(), keks: names() })
            }
            Some(rule) if !verdicts.contains(&Verdict::New) => {
                Failure::Access(AccessError::NotInRule {
                    place: place.to_string(),
                    rules: rule.file.clone(),
                    keks: names(),
                })
            }
            _ => secret.untrusted().into(),
        }
    }

    /// Looks up the keys behind aliases. If a lookup fails, the later refusal names the KEK.
    async fn look_up_aliases(&self, rule: Option<&Rule>) {
        let mut aliases: Vec<KekUri> = {
            let policy = self.policy.borrow();
            let named = match policy.may_use() {
                MayUse::Only(named) => named.iter().map(|kek| kek.uri().clone()).collect(),
                MayUse::Granted => policy.grants().map(|grant| grant.kek.uri().clone()).collect(),
            };
            // For a rule of a repository, only aliases of the person's own account are looked up:
            // otherwise the KMS of another account would learn who asks.
            let names = rule.map_or(&[][..], |rule| &rule.keks);
            let ruled = names.iter().filter_map(|name| match name {
                KekName::Uri(uri) => Some(uri.clone()),
                KekName::Local => None,
            });
            let ruled =
                ruled.filter(|kek: &KekUri| rule.is_some_and(|rule| rule.is_own) || kek.is_bare());
            Vec::into_iter(named).chain(ruled).filter(KekUri::is_alias).collect()
        };
        aliases.retain(|alias| self.looked_up.borrow_mut().insert(alias.clone()));
        for alias in aliases {
            let Ok(key) = self.ring.resolve(&alias).await else { continue };
            let mut policy = self.policy.borrow_mut();
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
}

/// Whether a rule can match this path. Standard input has no path, and neither has `/dev/stdin` or
/// a shell's `<(…)`.
pub fn is_file(path: &&Path) -> bool {
    let is_elsewhere = |path: &Path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real.starts_with("/dev") || real.starts_with("/proc")
    };
    **path != *Path::new("-")
        && !path.starts_with("/dev/fd")
        && !path.starts_with("/proc")
        && *path != Path::new("/dev/stdin")
        && !is_elsewhere(path)
}

fn is_yes(verdict: Verdict) -> bool {
    verdict == Verdict::Yes
}

fn check_built_in(secret: &SealedSecret) -> Result<(), Failure> {
    let keks = secret.keks();
    match keks.first().filter(|_| !keks.iter().any(|kek| kek.is_built_in())) {
        Some(kek) => Err(KekError::new(kek, Action::Unwrap, Refusal::Unusable)
            .detail(format!("this build does not support `{}`", kek.scheme()))
            .into()),
        None => Ok(()),
    }
}
