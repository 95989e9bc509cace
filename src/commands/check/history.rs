//! Values that stood in the clear at any time, and which of them are still in use.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use clap::Args;
use futures::{StreamExt, stream};
use memchr::memmem;
use serde_json::json;

use super::CheckArgs;
use super::report::Finding;
use crate::access::opener::{OpenArgs, Opener};
use crate::batch::progress::AT_ONCE;
use crate::failure::Failure;
use crate::git::{Blob, Commit};
use crate::history::{Fingerprint, Fingerprints, Scope, Story, search};
use crate::scan;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{FileKind, Found, FoundSecret, Position, is_wide};
use envcrypt_core::secret::{Key, SecretValue};

#[derive(Args)]
#[command(next_help_heading = "History")]
pub struct HistoryArgs {
    /// Search all commits, branches, stashes and reflogs of the repository for plaintext values, too
    #[arg(long)]
    pub history: bool,
    /// Open the sealed Secrets, and report only values that are still in use
    #[arg(long, requires = "history")]
    pub open: bool,
    /// Search stored files that nothing refers to any more, too
    #[arg(long, requires = "history")]
    unreachable: bool,
}

/// The sealed Secrets of the work tree.
#[derive(Default)]
pub struct InUse {
    secrets: Vec<(PathBuf, Position, SealedSecret)>,
}

impl InUse {
    pub fn note(&mut self, path: &Path, at: Position, secret: SealedSecret) {
        self.secrets.push((path.to_owned(), at, secret));
    }
}

/// What was found, and what could not be searched.
pub struct Was {
    pub findings: Vec<Finding>,
    pub incomplete: Vec<String>,
}

/// Finds the values. With `in_use`, only those that a sealed Secret still has.
pub async fn find(
    args: &CheckArgs,
    session: &Session,
    in_use: Option<InUse>,
    failures: &mut Vec<Failure>,
) -> Result<Was, Failure> {
    let prints = Fingerprints::new();
    let scopes = Scope::of(&args.paths, &args.set.excluded())?;
    if scopes.is_empty() {
        return Err(Failure::Usage(
            "`--history` needs a file or a directory of a repository".into(),
        ));
    }
    let (mut all, mut incomplete) = (Vec::new(), Vec::new());
    for scope in &scopes {
        let mut values = Values::new(&prints);
        let unreachable = args.history.unreachable;
        let history = search(scope, unreachable, |file, blob| values.take(file, blob))?;
        for mut value in values.found {
            // A template may have had another name.
            value.spots.retain(|spot| !spot.needs_manifest || history.is_manifest(spot.file));
            let Some(story) = history.story(value.spots.iter().map(|spot| spot.file)) else {
                continue;
            };
            let at = value.spots[story.file].at;
            let Value { label, prints, is_guess, .. } = value;
            all.push(Old { label, prints, is_guess, story, at });
        }
        let unreadable = values.unreadable.iter().filter(|file| history.is_manifest(**file));
        let unreadable = unreadable.filter_map(|file| Some(history.story([*file])?.path));
        let unreadable: BTreeSet<PathBuf> = unreadable.collect();
        incomplete.extend(unreadable.iter().map(|path| {
            format!("a version of `{}` mentions a Secret, but cannot be read", path.display())
        }));
        incomplete.extend(history.incomplete);
    }
    let findings = match in_use {
        None => all.iter().map(Old::finding).collect(),
        Some(in_use) => {
            let (findings, open) = still_in_use(&all, in_use, session, &prints, failures).await?;
            incomplete.extend(open);
            findings
        }
    };
    Ok(Was { findings, incomplete })
}

/// A value that stood in the clear.
struct Old {
    /// The Secret and the key, as far as they are known.
    label: String,
    prints: Vec<Fingerprint>,
    /// Whether only a part of the value is known.
    is_guess: bool,
    story: Story,
    at: Position,
}

impl Old {
    fn finding(&self) -> Finding {
        let Story { first, last, is_removed, path, .. } = &self.story;
        let mut text = format!("{} stood in the clear", self.label);
        match first {
            Some(first) => text += &format!(" since {}", shown(first)),
            None => text += ", in no commit: it is staged, or nothing refers to it",
        }
        if let Some(last) = last.as_ref().filter(|_| *is_removed) {
            text += &format!(", until {}", shown(last));
        }
        let commit = |commit: &Commit| {
            let id = commit.id.to_string();
            json!({ "commit": id, "date": commit.date, "author": commit.author })
        };
        let details = json!({
            "first": first.as_ref().map(commit),
            "last": last.as_ref().map(commit),
            "removed": is_removed,
        });
        Finding { path: path.clone(), at: self.at, id: "was-plain", text, details }
    }

