//! `rewrap`: other KEKs for the same DEKs.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use clap::Args;

use super::local::MakeLocal;
use super::many::{self, Change, ManyArgs};
use super::opening::{OpenArgs, Opener};
use super::{Failure, Session, complete, sealing};
use crate::envelope::{Rewrap, SealedSecret, Way};
use crate::kek::KekUri;
use crate::terminal;

/// Change the KEKs of sealed Secrets; values stay as they are.
///
/// In files, which are changed in place, or in the cluster. Where the KMS can
/// (AWS KMS from key to key; Vault to the newest version of a key, for the scope
/// cluster), it does so on its own side, and no data key reaches this machine;
/// else the data key is opened here, never a value. Ciphertexts and the seal stay, byte for byte.
///
/// Without --kek, --add and --remove, the KEKs are those that `create` would
/// take: of ENVCRYPT_KEK, .envcrypt.yaml or your configuration. A KEK that
/// holds the data key already keeps what it has, unless --renew is given.
///
/// Whoever could open a Secret before may have kept its data key: where someone
/// is to be shut out, `rotate`, and change the values themselves.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt rewrap -f FILE [flags]\n       kubectl envcrypt rewrap NAME… | -l SELECTOR | -A [flags]",
    after_help = "Examples:
  # All files of a repository, to the KEKs that .envcrypt.yaml names
  kubectl envcrypt rewrap -R -f deploy/

  # One more KEK for all Secrets of a namespace
  kubectl envcrypt rewrap -n prod -l app --add awskms:///alias/break-glass"
)]
pub struct RewrapArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// The new set of KEKs; repeatable
    #[arg(long, value_name = "KEK", conflicts_with_all = ["add", "remove"], help_heading = "KEKs", add = complete::keks())]
    kek: Vec<String>,
    /// One more KEK; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = complete::keks())]
    add: Vec<String>,
    /// One less; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = complete::keks())]
    remove: Vec<String>,
    /// Wrap anew also under KEKs that hold the data key already, for the newest version of their keys
    #[arg(long, help_heading = "KEKs")]
    renew: bool,
    /// A KEK that may be asked to open the data keys this once; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = complete::keks())]
    open_with: Vec<String>,
}

/// Runs it.
pub async fn run(args: RewrapArgs, session: &Session) -> Result<(), Failure> {
    let open = OpenArgs { kek: args.open_with.clone(), ..OpenArgs::default() };
    let uris = |names: &[String], make| {
        names.iter().map(|name| sealing::uri(session, name, make)).collect::<Result<Vec<_>, _>>()
    };
    let work = Work {
        session,
        set: uris(&args.kek, MakeLocal::Yes)?,
        add: uris(&args.add, MakeLocal::Yes)?,
        remove: uris(&args.remove, MakeLocal::No)?,
        renew: args.renew,
        opener: Opener::new(session, &open)?,
        resolved: RefCell::default(),
        sealed_to: RefCell::default(),
        took_off: Cell::new(false),
    };
    let result = many::run(&args.many, session, &work).await;
    work.opener.remember(&*work.sealed_to.borrow());
    if work.took_off.get() {
        terminal::note(
            "whoever could open them before may have kept the data keys: `kubectl envcrypt rotate` makes new ones, and only other values shut them out of what they have read",
        );
    }
    result
}

struct Work<'a> {
    session: &'a Session,
    set: Vec<KekUri>,
    add: Vec<KekUri>,
    remove: Vec<KekUri>,
    renew: bool,
    opener: Opener<'a>,
    /// The keys behind aliases, each asked for once.
    resolved: RefCell<BTreeMap<KekUri, KekUri>>,
    sealed_to: RefCell<BTreeSet<KekUri>>,
    /// Whether a KEK was taken off.
    took_off: Cell<bool>,
}

impl Work<'_> {
    /// The KEKs that are to open it from now on.
    async fn targets(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<KekUri>, Failure> {
        if !self.set.is_empty() {
            return self.lasting(&self.set).await;
        }
        if self.add.is_empty() && self.remove.is_empty() && !self.renew {
            let namespace = &secret.meta.place.namespace;
            let chosen =
                self.opener.choose(namespace, path.filter(|path| *path != Path::new("-")))?;
            return self.lasting(&chosen).await;
        }
        let mut targets = secret.keys();
        let removed = self.lasting(&self.remove).await?;
        targets.retain(|kek| !removed.iter().any(|removed| removed.key() == *kek));
        for kek in &targets {
            // What the file names is not wrapped for only because it does.
            if self.renew || !secret.is_held_by(kek) {
                self.opener.accept_held(&secret.meta.place, kek)?;
            }
        }
        for added in self.lasting(&self.add).await? {
            if !targets.contains(&added.key()) {
                targets.push(added);
            }
        }
        match targets.is_empty() {
            true => Err(Failure::NoKekLeft(secret.meta.place.to_string())),
            false => Ok(targets),
        }
    }

    /// The keys behind aliases. Where the KMS does not tell, the alias itself.
    async fn lasting(&self, keks: &[KekUri]) -> Result<Vec<KekUri>, Failure> {
        let ring = self.session.ring()?;
        let mut lasting = Vec::with_capacity(keks.len());
        for kek in keks {
            let known = self.resolved.borrow().get(kek).cloned();
            let key = match known {
                Some(key) => key,
                None => ring.resolve(kek).await.unwrap_or_else(|_| kek.clone()),
            };
            self.resolved.borrow_mut().insert(kek.clone(), key.clone());
            lasting.push(key);
        }
        Ok(lasting)
    }
}

impl Change for Work<'_> {
    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let targets = self.targets(secret, path).await?;
        if !self.renew && secret.is_under(&targets) {
            return Ok(false);
        }
        self.opener.admit(secret).await?;
        Ok(true)
    }

    async fn change(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let targets = self.targets(secret, path).await?;
        let wanted = Rewrap { targets: &targets, renew: self.renew };
        let (new, way) = self.opener.rewrap(secret, &wanted).await?;
        let keys = new.keys();
        self.took_off.set(self.took_off.get() || secret.keys().iter().any(|k| !keys.contains(k)));
        self.sealed_to.borrow_mut().extend(keys);
        let how = match way {
            Way::LeftOut => "rewrapped: a KEK was taken off",
            Way::InKms => "rewrapped in the KMS",
            Way::Here => "rewrapped on this machine",
        };
        Ok((new, how))
    }

    fn go_on(&self) -> String {
        "the same command goes on where this one stopped".to_owned()
    }
}
