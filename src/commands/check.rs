//! `check`: a repository without plain Secrets, and with sealed ones that are as
//! they should be. Offline: no KMS and no cluster is asked.

mod report;
mod rules;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use globset::{Glob, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;
use memchr::memmem;

use super::{Failure, Session, complete};
use crate::config::RULES_FILE;
use crate::envelope::{Jwe, Kind, SealCheck};
use crate::manifest::{self, Found, FoundSecret, Object, Position, SEAL_ANNOTATION};
use crate::secret::Namespace;
use crate::terminal;
use report::Finding;
use rules::Known;

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
    #[arg(long, value_name = "KEK", add = complete::keks())]
    kek: Vec<String>,
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
    let mut checker =
        Checker { session, known: Known::new(session, &args.kek)?, findings: Vec::new() };
    let mut files = 0;
    for path in args.files()? {
        files += 1;
        checker.file(&path)?;
    }
    let Checker { findings, known, .. } = checker;
    known.tell();
    let text = match args.output {
        Output::Text => report::text(&findings),
        Output::Json => report::json(&findings),
        Output::Sarif => report::sarif(&findings),
    };
    terminal::stdout(text.as_bytes())?;
    match findings.len() {
        0 => Ok(()),
        found => {
            let in_the_clear = findings.iter().any(|finding| finding.id == "plain-secret");
            Err(Failure::Found { found, files, in_the_clear })
        }
    }
}

impl CheckArgs {
    /// The files, in order, each that is named or that could hold a manifest.
    fn files(&self) -> Result<Vec<PathBuf>, Failure> {
        let excluded = self.excluded();
        let mut files = Vec::new();
        for path in &self.paths {
            if path == Path::new("-") || (path.exists() && !path.is_dir()) {
                // What is named is meant, whatever it is.
                files.push(path.clone());
                continue;
            }
            if let Err(source) = std::fs::metadata(path) {
                return Err(Failure::Read { path: path.clone(), source });
            }
            let walk = WalkBuilder::new(path)
                .hidden(false)
                .git_ignore(!self.no_ignore)
                .git_exclude(!self.no_ignore)
                .git_global(!self.no_ignore)
                .ignore(false)
                .parents(!self.no_ignore)
                .sort_by_file_path(Ord::cmp)
                .filter_entry(|entry| entry.file_name() != ".git")
                .build();
            for entry in walk {
                let entry = entry.map_err(|error| read_error(path, error))?;
                let is_file = entry.file_type().is_some_and(|kind| kind.is_file());
                let found = entry.path().strip_prefix("./").unwrap_or(entry.path());
                let within = entry.path().strip_prefix(path).unwrap_or(found);
                // A folder that is left out is so with all it holds.
                let is_excluded =
                    found.ancestors().chain(within.ancestors()).any(|p| excluded.is_match(p));
                if is_file && may_be_manifest(found) && !is_excluded {
                    files.push(found.to_owned());
                }
            }
        }
        if files.is_empty() {
            terminal::note("no file here could hold a manifest: nothing was looked at");
        }
        Ok(files)
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
    Failure::Read { path: path.to_owned(), source }
}

fn may_be_manifest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // With what templates put behind it: `.yaml.tpl`, `.yml.j2`.
    let is_yaml = [".yaml", ".yml"]
        .iter()
        .any(|end| name.ends_with(end) || name.contains(&format!("{end}.")));
    name != RULES_FILE && (is_yaml || name.ends_with(".json") || name.ends_with(".tpl"))
}

struct Checker<'a> {
    session: &'a Session,
    known: Known<'a>,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn file(&mut self, path: &Path) -> Result<(), Failure> {
        let bytes = super::input::read_file(path)?;
        let text = text(&bytes);
        let holds = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
        // The two beginnings of a sealed value, encoded and as JSON.
        if !holds("ecret") && !holds("eyJwcm90ZWN0ZWQi") && !holds("eyJ0eXAiOiJlbnZjcnlwdC12") {
            return Ok(());
        }
        for found in manifest::scan(&text) {
            match found {
                Found::Sealed(at) => {
                    self.add(path, at, "out-of-place", "a sealed value stands outside a Secret");
                }
                Found::Unreadable(at) => {
                    self.add(path, at, "wrong-form", "a Secret stands here that cannot be read");
                }
                Found::Secret(secret) => self.secret(path, &secret),
            }
        }
        Ok(())
    }

    fn secret(&mut self, path: &Path, secret: &FoundSecret) {
        if secret.is_sealed {
            // Where its name is a template's, nothing more can be told.
            return secret.object.iter().for_each(|object| self.sealed(path, secret.at, object));
        }
        let Some((key, at)) = secret.literals.first() else { return };
        let name = secret.object.as_ref().map_or_else(String::new, |o| format!(" `{}`", o.title()));
        let mut text = format!("the Secret{name} is in the clear");
        if let Some(key) = key {
            text += &format!(": the value of `{}`", key.escape_default());
            if secret.literals.len() > 1 {
                text += &format!(" and {} more", secret.literals.len() - 1);
            }
        }
        self.add(path, *at, "plain-secret", &text);
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

/// As text, whatever it is: a Secret may stand beside what is no UTF-8.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    let wide = |from: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes[2..].chunks_exact(2).map(|pair| from([pair[0], pair[1]])).collect();
        Cow::Owned(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(bytes),
    }
}
