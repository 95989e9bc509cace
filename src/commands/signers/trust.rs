//! `signers trust`: accepts the present list and rules.

use clap::Args;

use crate::failure::Failure;
use crate::session::{Session, rules_start};
use crate::signers::{self, Review};
use crate::terminal;

/// Accept the present rules about signatures and lists of signers of this repository.
///
/// Whoever changes the list decides who may sign. Compare the changes that the command shows with
/// what your colleagues told you. The command asks no question, so it also works without a terminal.
#[derive(Args)]
#[command(after_help = "Examples:
  # Show what changed, without accepting it
  kubectl envcrypt signers trust --dry-run

  # Accept the present list and rules
  kubectl envcrypt signers trust")]
pub struct TrustArgs {
    /// Show the changes, and accept nothing
    #[arg(long)]
    dry_run: bool,
}

pub fn run(args: &TrustArgs, session: &Session) -> Result<(), Failure> {
    let here = rules_start(None)?;
    let review = Review::of(session, &here)?;
    let mut text = review.lines.join("\n") + "\n";
    for line in signers::present(session, &here)? {
        text += &format!("may sign: {line}\n");
    }
    // Nothing is accepted that nobody could see.
    terminal::stdout(text.as_bytes())?;
    signers::warn_here(session, &here)?;
    if !args.dry_run {
        review.accept(session)?;
        terminal::stdout(b"accepted\n")?;
    }
    Ok(())
}
