//! The list of grants in the user's configuration directory, one a line:
//!
//! ```text
//! open,seal prod awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234
//! open      dev-* hashivault://transit/dev
//! alias     awskms:///alias/prod awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234
//! ```

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{Grant, Scope, Uses};
use crate::kek::{KekId, KekUri};

const HEAD: &str =
    "# Which KEKs this machine may use, and where: `kubectl envcrypt kek list` shows it";
/// How a line begins that says which key stands behind an alias.
const ALIAS: &str = "alias";

/// Why the list cannot be used.
#[derive(Debug, Error)]
pub enum TrustError {
    /// The file cannot be read or written.
    #[error("the list of trusted KEKs `{path}` cannot be {action}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// `read` or `written`.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
    /// A line of it has another form. Not quoted: the file may be another one.
    #[error(
        "the list of trusted KEKs `{path}`, line {line}: it is not `open|seal|open,seal NAMESPACE KEK`"
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
}

/// What was granted on this machine, and the file that remembers it.
pub struct Trust {
    file: Option<PathBuf>,
    grants: Vec<Grant>,
    /// An alias, and a key that was seen behind it.
    aliases: BTreeSet<(KekUri, KekId)>,
    /// Lines that are still to be written.
    pending: Vec<String>,
}

/// One line of the file.
enum Line {
    Grant(Grant),
    Alias(KekUri, KekId),
}

impl Trust {
    /// Reads the list from `file`, which need not exist.
    ///
    /// # Errors
    /// [`TrustError`] when the file is there and cannot be understood: guessing
    /// at a list of trust would be worse than stopping.
    pub fn load(file: Option<PathBuf>) -> Result<Self, TrustError> {
        match file {
            Some(path) => Self::parse(&read(&path)?, path),
            None => Ok(Self::nothing()),
        }
    }

    /// Reads the text of the list that is in `path`.
    ///
    /// # Errors
    /// As for [`Trust::load`].
    pub fn parse(text: &str, path: PathBuf) -> Result<Self, TrustError> {
        let mut trust = Self::nothing();
        // Not before it is read whole: what cannot be read is not written either.
        for (index, text) in text.lines().enumerate() {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match parse(text) {
                Some(Line::Grant(grant)) => trust.grants.push(grant),
                Some(Line::Alias(alias, key)) => drop(trust.aliases.insert((alias, key))),
                None => return Err(TrustError::Line { path, line: index + 1 }),
            }
        }
        trust.file = Some(path);
        Ok(trust)
    }

    fn nothing() -> Self {
        Self { file: None, grants: Vec::new(), aliases: BTreeSet::new(), pending: Vec::new() }
    }

    /// All grants, in the order in which they were given.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    /// The keys that were seen behind an alias.
    pub fn behind<'a>(&'a self, alias: &'a KekUri) -> impl Iterator<Item = &'a KekId> {
        self.aliases.iter().filter(move |(name, _)| name == alias).map(|(_, key)| key)
    }

    /// Returns whether `kek` may be the key that `name` names, as far as this machine knows. An
    /// alias names the keys that were seen behind it.
    #[must_use]
    pub fn may_name(&self, name: &KekUri, kek: &KekUri) -> bool {
        name.may_name(kek) || self.behind(name).any(|key| *key == kek.id())
    }

    /// The aliases of a key.
    pub fn aliases_of<'a>(&'a self, key: &'a KekId) -> impl Iterator<Item = &'a KekUri> {
        self.aliases.iter().filter(move |(_, known)| known == key).map(|(name, _)| name)
    }

    /// Remembers a grant from now on. Without a configuration directory, for this run.
    ///
    /// # Errors
    /// [`TrustError`] when it cannot be written down; it then holds for this run.
    pub fn grant(&mut self, uses: Uses, scope: Scope, kek: &KekUri) -> Result<(), TrustError> {
        self.grant_later(uses, scope, kek);
        self.flush()
    }

    /// The same, written with [`Trust::flush`]: many at once.
    pub fn grant_later(&mut self, uses: Uses, scope: Scope, kek: &KekUri) {
        let grant = Grant { uses, scope, kek: kek.id() };
        let is_known = |known: &Grant| {
            known.scope == grant.scope
                && known.kek == grant.kek
                && (known.uses == Uses::Both || known.uses == uses)
        };
        if !self.grants.iter().any(is_known) {
            self.pending.push(grant.to_string());
            self.grants.push(grant);
        }
    }

