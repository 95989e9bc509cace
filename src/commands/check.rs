//! `check`: finds unencrypted Secrets, and sealed Secrets with problems. It works offline, without
//! a KMS and without a cluster.

mod attributes;
mod conflicts;
mod filter;
mod keks;
pub mod krm;
mod peers;
mod report;
mod tracked;

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use globset::{Glob, GlobSet, GlobSetBuilder};
use ignore::{Walk, WalkBuilder};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::config::KekName;
use crate::failure::{Failure, SelectError};

use crate::session::Session;

use crate::candidates;
use crate::terminal;
use envcrypt_core::envelope::{Jwe, Kind, SealCheck};
use envcrypt_core::manifest::{
    self, FileKind, Found, FoundSecret, Object, Position, RESOURCE_KIND,
};
use envcrypt_core::secret::Namespace;
use keks::Known;
use peers::Peers;
use report::Finding;
use tracked::tracked;

/// The largest file that is checked, in bytes.
const MAX_SIZE: u64 = 64 << 20;
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
  merge-conflict   a conflict that a merge left in a manifest with Secrets
  not-sealed       an object of SOPS or Sealed Secrets, only with --only-sealed

It does not check files that Git ignores, or manifests inside the text of another object.

Examples:
  # Check a whole repository
  kubectl envcrypt check .

  # Check the output of another program
  helm template web | kubectl envcrypt check -

  # Let the output of another program pass only if nothing is found
  helm template web | kubectl envcrypt check --filter | kubectl apply -f -

  # Skip test data, and name a KEK that is allowed
  kubectl envcrypt check --exclude 'tests/**' --kek hashivault://prod deploy/

  # Write a report for a code scanner
  kubectl envcrypt check -o sarif . > envcrypt.sarif")]
pub struct CheckArgs {
    /// Files and directories; - reads standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Accept this KEK too, like those of rules, environment and settings (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Skip paths that match this pattern, for example tests/** (can be repeated)
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    exclude: Vec<Glob>,
    /// Report objects that SOPS or Sealed Secrets encrypted, too
    #[arg(long)]
    only_sealed: bool,
    /// Check files that Git ignores, too
    #[arg(long)]
    no_ignore: bool,
    /// Copy standard input to standard output if nothing is found, and print nothing otherwise
    #[arg(long, conflicts_with_all = ["paths", "exclude", "no_ignore", "output"])]
    filter: bool,
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
pub fn run(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let result = match args.filter {
        true => Checker::new(session, &args.kek, args.only_sealed).and_then(filter::run),
        false => check(args, session),
    };
    result.map_err(not_checked)
}

/// Gives a failure to check its own exit code.
fn not_checked(failure: Failure) -> Failure {
    match failure {
        found @ (Failure::Found { .. } | Failure::Output(_) | Failure::Usage(_)) => found,
        other => Failure::NotCompared(Box::new(other)),
    }
}

fn check(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let mut checker = Checker::new(session, &args.kek, args.only_sealed)?;
    let files = args.files(&mut checker.failures)?;
    for path in &files {
        checker.file(path);
    }
    let Checker { mut findings, mut failures, known, sealed, peers, .. } = checker;
    known.tell();
    peers.tell();
    attributes::tell(&sealed);
    findings
        .sort_by(|a, b| (&a.path, a.at.line, a.at.column).cmp(&(&b.path, b.at.line, b.at.column)));
    let text = match args.output {
        Output::Text => report::text(&findings),
        Output::Json => report::json(&findings),
        Output::Sarif => report::sarif(&findings),
    };
    terminal::stdout(text.as_bytes())?;
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

impl CheckArgs {
    /// The files in order: those that are named, and those that Git tracks or does not ignore.
    fn files(&self, failures: &mut Vec<Failure>) -> Result<Vec<PathBuf>, Failure> {
        let excluded = self.excluded();
        let mut files = BTreeSet::new();
        let mut named = Vec::new();
        for path in &self.paths {
            if path == Path::new("-") || (path.exists() && !path.is_dir()) {
                // A file that is named is always checked.
                named.push(path.clone());
                continue;
            }
            if let Err(source) = std::fs::metadata(path) {
                return Err(Failure::Select(SelectError::Read { path: path.clone(), source }));
            }
            let mut take = |found: &Path| {
                let within = found.strip_prefix(path).unwrap_or(found);
                let found = found.strip_prefix("./").unwrap_or(found);
                // Excluding a directory excludes everything in it.
                let mut all = found.ancestors().chain(within.ancestors());
                if !all.any(|part| excluded.is_match(part)) {
                    files.insert(found.to_owned());
                }
            };
            for entry in self.walk(path) {
                match entry {
                    Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                        take(entry.path());
                    }
                    Ok(_) => {}
                    Err(error) => failures.push(read_error(path, error)),
                }
            }
            let tracked = tracked(path).unwrap_or_else(|failure| {
                failures.push(failure);
                Vec::new()
            });
            for found in tracked {
                if found.symlink_metadata().is_ok_and(|found| found.is_file()) {
                    take(&found);
                }
            }
        }
        if files.is_empty() && named.is_empty() {
            terminal::note("there are no files to check");
        }
        named.retain(|path| !files.contains(path));
        named.extend(files);
        Ok(named)
    }

    fn walk(&self, path: &Path) -> Walk {
        WalkBuilder::new(path)
            .hidden(false)
            .git_ignore(!self.no_ignore)
            .git_exclude(!self.no_ignore)
            .git_global(!self.no_ignore)
            .ignore(false)
            .parents(!self.no_ignore)
            .sort_by_file_path(Ord::cmp)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build()
    }

    fn excluded(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in &self.exclude {
            set.add(glob.clone());
        }
        set.build().expect("each was parsed before")
    }
}

fn glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|_| format!("`{text}` is not a valid path pattern"))
}

