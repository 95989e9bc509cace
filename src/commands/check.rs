//! `check`: finds unencrypted Secrets, and sealed Secrets with problems. It works offline, without
//! a KMS and without a cluster.

mod ages;
mod attributes;
mod checker;
mod conflicts;
mod filter;
mod history;
mod keks;
pub mod krm;
mod look;
mod peers;
mod report;
mod since;

use std::path::PathBuf;

use clap::Args;

use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, HistoryError};
use crate::scan::{FileSet, ReportFormat};
use crate::session::Session;
use crate::terminal;
use checker::Checker;
use history::{HistoryArgs, InUse};
use peers::Peers;
use report::IgnoreArgs;
use since::Since;

/// Find unencrypted Secrets, and sealed Secrets that are damaged, misplaced or use the wrong KEK.
///
/// The command is for pre-commit and CI. It needs neither a KMS nor a cluster. In a directory, it
/// checks every file that Git tracks or does not ignore. The exit code is 1 if the command found
/// something, and 2 if it could not check a file.
#[derive(Args)]
#[command(after_help = "The command reports:
  plain-secret     a plaintext value, also in lists, in templates and between other objects
  out-of-place     a sealed value that was sealed for another place, or is outside a Secret
  wrong-form       a sealed Secret that cannot be read, or has no seal
  unknown-kek      a KEK that no rule, setting or flag names
  kek-not-allowed  a KEK that the rules of `.envcrypt.yaml` do not name for this Secret
  stale            a value that is older than the `maxAge` of its rule
  rotate-by        a value that is older than the date in `envcrypt.dev/rotate-by`, which has passed
  merge-conflict   a conflict that a merge left in a manifest with Secrets
  not-sealed       an object of SOPS or Sealed Secrets, only with --only-sealed

With --since:
  rolled-back      a sealed Secret that is older than in that commit
  seal-mismatch    a sealed Secret that was changed without a new seal

With --history:
  was-plain        a plaintext value in any commit, branch, stash or reflog
  still-in-use     with --open: such a value that a sealed Secret still has

A value gets too old by time alone. Where a change must not wait for a new value, add
--ignore stale,rotate-by.

The command does not check files that Git ignores, or manifests inside the text of another object.

Examples:
  # Check a whole repository
  kubectl envcrypt check .

  # Check the output of another program
  helm template web | kubectl envcrypt check -

  # Let the output of another program pass only if nothing is found
  helm template web | kubectl envcrypt check --filter | kubectl apply -f -

  # Skip test data, and name a KEK that is allowed
  kubectl envcrypt check --exclude 'tests/**' --kek hashivault://prod deploy/

  # In a hook: do not stop a commit because a password is old
  kubectl envcrypt check --ignore stale,rotate-by

  # In CI: refuse a pull request that brings back an older seal
  kubectl envcrypt check --since $(git merge-base origin/main HEAD)

  # Find values that stood in the clear at any time, and are still in use
  kubectl envcrypt check --history --open

  # Write a report for a code scanner
  kubectl envcrypt check -o sarif . > envcrypt.sarif")]
pub struct CheckArgs {
    /// Files and directories; - reads standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Accept this KEK too, like those of rules, environment and settings (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    #[command(flatten)]
    set: FileSet,
    /// Report objects that SOPS or Sealed Secrets encrypted, too
    #[arg(long)]
    only_sealed: bool,
    #[command(flatten)]
    ignore: IgnoreArgs,
    /// Compare with this commit: no sealed Secret may be older; its rules and signers count
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    #[command(flatten)]
    history: HistoryArgs,
    /// Copy standard input to standard output if nothing is found, and print nothing otherwise
    #[arg(long, conflicts_with_all = ["paths", "exclude", "no_ignore", "since", "history", "output"])]
    filter: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "text", help_heading = "Output")]
    output: ReportFormat,
}

/// Runs the command. A failure to check gets another exit code than a finding.
pub async fn run(args: CheckArgs, session: &Session) -> Result<(), Failure> {
    check(&args, session).await.map_err(not_checked)
}

/// Gives a failure to check its own exit code.
fn not_checked(failure: Failure) -> Failure {
    match failure {
        found @ (Failure::Found { .. } | Failure::Output(_) | Failure::Usage(_)) => found,
        other => Failure::NotCompared(Box::new(other)),
    }
}

async fn check(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let mut checker = Checker::new(session, &args.kek, &args.ignore)?;
    checker.peers = Peers::new(args.only_sealed);
    if args.filter {
        return filter::run(checker);
    }
    checker.since = args.since.as_deref().map(|rev| Since::new(rev, args, session)).transpose()?;
    checker.in_use = args.history.open.then(InUse::default);
    let files = args.set.files(&args.paths, &mut checker.failures)?;
    if files.is_empty() {
        terminal::note("there are no files to check");
    }
    checker.files(&files);
    let Checker { mut findings, mut failures, known, since, in_use, sealed, peers, .. } = checker;
    let (older, mut incomplete) = since.map(Since::findings).unwrap_or_default();
    findings.extend(older);
    if args.history.history {
        let was = history::find(args, session, in_use, &mut failures).await?;
        findings.extend(was.findings);
        incomplete.extend(was.incomplete);
    }
    args.ignore.drop_from(&mut findings);
    known.tell();
    peers.tell();
    attributes::tell(&sealed);
    findings
        .sort_by(|a, b| (&a.path, a.at.line, a.at.column).cmp(&(&b.path, b.at.line, b.at.column)));
    let text = match args.output {
        ReportFormat::Text => report::text(&findings),
        ReportFormat::Json => report::json(&findings),
        ReportFormat::Sarif => report::sarif(&findings),
    };
    terminal::stdout(text.as_bytes())?;
    if !incomplete.is_empty() && failures.is_empty() && findings.is_empty() {
        return Err(HistoryError::Incomplete(incomplete).into());
    }
    for reason in &incomplete {
        terminal::warn(&format!("the history is incomplete: {reason}"));
    }
    match (failures.len(), findings.len()) {
        (0, 0) => Ok(()),
        (0, _) => Err(report::failure(&findings, files.len())),
        // A file that could not be checked does not hide the findings in the others.
        (1, 0) => Err(failures.remove(0)),
        (failed, _) => {
            failures.iter().filter_map(Failure::report).for_each(|report| report.print());
            Err(Failure::NotLookedThrough { failed, all: files.len() })
        }
    }
}
