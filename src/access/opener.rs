//! Opens sealed Secrets, with the rules and the flags of this run.

use std::cell::RefCell;
use std::path::Path;

use clap::Args;
use futures::future::try_join_all;

use super::choice;
use super::consent::Terminal;
use crate::author::{Signing, Signs};
use crate::candidates;
use crate::config::KekName;
use crate::failure::{AccessError, Failure};
use crate::select::files::Sealed;
use crate::session::local::MakeLocal;
use crate::session::{Environment, Session};
use crate::signers;
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
    /// Open the Secret even if it does not have the signatures that its rule asks for
    #[arg(long)]
    pub insecure_skip_signature: bool,
}

impl OpenArgs {
    /// Whether the seal must match.
    pub fn seal(&self) -> SealCheck {
        if self.insecure_skip_seal { SealCheck::Skipped } else { SealCheck::Required }
    }

    /// Whether signatures count. They are over the seal.
    pub fn asks_signatures(&self) -> bool {
        !self.insecure_skip_seal && !self.insecure_skip_signature
    }
}

/// Opens Secrets, one by one or many at once.
pub struct Opener<'a> {
    session: &'a Session,
    inner: access::Opener,
    /// Whether a Secret must have the signatures that its rule asks for.
    asks_signatures: bool,
    /// The key of the person, where their own signature is enough to open.
    own: Option<Signing<'a>>,
    /// Secrets that a person accepted without the signatures.
    accepted: RefCell<Vec<SealedSecret>>,
    unsigned: Unsigned,
}

/// What becomes of labels and annotations that the signers of a Secret did not sign.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unsigned {
    /// They stay: nothing is made of them.
    Stay,
    /// They are an error. Otherwise someone could, for example, have the plain Secret copied.
    Refused,
    Dropped,
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

    /// For a command that signs: the Secret does not have the signatures yet that its rule asks for.
    pub fn to_sign(session: &'a Session, open_with: &[KekName]) -> Result<Self, Failure> {
        let policy = session.policy(open_with, Environment::Only)?;
        let opener = Self::with(session, &OpenArgs::default(), policy)?;
        Ok(Self { asks_signatures: false, ..opener })
    }

    /// For a command that changes Secrets and signs them. A person can change again what they signed
    /// themselves, before others have signed it.
    pub fn with_own_key(self) -> Self {
        Self { own: Some(Signing::new(self.session, Signs::ByRule)), ..self }
    }

    /// Opens this Secret in this run although it does not have the signatures.
    pub fn accept(&self, secret: &SealedSecret) {
        self.accepted.borrow_mut().push(secret.clone());
    }

    /// For a command that makes plain Secrets. Labels and annotations that nobody signed are dropped
    /// or refused.
    pub fn for_plain(self, drops_unsigned: bool) -> Self {
        let unsigned = if drops_unsigned { Unsigned::Dropped } else { Unsigned::Refused };
        Self { unsigned, ..self }
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
        let (unsigned, accepted) = (Unsigned::Stay, RefCell::default());
        Ok(Self { session, inner, asks_signatures: false, own: None, accepted, unsigned })
    }

    fn with(session: &'a Session, args: &OpenArgs, policy: Policy) -> Result<Self, Failure> {
        if args.insecure_skip_seal {
            terminal::warn(
                "seals are not checked: the plugin cannot detect a value that someone added, removed or restored",
            );
        }
        if args.insecure_skip_signature {
            terminal::warn("signatures are not checked: anyone may have made the Secret");
        }
        let inner =
            access::Opener::new(session.ring()?.clone(), consents(session, policy), args.seal());
        let asks_signatures = args.asks_signatures();
        let (unsigned, accepted) = (Unsigned::Stay, RefCell::default());
        Ok(Self { session, inner, asks_signatures, own: None, accepted, unsigned })
    }

    /// Checks offline that the Secret has the signatures that its rule asks for.
    pub fn check_signed(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<(), Failure> {
        self.unsigned(secret, path).map(drop)
    }

    /// The labels and annotations that a plain Secret must not get.
    fn unsigned(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<Vec<String>, Failure> {
        if !self.asks_signatures || self.accepted.borrow().contains(secret) {
            return Ok(Vec::new());
        }
        let demand = signers::demand(self.session, &secret.meta.place, path)?;
        let Some(demand) = demand else { return Ok(Vec::new()) };
        let signed = match secret.check_signatures(&demand) {
            Ok(signed) => signed,
            Err(_) if self.own.as_ref().is_some_and(|own| own.knows(secret, &demand)) => {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error.into()),
        };
        match self.unsigned {
            Unsigned::Refused if !signed.uncovered.is_empty() => {
                let place = secret.meta.place.to_string();
                Err(Failure::Access(AccessError::UnsignedLabels { place, names: signed.uncovered }))
            }
            Unsigned::Stay => Ok(Vec::new()),
            Unsigned::Refused | Unsigned::Dropped => {
                Ok([signed.uncovered, signed.of_tools].concat())
            }
        }
    }

    /// Checks that this machine may open every part of the Secret. On a terminal, prompts the
    /// person for a new KEK. Lets no KMS open anything.
    pub async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<(), Failure> {
        self.check_signed(secret, path)?;
        let rule = self.rule(&secret.meta.place, path)?;
        Ok(self.inner.admit(secret, rule.as_ref()).await?)
    }

    /// Opens the whole Secret, if it is admitted.
    pub async fn open(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<PlainSecret, Failure> {
        let unsigned = self.unsigned(secret, path)?;
        let rule = self.rule(&secret.meta.place, path)?;
        let mut plain = self.inner.open(secret, rule.as_ref()).await?;
        plain.meta.labels.retain(|name, _| !unsigned.contains(name));
        plain.meta.annotations.retain(|name, _| !unsigned.contains(name));
        Ok(plain)
    }

    /// Opens a live Secret to compare it with a file, whoever made it: nothing is made of it.
    pub async fn open_live(&self, secret: &SealedSecret) -> Result<PlainSecret, Failure> {
        let rule = self.rule(&secret.meta.place, None)?;
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
        self.check_signed(secret, path)?;
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
        let rule = self.session.rule(&place.namespace, path)?;
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
