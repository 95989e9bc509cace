//! `rewrap`: puts data keys under other KEKs.

use std::cell::{Cell, RefCell};
use std::path::Path;

use clap::Args;

use crate::access::holders::Holders;
use crate::access::opener::Opener;
use crate::author::Signs;
use crate::batch::{self, Change};
use crate::candidates;
use crate::config::KekName;
use crate::failure::{AccessError, Failure};
use crate::select::many::ManyArgs;
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_core::envelope::{Holder, Rewrap, RewrapMethod, SealedSecret};
use envcrypt_core::kek::{KekId, KekUri};

/// Change the KEKs of sealed Secrets without changing their values.
///
/// The command changes files in place, or Secrets in the cluster. Ciphertexts and the seal stay
/// the same, byte for byte. If the KMS can rewrap on its own side, it does, and no data key
/// reaches this machine: AWS KMS from key to key, Vault to the newest version of a key (in the
/// scope cluster). Otherwise the data key is unwrapped on this machine. The values are decrypted
/// once to verify that they belong to this Secret, then discarded.
///
/// Without --kek, --add, --remove and --renew, the KEKs are those that `create` would use: from
/// ENVCRYPT_KEK, .envcrypt.yaml or your configuration. If a KEK already has the data key, its
/// wrapped copy stays as it is, unless you give --renew.
///
/// To lock someone out, this is not enough: they may have kept the data key. Use `rotate`, then
/// change the values too.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt rewrap -f FILE [flags]\n       kubectl envcrypt rewrap NAME… | -l SELECTOR | -A [flags]",
    after_help = "Examples:
  # Put all files of a directory under the KEKs that .envcrypt.yaml names
  kubectl envcrypt rewrap -R -f deploy/

  # Add a KEK to the Secrets of a namespace that have the label app
  kubectl envcrypt rewrap -n prod -l app --add awskms:///alias/break-glass

  # Remove a KEK from a Secret in the cluster
  kubectl envcrypt rewrap db -n prod --remove hashivault://dev

  # Move all Secrets of the cluster to the latest version of their keys
  kubectl envcrypt rewrap -A --renew"
)]
pub struct RewrapArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// Replace all KEKs with this KEK (can be repeated)
    #[arg(long, value_name = "KEK", conflicts_with_all = ["add", "remove"], help_heading = "KEKs", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Add this KEK (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    add: Vec<KekName>,
    /// Remove this KEK (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    remove: Vec<KekName>,
    /// Also rewrap for KEKs that already have the data key, to move it to their latest key version
    #[arg(long, help_heading = "KEKs")]
    renew: bool,
    /// Use only this KEK to unwrap the data keys, for this run (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    open_with: Vec<KekName>,
}

pub async fn run(args: RewrapArgs, session: &Session) -> Result<(), Failure> {
    let make = args.many.make_local();
    let set = session.keks(&args.kek, make)?;
    let add = session.keks(&args.add, make)?;
    let opener = Opener::to_reseal(session, &args.open_with)?;
    let targets = Holders::new(session, &opener);
    let mut remove = Vec::new();
    for kek in session.keks(&args.remove, MakeLocal::No)? {
        remove.push(targets.resolve(&kek).await?.id());
    }
    let work = Rewrapping {
        opener: &opener,
        targets,
        set,
        add,
        not_found: RefCell::new(remove.clone()),
        remove,
        renew: args.renew,
        took_off: Cell::new(false),
    };
    let result = batch::run(&args.many, session, &work).await;
    work.tell();
    result
}

struct Rewrapping<'a> {
    opener: &'a Opener<'a>,
    targets: Holders<'a>,
    set: Vec<KekUri>,
    add: Vec<KekUri>,
    remove: Vec<KekId>,
    renew: bool,
    /// KEKs to remove that no Secret was sealed under.
    not_found: RefCell<Vec<KekId>>,
    /// Whether a KEK was removed.
    took_off: Cell<bool>,
}

impl Rewrapping<'_> {
    /// The KEKs that the Secret will have.
    async fn wanted(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Holder>, Failure> {
        if !self.set.is_empty() {
            return Ok(self.targets.named(&self.set).await);
        }
        if self.add.is_empty() && self.remove.is_empty() && !self.renew {
            return self.targets.chosen(secret, path).await;
        }
        let added = self.targets.named(&self.add).await;
        let is_added = |target: &Holder| added.iter().any(|a| a.kek.id() == target.kek.id());
        let held = secret.keys();
        self.not_found.borrow_mut().retain(|kek| !held.contains(kek));
        let (taken_off, stays): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|kek| self.remove.contains(kek));
        let mut wanted: Vec<Holder> =
            stays.into_iter().map(|kek| Holder { kek: kek.into(), named: true }).collect();
        wanted.retain(|target| !is_added(target));
        wanted.extend(added.iter().cloned());
        if wanted.is_empty() {
            return Err(Failure::Access(AccessError::NoKekLeft(secret.meta.place.to_string())));
        }
        // If a KEK gets a new wrapped copy, or others are removed, it matters who named it.
        let is_given = |target: &Holder| {
            self.renew || !taken_off.is_empty() || !secret.names(&target.kek.id())
        };
        let is_in_question = |target: &&mut Holder| !is_added(target) && is_given(target);
        let given: Vec<_> = wanted.iter_mut().filter(is_in_question).collect();
        self.targets.find_named(secret, path, given).await?;
        Ok(wanted)
    }

    /// Prints warnings and notes at the end.
    fn tell(&self) {
        self.opener.write_down();
        for kek in &*self.not_found.borrow() {
            terminal::warn(&format!("no Secret was sealed under `{kek}`"));
        }
        if self.took_off.get() {
            terminal::note(
                "everyone who could open the Secrets before may have kept the data keys and the values: run `kubectl envcrypt rotate` to create new data keys, then change the values",
            );
        }
    }
}

impl Change for Rewrapping<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let wanted = self.wanted(secret, path).await?;
        if !self.renew && secret.is_under(&wanted) {
            return Ok(false);
        }
        self.opener.admit(secret, path).await?;
        Ok(true)
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let targets = self.wanted(&secret, path).await?;
        let wanted = Rewrap { targets: &targets, renew: self.renew };
        let (new, way) = self.opener.rewrap(&secret, path, &wanted).await?;
        let (held, keys) = (secret.keys(), new.keys());
        self.opener.remember(
            &new.meta.place,
            keys.iter().filter(|kek| !held.contains(kek)).map(KekId::uri),
        );
        self.took_off.set(self.took_off.get() || held.iter().any(|k| !keys.contains(k)));
        let how = match way {
            RewrapMethod::LeftOut => "rewrapped: a KEK was removed",
            RewrapMethod::InKms => "rewrapped in the KMS",
            RewrapMethod::Here => "rewrapped on this machine",
        };
        Ok((new, how))
    }

    /// A signature is not over the KEKs, and stays.
    fn signs(&self) -> Signs {
        Signs::Never
    }
}
