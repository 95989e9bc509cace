//! Opens sealed Secrets, with the rules and the flags of this run.

use std::path::Path;

use clap::Args;
use futures::future::try_join_all;

use super::choice;
use super::consent::Terminal;
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::select::files::Sealed;
use crate::session::local::MakeLocal;
use crate::session::{Environment, Session};
use crate::terminal;
use envcrypt_core::access::{self, Consents, Policy, Rule, Scope, Uses};
use envcrypt_core::envelope::{Rewrap, RewrapMethod, SealCheck, SealedSecret};
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::{Place, PlainSecret};

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
    inner: access::Opener,
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

    /// For a command that only compares values, also single ones without their Secret. So it does
    /// not check seals.
    pub fn to_compare(session: &'a Session) -> Result<Self, Failure> {
        let policy = session.policy(&[], Environment::Only)?;
        let consents = consents(session, policy);
        let inner = access::Opener::new(session.ring()?.clone(), consents, SealCheck::Skipped);
        Ok(Self { session, inner })
    }

    fn with(session: &'a Session, args: &OpenArgs, policy: Policy) -> Result<Self, Failure> {
        if args.insecure_skip_seal {
            terminal::warn(
                "seals are not checked: the plugin cannot detect a value that someone added, removed or restored",
            );
        }
        let inner =
            access::Opener::new(session.ring()?.clone(), consents(session, policy), args.seal());
        Ok(Self { session, inner })
    }

    /// Checks that this machine may open every part of the Secret. On a terminal, prompts the
    /// person for a new KEK. Lets no KMS open anything.
    pub async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<(), Failure> {
        let rule = self.rule(&secret.meta.place, path)?;
        Ok(self.inner.admit(secret, rule.as_ref()).await?)
    }

    /// Opens the whole Secret, if it is admitted.
    pub async fn open(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<PlainSecret, Failure> {
        let rule = self.rule(&secret.meta.place, path)?;
        Ok(self.inner.open(secret, rule.as_ref()).await?)
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
        let rule = self.rule(&secret.meta.place, path)?;
        Ok(self.inner.rewrap(secret, rule.as_ref(), wanted).await?)
    }

    /// Whether the Secret may be opened now, without a prompt.
    pub fn can_open(&self, secret: &SealedSecret) -> bool {
        let rule = self.rule(&secret.meta.place, None);
        rule.is_ok_and(|rule| self.inner.can_open(secret, rule.as_ref()))
    }

    /// Whether this KEK may open the Secret now.
    pub fn may_open(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        kek: &KekUri,
    ) -> Result<bool, Failure> {
        let place = &secret.meta.place;
        let rule = self.rule(place, path)?;
        Ok(self.inner.may_open(kek, place, rule.as_ref()))
    }

    /// The consents of this machine and this run.
    pub fn consents(&self) -> &Consents {
        self.inner.consents()
    }

    /// The KEKs that something other than the Secret names for this place.
    pub fn named_for(&self, place: &Place, path: Option<&Path>) -> Result<Vec<KekUri>, Failure> {
        choice::named_for(self.session, place, path, &self.consents().policy())
    }

    /// Saves what was remembered.
    pub fn write_down(&self) {
        choice::write_down(&mut self.consents().policy_mut());
    }

    /// Remembers the KEKs of a sealed Secret.
    pub fn remember<'k>(&self, place: &Place, keks: impl IntoIterator<Item = &'k KekUri>) {
        choice::remember(self.session, &mut self.consents().policy_mut(), place, keks);
    }

    fn rule(&self, place: &Place, path: Option<&Path>) -> Result<Option<Rule>, Failure> {
        let rule = self.session.rule(&place.namespace, path.filter(is_file))?;
        Ok(rule.map(|rule| Rule {
            keks: self.session.named_by(&rule).collect(),
            is_own: rule.is_own,
            file: rule.file.as_path().into(),
        }))
    }
}

/// A policy, and the terminal that can extend it.
pub fn consents(session: &Session, policy: Policy) -> Consents {
    Consents::new(policy, Box::new(Terminal(session.prompt().clone())))
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
