//! `rotate`: seals the same values under new data keys.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;

use crate::access::choice;
use crate::access::holders::Holders;
use crate::access::opener::Opener;
use crate::author::{ChangeSigningArgs, Signs};
use crate::batch::{self, Change};
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::select::many::ManyArgs;
use crate::session::Session;
use envcrypt_core::envelope::{Holder, SealedSecret, Sealer, is_too_late, now};
use envcrypt_core::kek::{DataKey, KekUri};

/// Seal the same values again under new data keys.
///
/// The command changes files in place, or Secrets in the cluster. It opens the values on this
/// machine. KEKs, names, scope, labels and annotations stay the same. So does the age of the
/// values.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt rotate -f FILE [flags]\n       kubectl envcrypt rotate NAME… | -l SELECTOR | -A [flags]",
    after_help = "Examples:
  # Rotate all files of a directory
  kubectl envcrypt rotate -R -f deploy/

  # Rotate all Secrets of the cluster that were sealed before this year
  kubectl envcrypt rotate -A --before 2026-01-01

  # Print what would change, and change nothing
  kubectl envcrypt rotate -n prod -l team=payments --dry-run"
)]
pub struct RotateArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// Rotate only Secrets that were sealed before this time: 2026-01-01, 2026-01-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = time)]
    before: Option<Timestamp>,
    /// Seal to this KEK instead of the KEKs of the Secret (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Use only this KEK to open the Secret, for this run (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "KEKs", add = candidates::keks())]
    open_with: Vec<KekName>,
    #[command(flatten)]
    signing: ChangeSigningArgs,
}

pub async fn run(args: RotateArgs, session: &Session) -> Result<(), Failure> {
    let set = session.keks(&args.kek, args.many.make_local())?;
    let opener = Opener::to_reseal(session, &args.open_with)?.with_own_key();
    let work = Rotation {
        session,
        opener: &opener,
        targets: Holders::new(session, &opener),
        set,
        before: args.before.map(|time| u64::try_from(time.as_second()).unwrap_or(0)),
        started: now(),
        signing: args.signing,
    };
    let result = batch::run(&args.many, session, &work).await;
    opener.write_down();
    result
}

struct Rotation<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    targets: Holders<'a>,
    set: Vec<KekUri>,
    /// In seconds since 1970.
    before: Option<u64>,
    started: u64,
    signing: ChangeSigningArgs,
}

impl Rotation<'_> {
    /// The KEKs to seal to.
    async fn wanted(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Vec<Holder>, Failure> {
        match self.set.is_empty() {
            true => self.targets.held(secret, path).await,
            false => Ok(self.targets.named(&self.set).await),
        }
    }
}

impl Change for Rotation<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let started = self.started;
        // A time in the far future says nothing: someone may have written it.
        let is_old = |before| {
            let is_old = |at| at < before || is_too_late(at, started);
            secret.parts().any(|(_, jwe)| is_old(jwe.sealed_at))
        };
        if !self.before.is_none_or(is_old) {
            return Ok(false);
        }
        choice::scope(secret)?;
        self.opener.admit(secret, path).await?;
        self.wanted(secret, path).await?;
        Ok(true)
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let ring = self.session.ring()?;
        let plain = self.opener.open(&secret, path).await?;
        let mut keks = Vec::new();
        for target in self.wanted(&secret, path).await? {
            if !target.named {
                secret.check_held(ring, &target.kek).await?;
            }
            keks.push(target.kek);
        }
        let (key, place) = (DataKey::generate(), secret.meta.place.clone());
        let sealer =
            Sealer::prepare(ring, &keks, key, place.clone(), choice::scope(&secret)?).await?;
        if !self.set.is_empty() {
            self.opener.remember(&place, sealer.keks());
        }
        Ok((sealer.seal_again(plain, &secret, now())?, "rotated"))
    }

    fn go_on(&self) -> String {
        let started = i64::try_from(self.started).unwrap_or(i64::MAX);
        let started = Timestamp::from_second(started).unwrap_or(Timestamp::MAX);
        if self.before.is_some() {
            return "run the same command again to continue".to_owned();
        }
        format!("run the same command again with `--before {started}` to continue")
    }

    fn signs(&self) -> Signs {
        self.signing.signs()
    }

    fn allows_older(&self) -> bool {
        self.signing.allow_older
    }
}

/// RFC 3339, or a date in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let time = text.parse().or_else(|_| format!("{text}T00:00:00Z").parse());
    time.map_err(|_| "write it as 2026-01-01 or 2026-01-01T08:00:00Z".to_owned())
}
