//! `rewrap`: other KEKs for the same DEKs.

use std::cell::{Cell, RefCell};
use std::path::Path;

use clap::Args;

use crate::access::holders::Holders;
use crate::access::opener::Opener;
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

/// Change the KEKs of sealed Secrets; values stay as they are.
///
/// In files, which are changed in place, or in the cluster. Ciphertexts and the
/// seal stay, byte for byte. Where the KMS can (AWS KMS from key to key; Vault to
/// the newest version of a key, for the scope cluster), it does so on its own
/// side, and no data key reaches this machine. Else the data key is opened here,
/// and what is under it is decrypted and thrown away, to make sure that it
/// belongs there.
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
    #[arg(long, value_name = "KEK", conflicts_with_all = ["add", "remove"], help_heading = "KEKs", add = candidates::keks())]
    kek: Vec<KekName>,
    /// One more KEK; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    add: Vec<KekName>,
    /// One less; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    remove: Vec<KekName>,
    /// Wrap anew also under KEKs that hold the data key already, for the newest version of their keys
    #[arg(long, help_heading = "KEKs")]
    renew: bool,
    /// A KEK that may be asked to open the data keys this once, and only these; repeatable
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    open_with: Vec<KekName>,
}

/// Runs it.
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
    /// Those to remove that no Secret was under.
    not_found: RefCell<Vec<KekId>>,
    /// Whether a KEK was taken off.
    took_off: Cell<bool>,
}

impl Rewrapping<'_> {
    /// The KEKs that are to open it from now on.
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
        // Where something is wrapped for it, or left to it alone, it matters who named it.
        let is_given = |target: &Holder| {
            self.renew || !taken_off.is_empty() || !secret.names(&target.kek.id())
        };
        let is_in_question = |target: &&mut Holder| !is_added(target) && is_given(target);
        let given: Vec<_> = wanted.iter_mut().filter(is_in_question).collect();
        self.targets.find_named(secret, path, given).await?;
        Ok(wanted)
    }

    /// What is good to know when it is over.
    fn tell(&self) {
        self.opener.write_down();
        for kek in &*self.not_found.borrow() {
            terminal::warn(&format!("none of them was under `{kek}`"));
        }
        if self.took_off.get() {
            terminal::note(
                "whoever could open them before may have kept the data keys: `kubectl envcrypt rotate` makes new ones, and only other values shut them out of what they have read",
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
            RewrapMethod::LeftOut => "rewrapped: a KEK was taken off",
            RewrapMethod::InKms => "rewrapped in the KMS",
            RewrapMethod::Here => "rewrapped on this machine",
        };
        Ok((new, how))
    }
}
