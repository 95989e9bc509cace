//! Whether a sealed Secret is older than in another commit. The time of sealing is authenticated, so
//! whoever changes it in an old Secret makes one that does not open.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::CheckArgs;
use super::report::Finding;
use crate::config::top_of;
use crate::failure::Failure;
use crate::git::{Blob, Reach, Seen};
use crate::history;
use crate::scan;
use crate::session::{Contexts, Session};
use crate::signers::{self, AtRevision};
use crate::terminal;
use envcrypt_core::envelope::{Binding, Jwe, Kind, Scope, SealCheck, SealedSecret};
use envcrypt_core::envelope::{is_too_late, now};
use envcrypt_core::manifest::{self, FileKind, Found, Position, Sealing};
use envcrypt_core::secret::Place;
use envcrypt_core::signature::Demand;

/// The sealed Secrets of another commit, and those of the work tree.
pub struct Since {
    /// As the person named the commit.
    rev: String,
    /// By namespace and name.
    before: HashMap<String, Vec<Version>>,
    /// Every seal of the commit, also of templates, by its digest.
    seals: HashMap<Digest, Jwe>,
    /// With `--history`, the seals that only commits before have, and the latest time of sealing
    /// there.
    older: HashSet<Digest>,
    ever: HashMap<String, u64>,
    now: Vec<(PathBuf, Position, String, Version)>,
    /// The seals of the work tree that are of no Secret with a name.
    unnamed: Vec<(PathBuf, Position, Jwe)>,
    /// The tops of the work trees that are compared, and those of other repositories in them.
    tops: Vec<PathBuf>,
    others: BTreeSet<PathBuf>,
    incomplete: Vec<String>,
    /// The rules of the commit about signatures, for each work tree.
    signers: Vec<AtRevision>,
}

type Digest = [u8; 32];

/// One version of a sealed Secret.
struct Version {
    /// The absolute path of its file.
    path: PathBuf,
    /// The digest of the seal, and that of everything that it covers.
    seal: Digest,
    set: Digest,
    /// In seconds since 1970.
    sealed_at: u64,
    binding: Binding,
    /// Whether the seal also holds in another place.
    is_movable: bool,
    keys: BTreeSet<String>,
}

impl Version {
    fn of(secret: &SealedSecret, path: PathBuf) -> Option<Self> {
        let seal = secret.seal.as_ref()?;
        let (set, sealed_at) = (secret.fingerprint(), seal.sealed_at);
        let is_movable = secret.scope() != Some(Scope::Strict);
        let keys = secret.values.keys().map(|key| key.as_str().to_owned()).collect();
        let (seal, binding) = (seal.digest(), seal.binding.clone());
        Some(Self { path, seal, set, sealed_at, binding, is_movable, keys })
    }

    /// Whether this version can be under the name of the other one, too.
    fn can_become(&self, other: &Self) -> bool {
        let shares_key = || self.keys.iter().any(|key| other.keys.contains(key));
        self.is_movable && self.binding == other.binding && shares_key()
    }
}

