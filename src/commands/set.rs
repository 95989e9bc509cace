//! `set`: new values for some keys of a sealed Secret.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;

use crate::batch::edit_values::{ChangeArgs, Changer, SealedValues};
use crate::batch::{self, Change};
use crate::failure::Failure;
use crate::select::one::OneArgs;
use crate::session::Session;
use crate::terminal;
use crate::values::allow::AllowArgs;
use crate::values::ask::{Ask, AskArgs};
use crate::values::sources::{SourceArgs, Values};
use envcrypt_core::envelope::{Jwe, SealedSecret};
use envcrypt_core::secret::{Key, PlainSecret, SecretValue};

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
    let work = Setting {
        changer: args.sealing.changer(session, &opener)?,
        session,
        args: &args,
        asked: RefCell::new(Some((asks, values))),
        values: RefCell::default(),
        sealed: RefCell::default(),
        same: RefCell::default(),
    };
    batch::run(&many, session, &work).await
}

struct Setting<'a> {
    changer: Changer<'a>,
    session: &'a Session,
    args: &'a SetArgs,
    /// What is still to be asked, and what need not be.
    asked: RefCell<Option<(Vec<Ask>, Values)>>,
    /// The new values, until they are sealed.
    values: RefCell<BTreeMap<Key, SecretValue>>,
    /// What became of them.
    sealed: RefCell<Option<SealedValues>>,
    /// The sealed parts that hold the wanted value already: they stay as they are.
    same: RefCell<BTreeMap<Key, Jwe>>,
}

impl Setting<'_> {
    /// Asks for the values, once. A key that is new may be a slip.
    fn ask(&self, secret: &SealedSecret) -> Result<(), Failure> {
        let Some((asks, mut values)) = self.asked.take() else { return Ok(()) };
        let prompt = &**self.session.prompt();
        if !asks.is_empty() {
            AskArgs::introduce(prompt, &secret.meta.place);
        }
        for ask in asks {
            self.args.asking.ask(ask, prompt, &mut values)?;
        }
        let values = values.into_inner();
        for key in values.keys().filter(|key| !secret.values.contains_key(key)) {
            terminal::note(&format!("`{key}` is new in `{}`", secret.meta.place));
        }
        self.args.allow.warn(&values, None);
        self.values.replace(values);
        Ok(())
    }

    /// Notes which values are the same already.
    fn note_same(&self, secret: &SealedSecret, old: &PlainSecret) {
        let values = self.values.borrow();
        let is_same =
            |(key, _): &(&Key, &Jwe)| values.get(key).is_some_and(|value| old.holds(key, value));
        let same = secret.values.iter().filter(is_same);
        self.same.replace(same.map(|(key, jwe)| (key.clone(), jwe.clone())).collect());
    }

    /// Whether a value has to be put there: not where the very part stands that was
    /// found to hold it.
    fn is_wanted(&self, secret: &SealedSecret, key: &Key) -> bool {
        let same = self.same.borrow();
        same.get(key).is_none_or(|jwe| secret.values.get(key) != Some(jwe))
    }
}

impl Change for Setting<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let old = self.changer.look(secret, path).await?;
        // A KMS that refuses does so before a password was typed.
        if self.asked.borrow().as_ref().is_some_and(|(asks, _)| !asks.is_empty()) {
            self.changer.prepare(secret, path).await?;
        }
        self.ask(secret)?;
        if self.sealed.borrow().is_none() {
            if let Some(old) = old.as_ref().filter(|_| self.args.idempotent) {
                self.note_same(secret, old);
            }
            self.changer.check(old, &self.values.borrow(), &[])?;
        }
        let (values, sealed) = (self.values.borrow(), self.sealed.borrow());
        let mut keys = values.keys().chain(sealed.iter().flat_map(SealedValues::keys));
        Ok(keys.any(|key| self.is_wanted(secret, key)))
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        if self.sealed.borrow().is_none() {
            // The plaintext goes here, before anything is written.
            let values = self.values.take();
            let sealed = self.changer.seal(&secret, path, &values).await?;
            self.sealed.replace(Some(sealed));
        }
        let sealed = self.sealed.borrow();
        let sealed = sealed.as_ref().expect("sealed above");
        let wanted: BTreeSet<Key> =
            sealed.keys().filter(|key| self.is_wanted(&secret, key)).cloned().collect();
        let new = self.changer.put_sealed(secret, sealed, |key| wanted.contains(key))?;
        Ok((new, "changed"))
    }
}