    /// A value of now that is the same.
    fn in_use(&self, path: PathBuf, at: Position, label: &str) -> Finding {
        let old = self.finding();
        let before = old.path.display().to_string();
        let text = format!("{label} is still in use: in `{before}`, {}", old.text);
        let mut details = old.details;
        details["was"] = json!({ "path": before, "line": old.at.line });
        Finding { path, at, id: "still-in-use", text, details }
    }
}

/// `a1b2c3d (2026-03-02, alice)`
fn shown(commit: &Commit) -> String {
    let date = commit.date.get(..10).unwrap_or(&commit.date);
    format!("{} ({date}, {})", commit.id.short(), commit.author)
}

/// Finds the sealed Secrets with a value that stood in the clear, and says what cannot be compared.
async fn still_in_use(
    all: &[Old],
    in_use: InUse,
    session: &Session,
    prints: &Fingerprints,
    failures: &mut Vec<Failure>,
) -> Result<(Vec<Finding>, Option<String>), Failure> {
    let mut by_print: HashMap<Fingerprint, usize> = HashMap::new();
    for (index, old) in all.iter().enumerate() {
        for print in &old.prints {
            by_print.entry(*print).or_insert(index);
        }
    }
    let (mut findings, mut used) = (Vec::new(), HashSet::new());
    let in_use = if by_print.is_empty() { InUse::default() } else { in_use };
    for Opened { path, at, label, print } in open(in_use, session, prints, failures).await? {
        let Some(index) = by_print.get(&print) else { continue };
        used.insert(*index);
        findings.push(all[*index].in_use(path, at, &label));
    }
    if !findings.is_empty() {
        terminal::note(
            "everyone who has the repository knows these values: get new ones where the values come from, then run `kubectl envcrypt set -f FILE KEY`",
        );
    }
    let unused = all.iter().enumerate().filter(|(index, _)| !used.contains(index));
    let (open, others): (Vec<_>, Vec<_>) = unused.partition(|(_, old)| old.is_guess);
    let (open, others) = (open.len(), others.len());
    if others > 0 {
        terminal::note(&format!(
            "values that stood in the clear, and that no sealed Secret here has any more: {others}"
        ));
    }
    let open = (open > 0).then(|| {
        format!("values in the clear that are not on one line of their own, so that they cannot be compared: {open}")
    });
    Ok((findings, open))
}

/// A value of now.
struct Opened {
    path: PathBuf,
    at: Position,
    /// Its key and its Secret.
    label: String,
    print: Fingerprint,
}

/// Opens the sealed Secrets. What cannot be opened is a failure.
async fn open(
    in_use: InUse,
    session: &Session,
    prints: &Fingerprints,
    failures: &mut Vec<Failure>,
) -> Result<Vec<Opened>, Failure> {
    let opener = &Opener::new(session, &OpenArgs::default())?;
    let mut admitted = Vec::new();
    for (path, at, secret) in in_use.secrets {
        match opener.admit(&secret, Some(&path)).await {
            Ok(()) => admitted.push((path, at, secret)),
            Err(failure) => failures.push(failure),
        }
    }
    let opened = stream::iter(admitted).map(async |(path, at, secret)| {
        let plain = opener.open(&secret, Some(&path)).await?;
        let value = |(key, value): (&Key, &SecretValue)| Opened {
            path: path.clone(),
            at,
            label: format!("`{key}` of `{}`", secret.meta.place),
            print: prints.of(value.expose()),
        };
        Ok::<_, Failure>(plain.values.iter().map(value).collect::<Vec<_>>())
    });
    let mut all = Vec::new();
    for opened in opened.buffered(AT_ONCE).collect::<Vec<_>>().await {
        match opened {
            Ok(opened) => all.extend(opened),
            Err(failure) => failures.push(failure),
        }
    }
    Ok(all)
}

/// The plaintext values of a repository, without the values themselves.
struct Values<'a> {
    prints: &'a Fingerprints,
    found: Vec<Value>,
    /// The index of each value, by its label and itself.
    known: HashMap<Fingerprint, usize>,
    /// Files that mention a Secret, and cannot be read if they are manifests.
    unreadable: BTreeSet<u32>,
}

struct Value {
    label: String,
    /// The value. If only its line is known, what it may be.
    prints: Vec<Fingerprint>,
    /// Whether they are only a part of it.
    is_guess: bool,
    spots: Vec<Spot>,
}

/// A place of a value.
#[derive(Clone, Copy)]
struct Spot {
    file: u32,
    at: Position,
    /// Whether it counts only if the file has, at any time, the name of a manifest.
    needs_manifest: bool,
}

impl<'a> Values<'a> {
    fn new(prints: &'a Fingerprints) -> Self {
        Self { prints, found: Vec::new(), known: HashMap::new(), unreadable: BTreeSet::new() }
    }

