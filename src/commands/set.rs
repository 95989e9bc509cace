//! `set`: new values for some keys of a sealed Secret.

use std::cell::RefCell;
use std::path::Path;

use clap::Args;

use super::asking::{Ask, AskArgs};
use super::changing::{Changer, Delta};
use super::concerns::AllowArgs;
use super::local::MakeLocal;
use super::many::{self, Change};
use super::one::OneArgs;
use super::opening::Opener;
use super::sources::{SourceArgs, Values};
use super::{Failure, Session, complete, sealing};
use crate::envelope::SealedSecret;
use crate::secret::PlainSecret;
use crate::terminal;

/// Set values of a sealed Secret.
///
/// Each KEY is asked for without echo, twice, or comes from elsewhere, as with
/// `create`. The values that are not named keep their bytes. The old seal is checked
/// first, which takes the right to decrypt; with --encrypt-only it is not.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt set NAME [KEY]… [flags]\n       kubectl envcrypt set -f FILE [KEY]… [flags]",
    after_help = "Examples:
  # A new password for a Secret of the cluster
  kubectl envcrypt set db password -n prod

  # A new token that no one sees, in a file
  kubectl envcrypt set -f db.yaml --generate token"
)]
pub struct SetArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    asking: AskArgs,
    /// Leave values alone that are the same already, where they can be opened
    #[arg(long, conflicts_with = "encrypt_only")]
    idempotent: bool,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    sealing: ChangeArgs,
    #[command(flatten)]
    allow: AllowArgs,
}

/// With which KEKs a change is sealed.
#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct ChangeArgs {
    /// The KEK to seal with, in place of those that the Secret is under; repeatable
    #[arg(long, value_name = "KEK", add = complete::keks())]
    kek: Vec<String>,
    /// Ask no KEK to open anything; whether the Secret was whole is then not known
    #[arg(long)]
    encrypt_only: bool,
}

impl ChangeArgs {
    /// What opens.
    pub fn opener<'a>(&self, session: &'a Session) -> Result<Opener<'a>, Failure> {
        Opener::to_change(session, &self.kek, &[])
    }

    /// What makes the change.
    pub fn changer<'a>(
        &self,
        session: &'a Session,
        opener: &'a Opener<'a>,
    ) -> Result<Changer<'a>, Failure> {
        let keks = sealing::uris(session, &self.kek, MakeLocal::No)?;
        Ok(Changer::new(session, opener, keks, !self.encrypt_only))
    }
}

/// Runs it.
pub async fn run(args: SetArgs, session: &Session) -> Result<(), Failure> {
    let (many, keys) = args.one.split()?;
    let from_stdin = many.files.filename.iter().any(|path| path == Path::new("-"));
    let values = args.sources.collect(usize::from(from_stdin))?;
    let asks = args.asking.keys(keys, &values)?;
    if asks.is_empty() && values.is_empty() {
        return Err(Failure::Usage("name the keys to set".to_owned()));
    }
    if let Some(ask) = asks.first().filter(|_| !session.prompt().is_available()) {
        return Err(ask.nobody());
    }
    let opener = args.sealing.opener(session)?;
    let work = Work {
        changer: args.sealing.changer(session, &opener)?,
        session,
        args: &args,
        asked: RefCell::new(Some((asks, values))),
        delta: RefCell::default(),
    };
    many::run(&many, session, &work).await
}

struct Work<'a> {
    changer: Changer<'a>,
    session: &'a Session,
    args: &'a SetArgs,
    /// What is still to be asked, and what need not be.
    asked: RefCell<Option<(Vec<Ask>, Values)>>,
    delta: RefCell<Delta>,
}

impl Work<'_> {
    /// Asks for the values, once. A key that is new may be a slip.
    fn ask(&self, secret: &SealedSecret) -> Result<(), Failure> {
        let Some((asks, mut values)) = self.asked.take() else { return Ok(()) };
        for ask in asks {
            self.args.asking.ask(ask, &**self.session.prompt(), &mut values)?;
        }
        let values = values.into_inner();
        for key in values.keys().filter(|key| !secret.values.contains_key(key)) {
            terminal::note(&format!("`{key}` is new in `{}`", secret.meta.place));
        }
        self.args.allow.warn(&values, None);
        self.delta.borrow_mut().values = values;
        Ok(())
    }

    /// Takes out what is the same already.
    fn keep_same(&self, old: &PlainSecret) {
        self.delta.borrow_mut().values.retain(|key, value| !old.holds(key, value));
    }
}

impl Change for Work<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let old = self.changer.look(secret, path).await?;
        // A KMS that refuses does so before a password was typed.
        if self.asked.borrow().as_ref().is_some_and(|(asks, _)| !asks.is_empty()) {
            self.changer.prepare(secret, path).await?;
        }
        self.ask(secret)?;
        if let Some(old) = old.as_ref().filter(|_| self.args.idempotent) {
            self.keep_same(old);
        }
        let delta = self.delta.borrow();
        self.changer.check(old, &delta)?;
        Ok(!delta.values.is_empty())
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let delta = self.delta.take();
        let new = self.changer.change(secret, path, &delta).await;
        self.delta.replace(delta);
        Ok((new?, "changed"))
    }
}