/// What is wrong: the id of a finding, and its text.
type Wrong = (&'static str, String);

impl Since {
    /// Reads the sealed Secrets of the commit.
    pub fn new(rev: &str, args: &CheckArgs, session: &Session) -> Result<Self, Failure> {
        let mut since = Self {
            rev: rev.to_owned(),
            before: HashMap::new(),
            seals: HashMap::new(),
            older: HashSet::new(),
            ever: HashMap::new(),
            now: Vec::new(),
            unnamed: Vec::new(),
            tops: Vec::new(),
            others: BTreeSet::new(),
            incomplete: Vec::new(),
            signers: Vec::new(),
        };
        let excluded = args.set.excluded();
        let mut repositories = history::Scope::of(&args.paths, &excluded)?;
        if repositories.is_empty() {
            // Standard input belongs to the current directory.
            repositories = history::Scope::of(&[".".into()], &excluded)?;
        }
        for scope in &repositories {
            since.read(scope, args.history.history, session)?;
        }
        since.older.retain(|seal| !since.seals.contains_key(seal));
        Ok(since)
    }

    /// Reads the commit in one repository.
    fn read(
        &mut self,
        scope: &history::Scope,
        history: bool,
        session: &Session,
    ) -> Result<(), Failure> {
        let repository = &scope.repository;
        let top = repository.top();
        let top = &top.canonicalize().unwrap_or_else(|_| top.to_owned());
        self.tops.push(top.clone());
        let commit = repository.commit(&self.rev)?;
        self.signers.push(AtRevision::new(top, commit)?);
        let seen = repository.blobs(Reach::Tree(commit), |blob| {
            for_seals(&blob, |seal| {
                self.seals.insert(seal.digest(), seal);
            });
            for secret in sealed_secrets(&blob, session) {
                let place = secret.meta.place.to_string();
                let version = Version::of(&secret, top.join(path(&blob)));
                self.before.entry(place).or_default().extend(version);
            }
        })?;
        self.note_missing(&seen);
        if history {
            repository.blobs(Reach::Before(commit), |blob| {
                for_seals(&blob, |seal| {
                    self.older.insert(seal.digest());
                });
                for secret in sealed_secrets(&blob, session) {
                    let Some(seal) = &secret.seal else { continue };
                    let last = self.ever.entry(secret.meta.place.to_string()).or_default();
                    *last = seal.sealed_at.max(*last);
                }
            })?;
        }
        Ok(())
    }

    /// The signatures that a Secret of the work tree needs by the rules of the commit: a change
    /// cannot admit its own author, nor move a Secret to where it needs none.
    pub fn demands(
        &self,
        session: &Session,
        place: &Place,
        path: &Path,
    ) -> Result<Vec<Demand>, Failure> {
        let before = self.before.get(&place.to_string()).into_iter().flatten();
        let before: Vec<&Path> = before.map(|version| version.path.as_path()).collect();
        for known in &self.signers {
            if known.covers(path)? {
                return known.demands(session, place, path, &before);
            }
        }
        signers::demands(session, place, Some(path), Contexts::Any)
    }

    fn note_missing(&mut self, seen: &Seen) {
        let rev = &self.rev;
        if seen.missing > 0 {
            self.incomplete.push(format!(
                "{} objects of `{rev}` are not in this clone, which may be a partial one: run the command in a full clone",
                seen.missing
            ));
        }
        let path = |path: &Vec<u8>| PathBuf::from(String::from_utf8_lossy(path).into_owned());
        let large = seen.too_large.iter().map(path);
        let large = large.filter(|path| scan::kind(path) != FileKind::Other);
        self.incomplete
            .extend(large.map(|path| format!("`{}` is larger than 64 MiB", path.display())));
    }

    /// Remembers a Secret of the work tree.
    pub fn note(&mut self, path: &Path, at: Position, secret: &SealedSecret) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(version) = Version::of(secret, real) {
            let place = secret.meta.place.to_string();
            self.now.push((path.to_owned(), at, place, version));
        }
    }

    /// Remembers all other seals of a file of the work tree, after its Secrets.
    pub fn note_seals(&mut self, path: &Path, seals: Vec<Sealing>) {
        let known: HashSet<Digest> = self
            .now
            .iter()
            .rev()
            .take_while(|now| now.0 == path)
            .map(|(.., version)| version.seal)
            .collect();
        let is_any = !seals.is_empty();
        for found in seals {
            if found.kind == Kind::Seal && !known.contains(&found.jwe.digest()) {
                let at = Position { line: found.line, column: 1 };
                self.unnamed.push((path.to_owned(), at, found.jwe));
            }
        }
        let real = path.canonicalize().ok().filter(|_| is_any && path != Path::new("-"));
        let top = real.as_deref().and_then(top_of);
        if let Some(top) = top.filter(|top| !self.tops.iter().any(|known| known == top)) {
            self.others.insert(top.to_owned());
        }
    }

    /// What is wrong with the Secrets of the work tree, and what could not be compared.
    pub fn findings(mut self) -> (Vec<Finding>, Vec<String>) {
        let mut incomplete = std::mem::take(&mut self.incomplete);
        let there: HashSet<_> =
            self.now.iter().map(|(_, _, place, new)| (place, &new.path)).collect();
        let named = self.now.iter().map(|(path, at, place, new)| {
            (path, at, self.wrong(place, new, &|place, old| !there.contains(&(place, &old.path))))
        });
        let unnamed =
            self.unnamed.iter().map(|(path, at, seal)| (path, at, self.wrong_unnamed(seal)));
        let mut findings = Vec::new();
        for (path, at, wrong) in named.chain(unnamed) {
            match wrong {
                Ok(None) => {}
                Ok(Some((id, text))) => {
                    let details = serde_json::Value::Null;
                    findings.push(Finding { path: path.clone(), at: *at, id, text, details });
                }
                Err(reason) => {
                    incomplete.push(format!("`{}:{}`: {reason}", path.display(), at.line));
                }
            }
        }
        let shown = |other: &PathBuf| {
            let within = self.tops.iter().find_map(|top| other.strip_prefix(top).ok());
            format!(
                "`{}` is another repository, such as a submodule, and is not compared: run the command in it, and skip it here with `--exclude`",
                within.unwrap_or(other).display()
            )
        };
        incomplete.extend(self.others.iter().map(shown));
        (findings, incomplete)
    }

    fn wrong(
        &self,
        place: &String,
        new: &Version,
        is_gone: &dyn Fn(&String, &Version) -> bool,
    ) -> Result<Option<Wrong>, String> {
        let subject = format!("the Secret `{place}`");
        let before = self.before(place, new);
        let here = before.iter().filter(|(_, old)| old.path == new.path);
        let mut near: Vec<&Version> = here.map(|(_, old)| *old).collect();
        let mut all = near.clone();
        if near.is_empty() {
            all = before.iter().map(|(_, old)| *old).collect();
            near = before
                .iter()
                .filter(|(place, old)| is_gone(place, old))
                .map(|(_, old)| *old)
                .collect();
        }
        let near = if near.is_empty() { &all } else { &near };
        if let Some(wrong) = self.too_late(&subject, new.sealed_at) {
            return Ok(Some(wrong));
        }
        if near.iter().any(|old| old.seal == new.seal) {
            let is_whole = near.iter().any(|old| old.seal == new.seal && old.set == new.set);
            let text = || {
                format!(
                    "{subject} was changed since `{}`, but not its seal: it does not open",
                    self.rev
                )
            };
            return Ok((!is_whole).then(|| ("seal-mismatch", text())));
        }
        let file = new.path.file_name().unwrap_or_default().to_string_lossy();
        let advice = format!("to bring back old values, run `kubectl envcrypt rotate -f {file}`");
        if let Some(wrong) = self.known_before(&subject, &new.seal, new.sealed_at, &advice) {
            return Ok(Some(wrong));
        }
        let mut times: Vec<u64> = all.iter().map(|old| old.sealed_at).collect();
        if times.is_empty() {
            times.extend(self.ever.get(place));
        }
        self.compared(&subject, new.sealed_at, &times, &advice)
    }

    /// What is wrong with a seal of a Secret without a fixed name. Its binding may have one.
    fn wrong_unnamed(&self, seal: &Jwe) -> Result<Option<Wrong>, String> {
        let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
        let subject =
            format!("the Secret `{}/{}`", part(&seal.binding.namespace), part(&seal.binding.name));
        if let Some(wrong) = self.too_late(&subject, seal.sealed_at) {
            return Ok(Some(wrong));
        }
        if self.seals.contains_key(&seal.digest()) {
            return Ok(None);
        }
        let advice = "to bring back old values, run `kubectl envcrypt rotate`";
        if let Some(wrong) = self.known_before(&subject, &seal.digest(), seal.sealed_at, advice) {
            return Ok(Some(wrong));
        }
        let same = self.seals.values().filter(|old| old.binding == seal.binding);
        let times: Vec<u64> = same.map(|old| old.sealed_at).collect();
        match self.compared(&subject, seal.sealed_at, &times, advice)? {
            Some(_) if seal.binding.name.is_none() => Err(format!(
                "the sealed Secret has no fixed name, and its seal is new, but older than another one of `{}`: it cannot be compared",
                self.rev
            )),
            wrong => Ok(wrong),
        }
    }

    /// Nothing could ever be newer than such a seal.
    fn too_late(&self, subject: &str, sealed_at: u64) -> Option<Wrong> {
        let text = || {
            format!(
                "{subject} was sealed at {}, which is in the future: seal it again with `kubectl envcrypt rotate`, or no older version is recognized any more",
                terminal::time(sealed_at)
            )
        };
        is_too_late(sealed_at, now()).then(|| ("rolled-back", text()))
    }

    /// A seal that was replaced before.
    fn known_before(
        &self,
        subject: &str,
        seal: &Digest,
        sealed_at: u64,
        advice: &str,
    ) -> Option<Wrong> {
        let text = || {
            format!(
                "{subject} was sealed at {}, and its seal is in a commit before `{}`, but not in that one: {advice}",
                terminal::time(sealed_at),
                self.rev,
            )
        };
        self.older.contains(seal).then(|| ("rolled-back", text()))
    }

    /// Compares a time of sealing with those of the commit.
    fn compared(
        &self,
        subject: &str,
        sealed_at: u64,
        times: &[u64],
        advice: &str,
    ) -> Result<Option<Wrong>, String> {
        let now = now();
        let last = times.iter().copied().filter(|time| !is_too_late(*time, now)).max();
        if let Some(last) = last.filter(|last| sealed_at <= *last) {
            let text = format!(
                "{subject} was sealed at {}, which is not after the one of `{}`, sealed at {}: {advice}",
                terminal::time(sealed_at),
                self.rev,
                terminal::time(last),
            );
            return Ok(Some(("rolled-back", text)));
        }
        match times.iter().find(|time| is_too_late(**time, now)) {
            Some(late) => Err(format!(
                "{subject} of `{}` was sealed at {}, which is in the future: it cannot be compared",
                self.rev,
                terminal::time(*late)
            )),
            None => Ok(None),
        }
    }

    /// What a Secret is compared with: the one of the same path. If there is none, it was moved
    /// from a path where it is gone, or copied from any path. A Secret that is not bound to its
    /// name may have had another one.
    fn before(&self, place: &str, new: &Version) -> Vec<(&String, &Version)> {
        let is_renamed = new.is_movable && !self.before.contains_key(place);
        let mut same = Vec::new();
        for (known, all) in &self.before {
            let is_same = |old: &&Version| known == place || is_renamed && old.can_become(new);
            same.extend(all.iter().filter(is_same).map(|old| (known, old)));
        }
        same
    }
}

/// Calls `each` with every seal of a file, also in a template.
fn for_seals(blob: &Blob<'_>, mut each: impl FnMut(Jwe)) {
    if manifest::may_have_sealed(blob.bytes) {
        manifest::sealings(scan::text(blob.bytes).as_bytes(), |found| {
            if found.kind == Kind::Seal {
                each(found.jwe);
            }
        });
    }
}

/// The sealed Secrets of a file that can be read.
fn sealed_secrets(blob: &Blob<'_>, session: &Session) -> Vec<SealedSecret> {
    if !manifest::may_have_sealed(blob.bytes) {
        return Vec::new();
    }
    let sealed = |found| match found {
        Found::Secret(secret) if secret.is_sealed => {
            let object = secret.into_object()?;
            object.sealed(&scan::namespace(&object, session), SealCheck::Required).ok()
        }
        _ => None,
    };
    let found = scan::secrets(&scan::text(blob.bytes), scan::kind(path(blob)));
    found.into_iter().filter_map(sealed).collect()
}

fn path<'a>(blob: &Blob<'a>) -> &'a Path {
    use std::os::unix::ffi::OsStrExt;
    Path::new(std::ffi::OsStr::from_bytes(blob.path))
}
