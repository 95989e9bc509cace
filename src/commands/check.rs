//! `check`: a repository without plain Secrets, and with sealed ones that are as
//! they should be. Offline: no KMS and no cluster is asked.

mod keks;
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
    self, FileKind, Found, FoundSecret, Object, Position, SEAL_ANNOTATION,
};
use envcrypt_core::secret::Namespace;
use keks::Known;
use report::Finding;
use tracked::tracked;

/// The largest file that is looked at, in bytes.
const MAX_SIZE: u64 = 64 << 20;
const UNREADABLE: &str = "a Secret stands here that cannot be read";

/// Find plain Secrets, and sealed ones that are not as they should be.
///
/// For pre-commit and CI: it asks neither a KMS nor a cluster. Folders are looked
/// through as Git sees them. The exit code is 1 where anything was found, and 2
/// where something could not be looked at.
#[derive(Args)]
#[command(after_help = "It reports:
  plain-secret     a value in the clear, also in lists, in templates and between others
  out-of-place     a sealed value where it was not sealed for, or outside a Secret
  wrong-form       a sealed Secret that cannot be read, or lacks its seal
  unknown-kek      a KEK that nothing here names
  kek-not-allowed  a KEK that the rules of `.envcrypt.yaml` do not name for this place

Not looked at: files that Git ignores, and manifests within the text of another object.

Examples:
  # A whole repository
  kubectl envcrypt check .

  # For a code scanner
  kubectl envcrypt check -o sarif . > envcrypt.sarif")]
pub struct CheckArgs {
    /// Files and folders; - reads standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// A KEK that is known, beside those of rules, environment and settings; repeatable
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Leave out paths like this: `tests/**`; repeatable
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    exclude: Vec<Glob>,
    /// Look at files that Git ignores, too
    #[arg(long)]
    no_ignore: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value = "text", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// path:line:column: what is wrong
    Text,
    /// One object
    Json,
    /// SARIF 2.1.0
    Sarif,
}

/// Runs it. What could not be looked at is something else than what was found.
pub fn run(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    check(args, session).map_err(|failure| match failure {
        found @ (Failure::Found { .. } | Failure::Output(_) | Failure::Usage(_)) => found,
        other => Failure::NotCompared(Box::new(other)),
    })
}

fn check(args: &CheckArgs, session: &Session) -> Result<(), Failure> {
    let mut checker = Checker {
        session,
        known: Known::new(session, &args.kek)?,
        findings: Vec::new(),
        failures: Vec::new(),
    };
    let files = args.files(&mut checker.failures)?;
    for path in &files {
        checker.file(path);
    }
    let Checker { mut findings, mut failures, known, .. } = checker;
    known.tell();
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
        (0, found) => {
            let in_the_clear = findings.iter().any(|finding| finding.id == "plain-secret");
            Err(Failure::Found { found, files: files.len(), in_the_clear })
        }
        // One that cannot be looked at does not hide what was found in the others.
        (1, 0) => Err(failures.remove(0)),
        (failed, _) => {
            failures.iter().filter_map(Failure::report).for_each(|report| report.print());
            Err(Failure::NotLookedThrough { failed, all: files.len() })
        }
    }
}

impl CheckArgs {
    /// The files, in order: each that is named, each that Git does not ignore, and each
    /// that it tracks all the same.
    fn files(&self, failures: &mut Vec<Failure>) -> Result<Vec<PathBuf>, Failure> {
        let excluded = self.excluded();
        let mut files = BTreeSet::new();
        let mut named = Vec::new();
        for path in &self.paths {
            if path == Path::new("-") || (path.exists() && !path.is_dir()) {
                // What is named is meant, whatever it is.
                named.push(path.clone());
                continue;
            }
            if let Err(source) = std::fs::metadata(path) {
                return Err(Failure::Select(SelectError::Read { path: path.clone(), source }));
            }
            let mut take = |found: &Path| {
                let within = found.strip_prefix(path).unwrap_or(found);
                let found = found.strip_prefix("./").unwrap_or(found);
                // A folder that is left out is so with all it holds.
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
            terminal::note("there is no file here: nothing was looked at");
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
    Glob::new(text).map_err(|_| format!("`{text}` is no pattern of paths"))
}

fn read_error(path: &Path, error: ignore::Error) -> Failure {
    let source = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
    Failure::Select(SelectError::Read { path: path.to_owned(), source })
}

/// What a file is by its name, as far as that tells.
fn kind(path: &Path) -> FileKind {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    // With what templates and editors put behind it: `.yaml.tpl`, `.yml.j2`, `.yaml~`.
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
}

impl Checker<'_> {
    fn file(&mut self, path: &Path) {
        // What comes through a pipe, or is named alone, is meant to be a manifest.
        let kind = match path == Path::new("-") {
            true => FileKind::Manifest,
            false => kind(path),
        };
        let bytes = match read(path, kind) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return,
            Err(failure) => return self.failures.push(failure),
        };
        if !manifest::may_mention(&bytes) {
            return;
        }
        let text = text(&bytes);
        let mut found = manifest::scan(&text, kind);
        if memmem::find(&bytes, b"<<").is_some() && kind == FileKind::Other {
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
                    self.add(path, at, "out-of-place", "a sealed value stands outside a Secret");
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
        // Where its name is a template's, there is no object, and nothing more to tell.
        let (has_object, object) = (secret.object.is_some(), secret.into_object());
        if let Some((key, at)) = literal {
            let name = object.as_ref().map_or_else(String::new, |o| format!(" `{}`", o.title()));
            let form = if is_sealed { "sealed Secret" } else { "Secret" };
            let mut text = format!("the {form}{name} has a value in the clear");
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
            None if is_sealed && has_object => self.add(path, at, "wrong-form", UNREADABLE),
            _ => {}
        }
    }

    fn sealed(&mut self, path: &Path, at: Position, object: &Object) {
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
            // Rules that cannot be read allow nothing.
            Err(failure) => {
                let text = failure.to_string();
                if !self.findings.iter().any(|finding| finding.text == text) {
                    self.add(path, at, "kek-not-allowed", &text);
                }
            }
        }
    }

    /// The namespace that is meant where the object names none: that of `-n`, else
    /// that for which it was sealed.
    fn namespace(&self, object: &Object) -> Namespace {
        let seal =
            object.metadata.annotations.iter().flatten().find(|(k, _)| *k == SEAL_ANNOTATION);
        let seal = seal.and_then(|(_, text)| Jwe::parse(Kind::Seal, text.as_bytes()).ok());
        let bound = seal.and_then(|seal| seal.binding.namespace);
        let name = self.session.named_namespace().or(bound.as_deref()).unwrap_or("default");
        name.parse().unwrap_or_else(|_| "default".parse().expect("a namespace"))
    }

    fn add(&mut self, path: &Path, at: Position, id: &'static str, text: &str) {
        self.findings.push(Finding { path: path.to_owned(), at, id, text: text.to_owned() });
    }
}

/// The bytes of a file; none where it can hold no manifest.
fn read(path: &Path, kind: FileKind) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    if path == Path::new("-") {
        return crate::select::files::read_file(path).map(Some);
    }
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    let found = path.metadata().map_err(error)?;
    // A pipe that is named is meant: `check <(helm template web)`.
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
        // What is no text ends here; what stands before it, kubectl would take.
        let end = memchr::memchr(0, &bytes).unwrap_or(bytes.len());
        bytes.truncate(end);
    }
    Ok(Some(bytes))
}

/// As text, whatever it is: a Secret may stand beside what is no UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    manifest::text_of_file(bytes).unwrap_or_else(|| String::from_utf8_lossy(bytes))
}