fn read_error(path: &Path, error: ignore::Error) -> Failure {
    let source = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
    Failure::Select(SelectError::Read { path: path.to_owned(), source })
}

/// Guesses the kind of a file from its name.
fn kind(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    // Templates and editors append to the name: `.yaml.tpl`, `.yml.j2`, `.yaml~`.
    let is_manifest = [".yaml", ".yml", ".json"].iter().any(|end| {
        let rest = name.rfind(end).map(|at| &name[at + end.len()..]);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '~', '#']))
    });
    match name.trim_start_matches('.').split('.').next() {
        Some("kustomization") => FileKind::Kustomization,
        _ if is_manifest || name.ends_with(".tpl") || name.ends_with(".jsonl") => {
            FileKind::Manifest
        }
        _ => FileKind::Other,
    }
}

struct Checker<'a> {
    session: &'a Session,
    known: Known<'a>,
    findings: Vec<Finding>,
    failures: Vec<Failure>,
    /// Files with sealed Secrets.
    sealed: BTreeSet<PathBuf>,
    peers: Peers,
}

impl<'a> Checker<'a> {
    fn new(session: &'a Session, keks: &[KekName], only_sealed: bool) -> Result<Self, Failure> {
        let (known, peers) = (Known::new(session, keks)?, Peers::new(only_sealed));
        let (findings, failures, sealed) = Default::default();
        Ok(Self { session, known, findings, failures, sealed, peers })
    }

    fn file(&mut self, path: &Path) {
        // Standard input is expected to be a manifest.
        let kind = match path == Path::new("-") {
            true => FileKind::Manifest,
            false => kind(path),
        };
        let bytes = match read(path, kind) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(failure) => return self.failures.push(failure),
        };
        self.examine(path, kind, &bytes);
    }

    fn examine(&mut self, path: &Path, kind: FileKind, bytes: &[u8]) {
        self.findings.extend(self.peers.look(path, bytes));
        if !manifest::may_mention(bytes) {
            return;
        }
        let text = text(bytes);
        let conflicts = conflicts::conflicts(&text, kind);
        for at in &conflicts {
            self.add(path, *at, "merge-conflict", conflicts::TEXT);
        }
        let mut found = manifest::scan(&text, kind);
        if memmem::find(bytes, b"<<").is_some() && kind == FileKind::Other {
            for (before, body) in manifest::heredocs(&text) {
                found.extend(
                    manifest::scan(&body, FileKind::Manifest)
                        .into_iter()
                        .map(|found| found.below(before)),
                );
            }
        }
        for found in found {
            match found {
                Found::Sealed(at) => {
                    self.add(path, at, "out-of-place", "a sealed value is outside a Secret");
                }
                // The conflict is why.
                Found::Unreadable(_) if !conflicts.is_empty() => {}
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
        self.sealed.insert(path.to_owned());
        let secret = match object.sealed(&self.namespace(object), SealCheck::Required) {
            Ok(secret) => secret,
            Err(error) => return self.add(path, at, "wrong-form", &error.to_string()),
        };
        if let Err(error) = secret.check_place(SealCheck::Required) {
            let id = if secret.seal.is_none() { "wrong-form" } else { "out-of-place" };
            self.add(path, at, id, &error.to_string());
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
    }

    /// The namespace if the object names none: from `-n`, otherwise the one that it was sealed for.
    fn namespace(&self, object: &Object) -> Namespace {
        let seal = object.seal().and_then(|text| Jwe::parse(Kind::Seal, text.as_bytes()).ok());
        let bound = seal.and_then(|seal| seal.binding.namespace);
        let name = self.session.named_namespace().or(bound.as_deref()).unwrap_or("default");
        name.parse().unwrap_or_else(|_| "default".parse().expect("a namespace"))
    }

    fn add(&mut self, path: &Path, at: Position, id: &'static str, text: &str) {
        self.findings.push(Finding { path: path.to_owned(), at, id, text: text.to_owned() });
    }
}

/// The bytes of a file; `None` if it cannot contain a manifest.
fn read(path: &Path, kind: FileKind) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if path == Path::new("-") {
        return crate::select::files::read_file(path).map(Some);
    }
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    let found = path.metadata().map_err(error)?;
    // A named pipe is checked too: `check <(helm template web)`.
    if found.is_file() && found.len() > MAX_SIZE {
        return match kind {
            FileKind::Other => Ok(None),
            _ => Err(error(std::io::Error::other("it is larger than 64 MiB"))),
        };
    }
    let file = File::open(path).map_err(error)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0)));
    file.take(MAX_SIZE).read_to_end(&mut bytes).map_err(error)?;
    let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if kind == FileKind::Other && !is_wide {
        // kubectl would read the text before the first zero byte, but nothing after it.
        let end = memchr::memchr(0, &bytes).unwrap_or(bytes.len());
        bytes.truncate(end);
    }
    Ok(Some(bytes))
}

/// The file as text. A Secret may be next to bytes that are not UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    manifest::text_of_file(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes))
}
