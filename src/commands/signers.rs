//! `signers`: the list of those who may sign Secrets.

mod add;
mod keys;
mod list;
mod place;
mod revoke;
mod sign;
mod trust;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::session::Session;

/// Manage the list of people who may sign Secrets.
///
/// The list is a file `allowed_signers` of OpenSSH. A rule of `.envcrypt.yaml` names it with
/// `signers: FILE`. Secrets of that rule then need a signature by someone on the list. This machine
/// remembers the list. It refuses a changed list until the old signers sign it or you accept it.
#[derive(Args)]
#[command(after_help = "Examples:
  # Add the SSH keys that Alice has on GitHub
  curl https://github.com/alice.keys | kubectl envcrypt signers add alice@example.com -

  # Show who may sign
  kubectl envcrypt signers list

  # Alice left: what she signed until now stays valid
  kubectl envcrypt signers revoke alice@example.com")]
pub struct SignersArgs {
    #[command(subcommand)]
    command: SignersCommand,
}

#[derive(Subcommand)]
enum SignersCommand {
    Add(add::AddArgs),
    List(list::ListArgs),
    Revoke(revoke::RevokeArgs),
    Sign(sign::SignArgs),
    Trust(trust::TrustArgs),
}

pub async fn run(args: SignersArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        SignersCommand::Add(args) => add::run(&args, session),
        SignersCommand::List(args) => list::run(&args, session),
        SignersCommand::Revoke(args) => revoke::run(&args, session),
        SignersCommand::Sign(args) => sign::run(&args, session).await,
        SignersCommand::Trust(args) => trust::run(&args, session),
    }
}