    /// Writes what was granted, or noted, since the last time.
    ///
    /// # Errors
    /// [`TrustError`] when it cannot be written down; it then holds for this run.
    pub fn flush(&mut self) -> Result<(), TrustError> {
        let new = std::mem::take(&mut self.pending);
        if new.is_empty() {
            return Ok(());
        }
        self.rewrite(|lines| {
            for line in new {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        })
    }

    /// Remembers which key stands behind an alias, written with [`Trust::flush`].
    pub fn note_alias(&mut self, alias: &KekUri, key: &KekUri) {
        let key = key.id();
        if alias.id() != key && self.aliases.insert((alias.clone(), key.clone())) {
            self.pending.push(format!("{ALIAS} {alias} {key}"));
        }
    }

    /// Forgets the grants for a KEK, with `scope` only those of just this scope. Says
    /// whether there were any.
    ///
    /// # Errors
    /// [`TrustError`] when the list cannot be written.
    pub fn forget(&mut self, kek: &KekUri, scope: Option<&Scope>) -> Result<bool, TrustError> {
        let key = kek.id();
        let goes = |grant: &Grant| grant.kek == key && scope.is_none_or(|s| *s == grant.scope);
        let before = self.grants.len();
        self.grants.retain(|grant| !goes(grant));
        let is_known = self.grants.len() < before;
        if is_known {
            self.rewrite(|lines| {
                lines.retain(
                    |line| !matches!(parse(line.trim()), Some(Line::Grant(grant)) if goes(&grant)),
                );
            })?;
        }
        Ok(is_known)
    }

    /// Reads the file anew, so that what another process added meanwhile stays.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<String>)) -> Result<(), TrustError> {
        let Some(path) = &self.file else { return Ok(()) };
        let _lock = lock(path)?;
        let mut lines: Vec<String> = read(path)?.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            lines.push(HEAD.to_owned());
        }
        change(&mut lines);
        let text = lines.join("\n") + "\n";
        replace(path, text.as_bytes()).map_err(|source| TrustError::Io {
            path: path.clone(),
            action: "written",
            source,
        })
    }
}

impl Drop for Trust {
    /// What a run that failed has sealed to, it has sealed to.
    fn drop(&mut self) {
        let _ = self.flush();
    }
}

/// A line; the URI comes last, since that of an SSH key has a blank.
fn parse(text: &str) -> Option<Line> {
    let (first, rest) = text.split_once(' ')?;
    let (second, kek) = rest.trim_start().split_once(' ')?;
    let kek = kek.trim_start().parse::<KekUri>().ok()?.id();
    if first == ALIAS {
        return Some(Line::Alias(second.parse().ok()?, kek));
    }
    let (uses, scope) = (first.parse().ok()?, second.parse().ok()?);
    Some(Line::Grant(Grant { uses, scope, kek }))
}

fn read(path: &Path) -> Result<String, TrustError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(TrustError::Io { path: path.to_owned(), action: "read", source }),
    }
}

/// Keeps other processes from changing the list meanwhile, until it is dropped.
fn lock(path: &Path) -> Result<File, TrustError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    // Nobody else's to write to, whatever the umask: what stands there is trusted.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .and_then(|()| File::open(folder))
        .and_then(|file| file.lock().map(|()| file))
        .map_err(|source| TrustError::Io { path: path.to_owned(), action: "written", source })
}

