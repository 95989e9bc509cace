//! `check`: finds unencrypted Secrets, and sealed Secrets with problems. It works offline, without
//! a KMS and without a cluster.

mod history;
mod keks;
mod report;
mod since;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, HistoryError};
use crate::scan::{self, FileSet};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::SealCheck;
use envcrypt_core::manifest::{
    self, FileKind, Found, FoundSecret, Object, Position, RESOURCE_KIND,
};
use history::{HistoryArgs, InUse};
use keks::Known;
use report::Finding;
use since::Since;

const UNREADABLE: &str = "this Secret cannot be read";
const UNREADABLE_RESOURCE: &str =
    "this EnvcryptSecret cannot be read: check its `apiVersion` and its fields";

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

With --since:
  rolled-back      a sealed Secret that is older than in that commit
  seal-mismatch    a sealed Secret that was changed without a new seal

With --history:
  was-plain        a plaintext value in any commit, branch, stash or reflog
  still-in-use     with --open: such a value that a sealed Secret still has

It does not check files that Git ignores, or manifests inside the text of another object.

Examples:
  # Check a whole repository
  kubectl envcrypt check .

  # Check the output of another program
  helm template web | kubectl envcrypt check -

  # Skip test data, and name a KEK that is allowed
  kubectl envcrypt check --exclude 'tests/**' --kek hashivault://prod deploy/

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
    /// Compare with this commit: no sealed Secret may be older than there
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    #[command(flatten)]
    history: HistoryArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value = "text", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// One line per finding: path:line:column: message
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanners
    Sarif,
}

/// Runs the command. A failure to check gets another exit code than a finding.
pub async fn run(args: CheckArgs, session: &Session) -> Result<(), Failure> {
    check(&args, session).await.map_err(|failure| match failure {
        found @ (Failure::Found { .. } | Failure::Output(_) | Failure::Usage(_)) => found,
        other => Failure::NotCompared(Box::new(other)),
    })
}

async fn check(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let mut checker = Checker {
        session,
        known: Known::new(session, &args.kek)?,
        since: args.since.as_deref().map(|rev| Since::new(rev, args, session)).transpose()?,
        in_use: args.history.open.then(InUse::default),
        findings: Vec::new(),
        failures: Vec::new(),
    };
    let files = args.set.files(&args.paths, &mut checker.failures)?;
    if files.is_empty() {
        terminal::note("there are no files to check");
    }
    for path in &files {
        checker.file(path);
    }
    let Checker { mut findings, mut failures, known, since, in_use, .. } = checker;
    findings.extend(since.into_iter().flat_map(Since::findings));
    let mut incomplete = Vec::new();
    if args.history.history {
        let was = history::find(args, session, in_use, &mut failures).await?;
        findings.extend(was.findings);
        incomplete = was.incomplete;
    }
    known.tell();
    findings
        .sort_by(|a, b| (&a.path, a.at.line, a.at.column).cmp(&(&b.path, b.at.line, b.at.column)));
    let text = match args.output {
        Output::Text => report::text(&findings),
        Output::Json => report::json(&findings),
        Output::Sarif => report::sarif(&findings),
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
        (0, found) => {
            let in_the_clear = findings.iter().any(|finding| finding.id == "plain-secret");
            Err(Failure::Found { found, files: files.len(), in_the_clear })
        }
        // A file that could not be checked does not hide the findings in the others.
        (1, 0) => Err(failures.remove(0)),
        (failed, _) => {
            failures.iter().filter_map(Failure::report).for_each(|report| report.print());
            Err(Failure::NotLookedThrough { failed, all: files.len() })
        }
    }
}

struct Checker<'a> {
    session: &'a Session,
    known: Known<'a>,
    since: Option<Since>,
    /// The sealed Secrets, if their values are compared later.
    in_use: Option<InUse>,
    findings: Vec<Finding>,
    failures: Vec<Failure>,
}

impl Checker<'_> {
    fn file(&mut self, path: &Path) {
        // Standard input is expected to be a manifest.
        let kind = match path == Path::new("-") {
            true => FileKind::Manifest,
            false => scan::kind(path),
        };
        let bytes = match scan::read(path, kind) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(failure) => return self.failures.push(failure),
        };
        if !manifest::may_mention(&bytes) {
            return;
        }
        for found in scan::secrets(&scan::text(&bytes), kind) {
            match found {
                Found::Sealed(at) => {
                    self.add(path, at, "out-of-place", "a sealed value is outside a Secret");
                }
                Found::Unreadable(at) => self.add(path, at, "wrong-form", UNREADABLE),
                Found::Secret(secret) => self.secret(path, *secret),
            }
        }
    }

    fn secret(&mut self, path: &Path, secret: FoundSecret) {
        let (is_sealed, at) = (secret.is_sealed, secret.at);
        let literal = secret.literals.first().cloned();
        let others = secret.literals.len().saturating_sub(1);
        // If a template sets the name, there is no object, and no more to report.
        let has_object = secret.object.is_some();
        let kind = secret.object.as_ref().and_then(|object| object.get("kind"));
        let unreadable = match kind.is_some_and(|kind| *kind == RESOURCE_KIND) {
            true => UNREADABLE_RESOURCE,
            false => UNREADABLE,
        };
        let object = secret.into_object();
        if let Some((key, at)) = literal {
            let name = object.as_ref().map_or_else(String::new, |o| format!(" `{}`", o.title()));
            let form = if is_sealed { "sealed Secret" } else { "Secret" };
            let mut text = format!("the {form}{name} has a plaintext value");
            if let Some(key) = key {
                text += &format!(": `{}`", key.escape_default());
                if others > 0 {
                    text += &format!(" and {others} more");
                }
            }
            return self.add(path, at, "plain-secret", &text);
        }
        match object {
            Some(object) if is_sealed => self.sealed(path, at, &object),
            None if is_sealed && has_object => self.add(path, at, "wrong-form", unreadable),
            _ => {}
        }
    }

    fn sealed(&mut self, path: &Path, at: Position, object: &Object) {
        let namespace = scan::namespace(object, self.session);
        let secret = match object.sealed(&namespace, SealCheck::Required) {
            Ok(secret) => secret,
            Err(error) => return self.add(path, at, "wrong-form", &error.to_string()),
        };
        if let Err(error) = secret.check_place(SealCheck::Required) {
            let id = if secret.seal.is_none() { "wrong-form" } else { "out-of-place" };
            self.add(path, at, id, &error.to_string());
        }
        if let Some(since) = &mut self.since {
            since.note(path, at, &secret);
        }
        match self.known.check(&secret, path) {
            Ok(wrong) => wrong.into_iter().for_each(|(id, text)| self.add(path, at, id, &text)),
            // If the rules cannot be read, no KEK is allowed.
            Err(failure) => {
                let text = failure.to_string();
                if !self.findings.iter().any(|finding| finding.text == text) {
                    self.add(path, at, "kek-not-allowed", &text);
                }
            }
        }
        if let Some(in_use) = &mut self.in_use {
            in_use.note(path, at, secret);
        }
    }

    fn add(&mut self, path: &Path, at: Position, id: &'static str, text: &str) {
        let (path, text) = (path.to_owned(), text.to_owned());
        self.findings.push(Finding { path, at, id, text, details: serde_json::Value::Null });
    }
}
