//! `set`: sets values of some keys of a sealed Secret.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;

use crate::author::{ChangeSigningArgs, Signs};
use crate::batch::edit_values::{ChangeArgs, Changer, SealedValues};
use crate::batch::{self, Change};
use crate::failure::Failure;
use crate::peers;
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
/// The command prompts twice for each KEY, without echo, or uses the same sources as `create`.
/// Values that you do not name keep their bytes. The command first checks the old seal, so you
/// need the permission to decrypt. With --encrypt-only, it does not check the seal.
///
/// A value that is the same as before is sealed again, and is as old as before. With --encrypt-only,
/// the command cannot compare, so every value counts as new.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt set NAME [KEY]… [flags]\n       kubectl envcrypt set -f FILE [KEY]… [flags]",
    after_help = "Examples:
  # Prompt for a new password for a Secret in the cluster
  kubectl envcrypt set db password -n prod

  # Generate a new token that nobody sees, in a file
  kubectl envcrypt set -f db.yaml --generate token

  # Read a value from a file, without the permission to decrypt
  kubectl envcrypt set db -n prod --from-file ca.crt --encrypt-only"
)]
pub struct SetArgs {
    #[command(flatten)]
    one: OneArgs,
    #[command(flatten)]
    asking: AskArgs,
    /// Keep values that are the same already
    #[arg(long, conflicts_with = "encrypt_only")]
    idempotent: bool,
    #[command(flatten)]
    sources: SourceArgs,
    #[command(flatten)]
    sealing: ChangeArgs,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    signing: ChangeSigningArgs,
}

pub async fn run(args: SetArgs, session: &Session) -> Result<(), Failure> {
    let (many, keys) = args.one.split()?;
    let from_stdin = many.files.filename.iter().any(|path| path == Path::new("-"));
    let opened = peers::open_sources(session, &args.sources).await?;
    let values = args.sources.collect(usize::from(from_stdin), opened)?;
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
        told: RefCell::default(),
    };
    batch::run(&many, session, &work).await
}

struct Setting<'a> {
    changer: Changer<'a>,
    session: &'a Session,
    args: &'a SetArgs,
    /// The prompts, and the values that need no prompt.
    asked: RefCell<Option<(Vec<Ask>, Values)>>,
    /// The new values, until they are sealed.
    values: RefCell<BTreeMap<Key, SecretValue>>,
    /// The new values, sealed.
    sealed: RefCell<Option<SealedValues>>,
    /// The sealed parts that have the wanted value already. With `--idempotent`, they stay as they
    /// are; otherwise, the value is sealed again and stays as old as it is.
    same: RefCell<BTreeMap<Key, Jwe>>,
    /// The keys of which the person knows already that they keep their value.
    told: RefCell<BTreeSet<Key>>,
}

impl Setting<'_> {
    /// Prompts for the values, once. It reports new keys, which may be typing mistakes.
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

    /// Finds the values that are the same already.
    fn note_same(&self, secret: &SealedSecret, old: &PlainSecret) {
        let values = self.values.borrow();
        let is_same =
            |(key, _): &(&Key, &Jwe)| values.get(key).is_some_and(|value| old.holds(key, value));
        let same = secret.values.iter().filter(is_same);
        let same: BTreeMap<_, _> = same.map(|(key, jwe)| (key.clone(), jwe.clone())).collect();
        if !self.args.idempotent {
            let mut told = self.told.borrow_mut();
            // A Secret in the cluster is read a second time before it is changed.
            for key in same.keys().filter(|key| told.insert((*key).clone())) {
                terminal::note(&format!("`{key}` keeps its value, so it is as old as before"));
            }
        }
        self.same.replace(same);
    }

    /// Whether the value must be written. It must not, if the sealed part is still the one that was
    /// found to have this value.
    fn is_wanted(&self, secret: &SealedSecret, key: &Key) -> bool {
        let same = self.same.borrow();
        let same = same.get(key).filter(|_| self.args.idempotent);
        same.is_none_or(|jwe| secret.values.get(key) != Some(jwe))
    }
}

impl Change for Setting<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let old = self.changer.look(secret, path).await?;
        // If the KMS refuses, it refuses before anyone types a password.
        if self.asked.borrow().as_ref().is_some_and(|(asks, _)| !asks.is_empty()) {
            self.changer.prepare(secret, path).await?;
        }
        self.ask(secret)?;
        if self.sealed.borrow().is_none() {
            if let Some(old) = &old {
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
            // The plaintext is dropped here, before anything is written.
            let values = self.values.take();
            let born = |(key, jwe): (&Key, &Jwe)| (key.clone(), jwe.born());
            let born = self.same.borrow().iter().map(born).collect();
            let sealed = self.changer.seal(&secret, path, &values, &born).await?;
            self.sealed.replace(Some(sealed));
        }
        let sealed = self.sealed.borrow();
        let sealed = sealed.as_ref().expect("sealed above");
        let wanted: BTreeSet<Key> =
            sealed.keys().filter(|key| self.is_wanted(&secret, key)).cloned().collect();
        let new = self.changer.put_sealed(secret, sealed, |key| wanted.contains(key))?;
        Ok((new, "changed"))
    }

    fn signs(&self) -> Signs {
        self.args.signing.signs()
    }

    fn allows_older(&self) -> bool {
        self.args.signing.allow_older
    }
}
