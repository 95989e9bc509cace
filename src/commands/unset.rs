//! `unset`: removes keys from a sealed Secret.

use std::path::Path;

use clap::Args;

use crate::author::{ChangeSigningArgs, Signs};
use crate::batch::edit_values::{ChangeArgs, Changer, Delta};
use crate::batch::{self, Change};
use crate::failure::{Failure, SelectError};
use crate::select::one::OneArgs;
use crate::session::Session;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::secret::Key;

/// Remove keys from a sealed Secret.
///
/// The other values keep their bytes. The command first checks the old seal, so you need the
/// permission to decrypt. With --encrypt-only, it does not check the seal.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt unset NAME KEY… [flags]\n       kubectl envcrypt unset -f FILE KEY… [flags]",
    after_help = "Examples:
  # Remove a key from a file
  kubectl envcrypt unset -f db.yaml old-token

  # Remove two keys from a Secret in the cluster, even if they are gone already
  kubectl envcrypt unset db old-token old-user -n prod --ignore-not-found"
)]
pub struct UnsetArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Ignore keys that the Secret does not have
    #[arg(long)]
    ignore_not_found: bool,
    #[command(flatten)]
    sealing: ChangeArgs,
    #[command(flatten)]
    signing: ChangeSigningArgs,
}

pub async fn run(args: UnsetArgs, session: &Session) -> Result<(), Failure> {
    let (many, keys) = args.one.split()?;
    let gone: Vec<Key> = keys.iter().map(|key| key.parse()).collect::<Result<_, _>>()?;
    if gone.is_empty() {
        return Err(Failure::Usage("name the keys to remove".to_owned()));
    }
    let opener = args.sealing.opener(session)?;
    let work = Unsetting {
        changer: args.sealing.changer(session, &opener)?,
        delta: Delta { gone, ..Delta::default() },
        ignore_not_found: args.ignore_not_found,
        signing: args.signing,
    };
    batch::run(&many, session, &work).await
}

struct Unsetting<'a> {
    changer: Changer<'a>,
    delta: Delta,
    ignore_not_found: bool,
    signing: ChangeSigningArgs,
}

impl Change for Unsetting<'_> {
    type Secret = SealedSecret;

    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure> {
        let missing = self.delta.gone.iter().find(|key| !secret.values.contains_key(key));
        if let Some(key) = missing.filter(|_| !self.ignore_not_found) {
            let place = secret.meta.place.to_string();
            return Err(Failure::Select(SelectError::NoSuchKey { place, key: key.to_string() }));
        }
        if !self.delta.gone.iter().any(|key| secret.values.contains_key(key)) {
            return Ok(false);
        }
        let old = self.changer.look(secret, path).await?;
        self.changer.check(old, &self.delta.values, &self.delta.gone)?;
        Ok(true)
    }

    async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure> {
        Ok((self.changer.change(secret, path, &self.delta).await?, "changed"))
    }

    fn signs(&self) -> Signs {
        self.signing.signs()
    }

    fn allows_older(&self) -> bool {
        self.signing.allow_older
    }
}
