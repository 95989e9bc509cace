//! `signers revoke`: ends that someone may sign.

use clap::Args;

use super::place::FileArgs;
use crate::failure::{Failure, SignersError};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::signature::{Revocation, revoke, time};

/// Revoke the keys of a person.
///
/// What the person signed until then stays valid. A stolen key is different: the thief can sign
/// with any date. Use --stolen, then sign everything again.
#[derive(Args)]
#[command(after_help = "Examples:
  # Alice left: what she signed until now stays valid
  kubectl envcrypt signers revoke alice@example.com

  # One key of Alice was stolen: nothing that it signed is valid any more
  kubectl envcrypt signers revoke alice@example.com --key SHA256:2b6… --stolen")]
pub struct RevokeArgs {
    /// Name of the person, as in the list
    principal: String,
    /// Fingerprint of one key, as `signers list` shows it; by default all keys of the person
    #[arg(long, value_name = "FINGERPRINT")]
    key: Option<String>,
    /// Last moment that counts, for example 20261231Z or 20261231235959Z; by default now
    #[arg(long, value_name = "DATE", conflicts_with = "stolen")]
    at: Option<String>,
    /// Remove the keys, because someone else may have them
    #[arg(long)]
    stolen: bool,
    #[command(flatten)]
    file: FileArgs,
}

pub fn run(args: &RevokeArgs, session: &Session) -> Result<(), Failure> {
    let revocation = match (&args.at, args.stolen) {
        (_, true) => Revocation::Stolen,
        (None, false) => Revocation::At(now()),
        (Some(text), false) => Revocation::At(time(text).ok_or_else(|| {
            Failure::Usage(format!(
                "`{text}` is not a date, for example `20261231` or `202612311800Z`"
            ))
        })?),
    };
    let list = args.file.list(session)?;
    let text = list.read()?.ok_or_else(|| SignersError::Missing(list.path.clone()))?;
    let (name, print) = (&args.principal, args.key.as_deref());
    let known =
        envcrypt_core::signature::Signers::parse(&text).map_err(|error| list.form(error))?;
    let is_known = known.list().iter().any(|signer| {
        signer.principal == *name && print.is_none_or(|print| signer.key.fingerprint() == print)
    });
    if !is_known {
        return Err(SignersError::NoSuchKey {
            path: list.path,
            principal: name.clone(),
            fingerprint: args.key.clone(),
        }
        .into());
    }
    let edited = revoke(&text, name, print, revocation, now()).map_err(|error| list.form(error))?;
    if edited.lines == 0 {
        terminal::note(&format!("these keys of {name} were revoked already"));
        return Ok(());
    }
    list.write(session, Some(&text), &edited)?;
    let count = edited.lines;
    let noun = if count == 1 { "key" } else { "keys" };
    let done = if args.stolen { "removed" } else { "revoked" };
    terminal::stdout(format!("{}: {done} {count} {noun} of {name}\n", list.shown()).as_bytes())?;
    if args.stolen {
        terminal::note(
            "Secrets that only this key signed need a new signature: check them, then run `kubectl envcrypt sign -R -f .`",
        );
    }
    Ok(())
}
