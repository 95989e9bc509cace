//! Opening sealed Secrets: first whether their KEKs may be asked, then asking them.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use futures::future::try_join_all;

use super::{Failure, Session, complete, sealing};
use crate::envelope::{Rewrap, SealCheck, SealedSecret, Way};
use crate::kek::{Action, KekError, KekUri, Refusal, Ring, Scheme, Trust, WrappedKey};
use crate::secret::{Namespace, PlainSecret};
use crate::terminal;

/// The flags of every command that opens.
#[derive(Args, Default)]
#[command(next_help_heading = "Opening")]
pub struct OpenArgs {
    /// A KEK that may be asked this once, and only these; repeatable
    #[arg(long, value_name = "KEK", add = complete::keks())]
    pub kek: Vec<String>,
    /// Open a Secret whose seal is missing or wrong all the same
    #[arg(long)]
    pub insecure_skip_seal: bool,
}

impl OpenArgs {
    /// Whether to insist on the seal.
    pub fn seal(&self) -> SealCheck {
        if self.insecure_skip_seal { SealCheck::Skipped } else { SealCheck::Required }
    }
}

/// Opens one Secret after another, or many at once.
pub struct Opener<'a> {
    session: &'a Session,
    ring: Arc<Ring>,
    trust: RefCell<Trust>,
    seal: SealCheck,
}

impl<'a> Opener<'a> {
    pub fn new(session: &'a Session, args: &OpenArgs) -> Result<Self, Failure> {
        Self::trusting(session, args, session.trust(&args.kek)?)
    }

    /// For a command that seals anew: there the environment names the KEKs to
    /// seal to, and those that are left behind have to be asked all the same.
    pub fn to_reseal(session: &'a Session, open_with: &[String]) -> Result<Self, Failure> {
        let trust = session.trust_beside_environment(open_with)?;
        Self::trusting(session, &OpenArgs::default(), trust)
    }

    /// For a command that seals some values anew: the KEKs to seal them with may be
    /// asked too.
    pub fn to_change(
        session: &'a Session,
        kek: &[String],
        open_with: &[String],
    ) -> Result<Self, Failure> {
        let trust = match open_with.is_empty() {
            true => session.trust_also(kek)?,
            false => session.trust(open_with)?,
        };
        Self::trusting(session, &OpenArgs::default(), trust)
    }

    fn trusting(session: &'a Session, args: &OpenArgs, trust: Trust) -> Result<Self, Failure> {
        let trust = RefCell::new(trust);
        if args.insecure_skip_seal {
            terminal::warn(
                "seals are not checked: whether a value was added, dropped or put back is then not known",
            );
        }
        Ok(Self { session, ring: session.ring()?.clone(), trust, seal: args.seal() })
    }

    /// Makes sure that this machine may ask for every DEK of it; on a terminal
    /// the person is asked about a new KEK. Asks no KMS to open anything.
    pub async fn admit(&self, secret: &SealedSecret) -> Result<(), Failure> {
        secret.check_place(self.seal)?;
        let keks = secret.keks();
        if let Some(kek) =
            keks.first().filter(|_| !keks.iter().any(|kek| kek.scheme().is_built_in()))
        {
            return Err(KekError::new(kek, Action::Unwrap, Refusal::Unusable)
                .detail(format!("this build has no `{}`", kek.scheme().as_str()))
                .into());
        }
        if self.can_ask(secret) {
            return Ok(());
        }
        self.resolve_aliases().await;
        if self.can_ask(secret) {
            return Ok(());
        }
        let prompt = self.session.prompt();
        if prompt.is_available() {
            for kek in keks.iter().filter(|kek| kek.scheme().is_built_in()) {
                let question = format!(
                    "the Secret `{}` is sealed under `{kek}`, new to this machine; ask it",
                    secret.meta.place
                );
                if prompt.confirm(&question)? {
                    self.trust.borrow_mut().accept(kek)?;
                }
                if self.can_ask(secret) {
                    return Ok(());
                }
            }
        }
        Err(secret.untrusted().into())
    }

    /// Opens it whole. [`Opener::admit`] comes first.
    pub async fn open(&self, secret: &SealedSecret) -> Result<PlainSecret, Failure> {
        let trusted = |kek: &KekUri| self.may_ask(kek);
        let deks = secret.deks(&self.ring, trusted, self.seal).await?;
        Ok(secret.open(&deks, self.seal)?)
    }

    /// Opens them all, each admitted before the first is opened.
    pub async fn open_all(&self, secrets: &[SealedSecret]) -> Result<Vec<PlainSecret>, Failure> {
        for secret in secrets {
            self.admit(secret).await?;
        }
        try_join_all(secrets.iter().map(|secret| self.open(secret))).await
    }

    /// Wraps its DEKs under other KEKs. [`Opener::admit`] comes first.
    pub async fn rewrap(
        &self,
        secret: &SealedSecret,
        wanted: &Rewrap<'_>,
    ) -> Result<(SealedSecret, Way), Failure> {
        let trusted = |kek: &KekUri| self.may_ask(kek);
        Ok(secret.rewrap(&self.ring, trusted, wanted).await?)
    }

    /// The KEKs that a new Secret there would be sealed with.
    pub fn choose(
        &self,
        namespace: &Namespace,
        path: Option<&Path>,
    ) -> Result<Vec<KekUri>, Failure> {
        sealing::choose(self.session, &[], namespace, path, &mut self.trust.borrow_mut())
    }

    /// The KEKs that something other than a Secret there names for it.
    pub fn named_for(
        &self,
        namespace: &Namespace,
        path: Option<&Path>,
    ) -> Result<Vec<KekUri>, Failure> {
        sealing::named_for(self.session, namespace, path, &self.trust.borrow())
    }

    /// Whether this machine may ask it to open.
    pub fn may_ask(&self, kek: &KekUri) -> bool {
        kek.scheme().is_built_in() && self.trust.borrow().allows(kek)
    }

    /// Remembers what was sealed to.
    pub fn remember<'k>(&self, keks: impl IntoIterator<Item = &'k KekUri>) {
        sealing::remember(&mut self.trust.borrow_mut(), keks);
    }

    /// Whether every part has a KEK that may be asked.
    pub fn can_ask(&self, secret: &SealedSecret) -> bool {
        let allowed = |wrapped: &WrappedKey| self.may_ask(&wrapped.kek);
        secret.parts().all(|(_, jwe)| jwe.recipients.iter().any(allowed))
    }

    /// A trusted alias stands for the key behind it. What cannot be resolved
    /// now is left as it is: the refusal that follows names the key.
    async fn resolve_aliases(&self) {
        let known: Vec<(KekUri, _)> =
            self.trust.borrow().iter().map(|(kek, why)| (kek.clone(), why)).collect();
        for (kek, why) in known.into_iter().filter(|(kek, _)| kek.scheme() == Scheme::Aws) {
            if let Ok(lasting) = self.ring.resolve(&kek).await {
                self.trust.borrow_mut().add(lasting, why);
            }
        }
    }
}