    /// Takes the plaintext values of a file. Returns whether there are any.
    fn take(&mut self, file: u32, blob: &Blob<'_>) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let kind = scan::kind(Path::new(std::ffi::OsStr::from_bytes(blob.path)));
        if !may_have_plain(blob.bytes) {
            return false;
        }
        let text = scan::text(blob.bytes);
        let lines: Vec<&str> = text.lines().collect();
        let mut is_any = self.scan(file, &text, kind, &lines, false);
        if kind == FileKind::Other {
            is_any |= self.scan(file, &text, FileKind::Manifest, &lines, true);
        }
        is_any
    }

    fn scan(
        &mut self,
        file: u32,
        text: &str,
        kind: FileKind,
        lines: &[&str],
        needs_manifest: bool,
    ) -> bool {
        let mut is_any = false;
        for found in scan::secrets(text, kind) {
            match found {
                Found::Secret(secret) => {
                    is_any |= !secret.literals.is_empty();
                    self.secret(file, *secret, lines, needs_manifest);
                }
                Found::Unreadable(_) => is_any |= self.unreadable.insert(file),
                Found::Sealed(_) => {}
            }
        }
        is_any
    }

    fn secret(&mut self, file: u32, secret: FoundSecret, lines: &[&str], needs_manifest: bool) {
        let literals = secret.literals.clone();
        if literals.is_empty() {
            return;
        }
        let object = secret.into_object();
        let of =
            object.as_ref().map_or_else(String::new, |object| format!(" of `{}`", object.title()));
        let mut values = BTreeMap::new();
        if let Some(object) = &object {
            for (key, text) in object.data.iter().flatten() {
                let text = text.as_deref().unwrap_or("").replace(['\n', '\r'], "");
                values.extend(BASE64_STANDARD.decode(text).ok().map(|value| (key, value)));
            }
            for (key, text) in object.string_data.iter().flatten() {
                values.insert(key, text.as_deref().unwrap_or("").as_bytes().to_vec());
            }
        }
        for (key, at) in literals {
            let value = key.as_ref().and_then(|key| values.get(key));
            let line = lines.get(at.line.saturating_sub(1)).copied().unwrap_or("");
            let next = lines.get(at.line).copied().unwrap_or("");
            let is_guess = value.is_none() && !is_whole(line, next);
            let prints = match value {
                // An empty value is no secret.
                Some(value) if value.is_empty() => continue,
                Some(value) => vec![self.prints.of(value)],
                None => candidates(line).iter().map(|value| self.prints.of(value)).collect(),
            };
            let label = match &key {
                Some(key) => format!("the value of `{}`{of}", key.escape_default()),
                None => format!("a value{of}"),
            };
            self.add(Spot { file, at, needs_manifest }, label, prints, is_guess);
        }
    }

    fn add(&mut self, spot: Spot, label: String, prints: Vec<Fingerprint>, is_guess: bool) {
        let identity = [label.as_bytes(), &prints.concat()].join(&0);
        let index = *self.known.entry(self.prints.of(&identity)).or_insert(self.found.len());
        if index == self.found.len() {
            self.found.push(Value { label, prints, is_guess, spots: Vec::new() });
        }
        let value = &mut self.found[index];
        value.is_guess |= is_guess;
        if value.spots.last().is_none_or(|last| last.file != spot.file) {
            value.spots.push(spot);
        }
    }
}

/// Whether a file may have a plain Secret. It is stricter than for the work tree: here, nobody
/// hides a Secret on purpose.
fn may_have_plain(bytes: &[u8]) -> bool {
    is_wide(bytes) || memmem::find(bytes, b"ecret").is_some()
}

/// Whether the line of a template has its value as it is: not in a block, with an expression, or on
/// more lines.
fn is_whole(line: &str, next: &str) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let (key, text) = line.split_once([':', '=']).unwrap_or(("", line));
    let text = text.trim();
    let is_plain = !text.starts_with(['|', '>', '&', '*', '!', '[', '{', '"', '\'']);
    let is_quoted = ['"', '\''].into_iter().any(|quote| {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        inner.is_some_and(|inner| !inner.contains([quote, '\\']))
    });
    let is_odd = text.is_empty() || text.contains("{{") || text.contains(" #");
    let goes_on = !next.trim().is_empty() && depth(next) > depth(key);
    (is_plain || is_quoted) && !is_odd && !goes_on
}

/// What the value in a line of a template may be.
fn candidates(line: &str) -> Vec<Vec<u8>> {
    let text = line.split_once([':', '=']).map_or(line, |(_, rest)| rest);
    let text = text.trim().trim_matches(['"', '\'']);
    let decoded = BASE64_STANDARD.decode(text).ok();
    std::iter::once(text.as_bytes().to_vec()).chain(decoded).filter(|v| !v.is_empty()).collect()
}