/// Writes a new file beside the old one, then puts it in its place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{MayUse, Policy, Verdict};
    use crate::secret::Place;

    fn aws(name: &str) -> KekUri {
        KekUri::aws(&format!("alias/{name}")).expect("an alias")
    }

    fn opens(trust: Trust, kek: &KekUri, namespace: &str) -> bool {
        let place =
            Place { namespace: namespace.parse().expect("ok"), name: "x".parse().expect("ok") };
        Policy::new(MayUse::Granted, trust).may_open(kek, &place, None) == Verdict::Yes
    }

    #[test]
    fn what_was_granted_is_remembered_for_its_place_and_can_be_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/trusted-keks");
        let load = || Trust::load(Some(file.clone())).expect("readable");
        let ssh = KekUri::age("ssh-ed25519 AAAA").expect("a recipient");
        let prod: Scope = "prod".parse().expect("ok");
        let mut trust = load();
        trust.grant(Uses::Open, prod.clone(), &aws("a")).expect("written");
        trust.grant(Uses::Both, Scope::everywhere(), &aws("b")).expect("written");
        trust.grant(Uses::Both, prod.clone(), &ssh).expect("written");
        trust.note_alias(&aws("b"), &aws("behind"));
        trust.flush().expect("written");
        // What a run that failed has sealed to is remembered too.
        let mut failed = load();
        failed.grant_later(Uses::Both, prod.clone(), &aws("c"));
        assert!(!opens(load(), &aws("c"), "prod"));
        drop(failed);
        assert!(opens(load(), &aws("c"), "prod"));
        assert!(opens(load(), &aws("a"), "prod") && !opens(load(), &aws("a"), "dev"));
        assert!(opens(load(), &aws("b"), "dev"));
        assert_eq!(load().behind(&aws("b")).collect::<Vec<_>>(), [&aws("behind").id()]);
        assert_eq!(load().aliases_of(&aws("behind").id()).collect::<Vec<_>>(), [&aws("b")]);
        assert!(load().grants().any(|grant| grant.kek == ssh.id()));
        assert!(!trust.forget(&aws("a"), Some(&Scope::everywhere())).expect("written"));
        assert!(trust.forget(&aws("a"), None).expect("written"));
        assert!(!opens(load(), &aws("a"), "prod") && opens(load(), &aws("b"), "dev"));
        assert!(!trust.forget(&aws("a"), None).expect("written"));
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(file.parent().expect("a folder")).expect("there");
        assert_eq!(mode.permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn an_alias_names_the_keys_that_were_seen_behind_it() {
        let mut trust = Trust::load(None).expect("empty");
        trust.note_alias(&aws("b"), &aws("behind"));
        trust.note_alias(&aws("itself"), &aws("itself"));
        assert!(trust.may_name(&aws("b"), &aws("behind")) && trust.may_name(&aws("b"), &aws("b")));
        assert!(!trust.may_name(&aws("b"), &aws("other")));
        assert!(!trust.may_name(&aws("behind"), &aws("b")));
        assert_eq!(trust.behind(&aws("itself")).count(), 0);
    }

    #[test]
    fn what_is_granted_already_is_not_written_again() {
        let mut trust = Trust::load(None).expect("empty");
        let mut grants = |uses, kek: &str| {
            trust.grant_later(uses, Scope::everywhere(), &aws(kek));
            trust.grants().count()
        };
        assert_eq!([Uses::Both, Uses::Open, Uses::Seal].map(|uses| grants(uses, "a")), [1, 1, 1]);
        assert_eq!([Uses::Open, Uses::Open, Uses::Seal].map(|uses| grants(uses, "b")), [2, 2, 3]);
    }

    #[test]
    fn a_list_that_cannot_be_read_is_an_error_and_not_an_empty_list() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(Trust::load(Some(folder.path().join("missing"))).is_ok());
        let unreadable = Trust::load(Some(folder.path().to_owned())).err().expect("refused");
        assert!(matches!(unreadable, TrustError::Io { action: "read", .. }), "{unreadable}");
    }

    #[test]
    fn many_at_once_lose_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trusted-keks");
        std::thread::scope(|scope| {
            for index in 0..8 {
                let file = file.clone();
                scope.spawn(move || {
                    let mut trust = Trust::load(Some(file)).expect("readable");
                    trust
                        .grant(Uses::Open, Scope::everywhere(), &aws(&index.to_string()))
                        .expect("written");
                });
            }
        });
        let trust = Trust::load(Some(file)).expect("readable");
        assert_eq!(trust.grants().count(), 8);
    }

    #[test]
    fn a_damaged_list_is_an_error_and_is_not_quoted() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trusted-keks");
        for bad in
            ["nonsense", "open prod nonsense", "awskms:///alias/a", "open  awskms:///alias/a"]
        {
            std::fs::write(&file, format!("# ok\n{bad}\n")).expect("written");
            let error = Trust::load(Some(file.clone())).err().expect("refused").to_string();
            assert!(error.contains("line 2") && !error.contains("nonsense"), "{error}");
        }
    }
}
