//! `git`: lets Git show and merge sealed Secrets.

mod install;
mod merge;
mod resolve;
mod textconv;
mod uninstall;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::session::Session;

/// Let Git show and merge sealed Secrets.
///
/// `git diff` then shows which value changed, without ciphertext. `git merge` merges key by key:
/// it checks the seals of both sides and makes a new one. What both sides changed stays a
/// conflict, and `resolve` asks you for it.
#[derive(Args)]
#[command(after_help = "Examples:
  # Set up this repository, for the sealed files that are in it
  kubectl envcrypt git install

  # Decide the conflicts of a file after `git merge`, `git rebase` or `git cherry-pick`
  kubectl envcrypt git resolve db.yaml

  # Show the plaintext changes of a file, once
  git -c diff.envcrypt.textconv='kubectl-envcrypt git textconv --values --' diff db.yaml")]
pub struct GitArgs {
    #[command(subcommand)]
    command: GitCommand,
}

#[derive(Subcommand)]
enum GitCommand {
    Install(install::InstallArgs),
    Uninstall(uninstall::UninstallArgs),
    Textconv(textconv::TextconvArgs),
    Merge(merge::MergeArgs),
    Resolve(resolve::ResolveArgs),
}

pub async fn run(args: GitArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        GitCommand::Install(args) => install::run(&args),
        GitCommand::Uninstall(args) => uninstall::run(&args),
        GitCommand::Textconv(args) => textconv::run(&args, session).await,
        GitCommand::Merge(args) => merge::run(args, session).await,
        GitCommand::Resolve(args) => resolve::run(args, session).await,
    }
}
