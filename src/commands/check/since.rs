//! Whether a sealed Secret is older than in another commit. The time of sealing is authenticated, so
//! whoever changes it in an old Secret makes one that does not open.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::CheckArgs;
use super::report::Finding;
use crate::failure::Failure;
use crate::git::{Blob, Reach};
use crate::history;
use crate::scan;
use crate::select::files::mentions_sealing;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::{Scope, SealCheck, SealedSecret, is_too_late, now};
use envcrypt_core::manifest::{Found, Position};

/// The sealed Secrets of another commit, and those of the work tree.
pub struct Since {
    /// As the person named the commit.
    rev: String,
    /// By namespace and name.
    before: HashMap<String, Vec<Version>>,
    /// The latest time of sealing in the commits before, with `--history`.
    ever: HashMap<String, u64>,
    now: Vec<(PathBuf, Position, String, Version)>,
}

/// One version of a sealed Secret.
struct Version {
    /// The absolute path of its file.
    path: PathBuf,
    /// The digest of the seal, and that of everything that it covers.
    seal: [u8; 32],
    set: [u8; 32],
    /// In seconds since 1970.
    sealed_at: u64,
    /// Whether the seal also holds in another place.
    is_movable: bool,
}

impl Version {
    fn of(secret: &SealedSecret, path: PathBuf) -> Option<Self> {
        let seal = secret.seal.as_ref()?;
        let (set, sealed_at) = (secret.fingerprint(), seal.sealed_at);
        let is_movable = secret.scope() != Some(Scope::Strict);
        Some(Self { path, seal: seal.digest(), set, sealed_at, is_movable })
    }
}

impl Since {
    /// Reads the sealed Secrets of the commit.
    pub fn new(rev: &str, args: &CheckArgs, session: &Session) -> Result<Self, Failure> {
        let mut since = Self {
            rev: rev.to_owned(),
            before: HashMap::new(),
            ever: HashMap::new(),
            now: Vec::new(),
        };
        let excluded = args.set.excluded();
        let mut repositories = history::Scope::of(&args.paths, &excluded)?;
        if repositories.is_empty() {
            // Standard input belongs to the current directory.
            repositories = history::Scope::of(&[".".into()], &excluded)?;
        }
        for scope in repositories {
            let (repository, top) = (&scope.repository, scope.repository.top());
            let commit = repository.commit(rev)?;
            repository.blobs(Reach::Tree(commit), |blob| {
                for secret in sealed_secrets(&blob, session) {
                    let place = secret.meta.place.to_string();
                    let version = Version::of(&secret, top.join(path(&blob)));
                    since.before.entry(place).or_default().extend(version);
                }
            })?;
            if args.history.history {
                repository.blobs(Reach::Before(commit), |blob| {
                    for secret in sealed_secrets(&blob, session) {
                        let Some(seal) = &secret.seal else { continue };
                        let last = since.ever.entry(secret.meta.place.to_string()).or_default();
                        *last = seal.sealed_at.max(*last);
                    }
                })?;
            }
        }
        Ok(since)
    }

    /// Remembers a Secret of the work tree.
    pub fn note(&mut self, path: &Path, at: Position, secret: &SealedSecret) {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if let Some(version) = Version::of(secret, real) {
            let place = secret.meta.place.to_string();
            self.now.push((path.to_owned(), at, place, version));
        }
    }

    /// What is wrong with the Secrets of the work tree.
    pub fn findings(self) -> Vec<Finding> {
        let finding = |(path, at, place, new): &(PathBuf, Position, String, Version)| {
            let (id, text) = self.wrong(place, new)?;
            let details = serde_json::Value::Null;
            Some(Finding { path: path.clone(), at: *at, id, text, details })
        };
        self.now.iter().filter_map(finding).collect()
    }

    fn wrong(&self, place: &str, new: &Version) -> Option<(&'static str, String)> {
        let before = self.before(place, new);
        if let Some(same) = before.iter().find(|old| old.seal == new.seal) {
            let text = || {
                format!(
                    "the Secret `{place}` was changed since `{}`, but not its seal: it does not open",
                    self.rev
                )
            };
            let is_whole = before.iter().any(|old| old.set == new.set);
            return (!is_whole && same.set != new.set).then(|| ("seal-mismatch", text()));
        }
        let last = match before.is_empty() {
            true => *self.ever.get(place)?,
            false => before.iter().map(|old| old.sealed_at).max()?,
        };
        // A writer does not go on from such a time either.
        if new.sealed_at > last || is_too_late(last, now()) {
            return None;
        }
        let text = format!(
            "the Secret `{place}` was sealed at {}, which is not after the one of `{}`, sealed at {}: to bring back old values, run `kubectl envcrypt rotate -f {}`",
            terminal::time(new.sealed_at),
            self.rev,
            terminal::time(last),
            new.path.file_name().unwrap_or_default().to_string_lossy(),
        );
        Some(("rolled-back", text))
    }

    /// What a Secret is compared with: the one of the same path. If there is none, it was moved
    /// from a path that is gone, or copied from any path. Without its namespace, a Secret that is
    /// not bound to it goes to the same place.
    fn before(&self, place: &str, new: &Version) -> Vec<&Version> {
        let name = |place: &str| place.rsplit('/').next().map(str::to_owned);
        let is_moved = new.is_movable && !self.before.contains_key(place);
        let is_same = |known: &str| known == place || is_moved && name(known) == name(place);
        let all =
            || self.before.iter().filter(|(known, _)| is_same(known)).flat_map(|(_, all)| all);
        let here: Vec<_> = all().filter(|old| old.path == new.path).collect();
        if !here.is_empty() {
            return here;
        }
        let moved: Vec<_> = all().filter(|old| !old.path.exists()).collect();
        if moved.is_empty() { all().collect() } else { moved }
    }
}

/// The sealed Secrets of a file that can be read.
fn sealed_secrets(blob: &Blob<'_>, session: &Session) -> Vec<SealedSecret> {
    if !mentions_sealing(blob.bytes) {
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
