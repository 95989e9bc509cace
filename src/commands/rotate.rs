//! `rotate`: new DEKs for the same values.

use std::path::Path;

use clap::Args;
use jiff::Timestamp;

use super::many::{self, Change, ManyArgs};
use super::opening::{OpenArgs, Opener};
use super::sealing::now;
use super::{Failure, Session};
use crate::envelope::{Scope, SealedSecret, Sealer};
use crate::kek::DataKey;

/// Seal the values of sealed Secrets anew, under new data keys.
///
/// In files, which are changed in place, or in the cluster. The values are
/// opened on this machine; KEKs, places, scope, labels and annotations stay.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt rotate -f FILE [flags]\n       kubectl envcrypt rotate NAME… | -l SELECTOR | -A [flags]",
    after_help = "Examples:
  # All files of a repository
  kubectl envcrypt rotate -R -f deploy/

  # What was sealed before this year, in the whole cluster
  kubectl envcrypt rotate -A --before 2026-01-01T00:00:00Z"
)]
pub struct RotateArgs {
    #[command(flatten)]
    many: ManyArgs,
    /// Only what was sealed before this time, as RFC 3339 writes it
    #[arg(long, value_name = "TIME")]
    before: Option<Timestamp>,
    #[command(flatten)]
    open: OpenArgs,
}

/// Runs it.
pub async fn run(args: RotateArgs, session: &Session) -> Result<(), Failure> {
    let before = args.before.map(|time| u64::try_from(time.as_second()).unwrap_or(0));
    let opener = Opener::new(session, &args.open)?;
    many::run(&args.many, session, &Work { session, opener, before, started: now() }).await
}

struct Work<'a> {
    session: &'a Session,
    opener: Opener<'a>,
    /// In seconds since 1970.
    before: Option<u64>,
    started: u64,
}

impl Change for Work<'_> {
    async fn admit(&self, secret: &SealedSecret, _: Option<&Path>) -> Result<bool, Failure> {
        let is_old = |before| secret.parts().any(|(_, jwe)| jwe.sealed_at < before);
        if !self.before.is_none_or(is_old) {
            return Ok(false);
        }
        scope(secret)?;
        // A file's own word is not enough to give a KEK the values anew.
        for kek in secret.keys() {
            self.opener.accept_held(&secret.meta.place, &kek)?;
        }
        self.opener.admit(secret).await?;
        Ok(true)
    }

    async fn change(
        &self,
        secret: &SealedSecret,
        _: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        let plain = self.opener.open(secret).await?;
        let (key, place) = (DataKey::generate(), secret.meta.place.clone());
        let (ring, keks) = (self.session.ring()?, secret.keys());
        let sealer = Sealer::prepare(ring, &keks, key, place, scope(secret)?).await?;
        Ok((sealer.seal(plain, now())?, "rotated"))
    }

    fn go_on(&self) -> String {
        let started = i64::try_from(self.started).unwrap_or(i64::MAX);
        let started = Timestamp::from_second(started).unwrap_or(Timestamp::MAX);
        if self.before.is_some() {
            return "the same command goes on where this one stopped".to_owned();
        }
        format!("with `--before {started}` the same command goes on where this one stopped")
    }
}

/// The scope of all its parts.
fn scope(secret: &SealedSecret) -> Result<Scope, Failure> {
    let mut scopes = secret.parts().filter_map(|(_, jwe)| jwe.binding.scope());
    let first = scopes.next().unwrap_or_default();
    match scopes.all(|scope| scope == first) {
        true => Ok(first),
        false => Err(Failure::MixedScopes(secret.meta.place.to_string())),
    }
}
