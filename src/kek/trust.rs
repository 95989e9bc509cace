//! Which KEKs this machine may ask: format.md, "Who may be asked to open it".
//!
//! A sealed file names its KEKs, and whoever can write the file could name
//! their own. So only those are asked that the person named or accepted once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{KekUri, Scheme, UriError};

/// Why a KEK counts as trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trusted {
    /// Named by a flag or in the environment.
    Named,
    /// Named in the user's own configuration.
    Configured,
    /// Sealed to from here, or accepted once.
    Accepted,
}

/// Why the list of trusted KEKs cannot be used.
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
    /// A line of it is no KEK.
    #[error("the list of trusted KEKs `{path}`, line {line}: {source}")]
    Line {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Why not.
        source: UriError,
    },
}

/// The KEKs that may be asked, and the file that remembers the accepted ones.
/// What is trusted is a key, whichever version of it a file names.
///
/// Where KEKs are named by flag or in the environment, only those are asked:
/// whoever can write a file could else seal values of their own to the person's
/// public age recipient, and put them in the place of others.
pub struct Trust {
    file: Option<PathBuf>,
    keks: BTreeMap<KekUri, Trusted>,
    /// Accepted during this run.
    accepted_now: BTreeSet<KekUri>,
}

impl Trust {
    /// Reads the accepted ones from `file`, which need not exist.
    ///
    /// # Errors
    /// [`TrustError`] when the file is there and cannot be understood: guessing
    /// at a list of trust would be worse than stopping.
    pub fn load(file: Option<PathBuf>) -> Result<Self, TrustError> {
        let mut trust = Self { file: None, keks: BTreeMap::new(), accepted_now: BTreeSet::new() };
        let Some(path) = file else { return Ok(trust) };
        for (index, line) in read(&path)?.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let uri: KekUri = line.parse().map_err(|source| TrustError::Line {
                path: path.clone(),
                line: index + 1,
                source,
            })?;
            trust.keks.insert(uri.key(), Trusted::Accepted);
        }
        trust.file = Some(path);
        Ok(trust)
    }

    /// Adds one for this run only. What is named is so even if accepted before.
    pub fn add(&mut self, uri: KekUri, why: Trusted) {
        let known = self.keks.entry(uri.key()).or_insert(why);
        if why == Trusted::Named {
            *known = why;
        }
    }

    /// Whether it may be asked to open. An age recipient may, unless others are
    /// named: it asks nobody, and only that very recipient's identity opens it.
    #[must_use]
    pub fn allows(&self, uri: &KekUri) -> bool {
        let key = uri.key();
        if self.accepted_now.contains(&key) {
            return true;
        }
        match self.keks.values().any(|why| *why == Trusted::Named) {
            true => self.keks.get(&key) == Some(&Trusted::Named),
            false => uri.scheme() == Scheme::Age || self.keks.contains_key(&key),
        }
    }

    /// Whether it was named or accepted: what sealing to it takes.
    #[must_use]
    pub fn knows(&self, uri: &KekUri) -> bool {
        self.keks.contains_key(&uri.key())
    }

    /// All of them, with why.
    pub fn iter(&self) -> impl Iterator<Item = (&KekUri, Trusted)> {
        self.keks.iter().map(|(uri, why)| (uri, *why))
    }

    /// Remembers it from now on. Without a configuration folder, for this run.
    ///
    /// # Errors
    /// [`TrustError`] when it cannot be written down; it then holds for this run.
    pub fn accept(&mut self, uri: &KekUri) -> Result<(), TrustError> {
        let key = uri.key();
        self.accepted_now.insert(key.clone());
        if self.keks.get(&key) == Some(&Trusted::Accepted) {
            return Ok(());
        }
        self.keks.entry(key.clone()).or_insert(Trusted::Accepted);
        self.rewrite(|lines| {
            if !lines.iter().any(|line| line == key.as_str()) {
                lines.push(key.as_str().to_owned());
            }
        })
    }

    /// Forgets it. Says whether it was on the list.
    ///
    /// # Errors
    /// [`TrustError`] when the list cannot be written.
    pub fn forget(&mut self, uri: &KekUri) -> Result<bool, TrustError> {
        let uri = &uri.key();
        self.keks.remove(uri);
        let Some(path) = &self.file else { return Ok(false) };
        let known = read(path)?.lines().any(|line| line.trim() == uri.as_str());
        if known {
            self.rewrite(|lines| lines.retain(|line| line.trim() != uri.as_str()))?;
        }
        Ok(known)
    }

    /// Reads the file anew, so that what another process added meanwhile stays.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<String>)) -> Result<(), TrustError> {
        let Some(path) = &self.file else { return Ok(()) };
        let _lock = lock(path)?;
        let mut lines: Vec<String> = read(path)?.lines().map(str::to_owned).collect();
        if lines.is_empty() {
            lines.push(
                "# KEKs that this machine may ask: sealed to from here, or accepted once".into(),
            );
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
    std::fs::create_dir_all(folder)
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

    fn aws(name: &str) -> KekUri {
        KekUri::aws(&format!("alias/{name}")).expect("an alias")
    }

    #[test]
    fn what_was_accepted_is_remembered_and_can_be_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("new/trusted-keks");
        let load = || Trust::load(Some(file.clone())).expect("readable");
        let mut trust = load();
        assert!(!trust.allows(&aws("a")));
        trust.accept(&aws("a")).expect("written");
        trust.accept(&aws("b")).expect("written");
        trust.add(aws("c"), Trusted::Named);
        assert!(load().allows(&aws("a")) && load().allows(&aws("b")) && !load().allows(&aws("c")));
        assert!(trust.forget(&aws("a")).expect("written"));
        assert!(!load().allows(&aws("a")) && load().allows(&aws("b")));
        assert!(!trust.forget(&aws("a")).expect("written"));
    }

    #[test]
    fn an_age_recipient_asks_nobody_but_is_not_asked_where_others_are_named() {
        let age = KekUri::age("age1abc").expect("a recipient");
        let mut trust = Trust::load(None).expect("empty");
        trust.accept(&aws("accepted")).expect("kept");
        assert!(trust.allows(&age));
        let mut trust = Trust::load(None).expect("empty");
        trust.add(aws("before"), Trusted::Configured);
        trust.add(aws("named"), Trusted::Named);
        assert!(trust.allows(&aws("named")));
        assert!(!trust.allows(&age) && !trust.allows(&aws("before")));
        trust.accept(&age).expect("kept");
        assert!(trust.allows(&age), "accepted now, by the person");
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
                    trust.accept(&aws(&index.to_string())).expect("written");
                });
            }
        });
        let trust = Trust::load(Some(file)).expect("readable");
        assert!((0..8).all(|index| trust.allows(&aws(&index.to_string()))));
    }

    #[test]
    fn a_damaged_list_is_an_error_not_an_empty_list() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trusted-keks");
        std::fs::write(&file, "# ok\nnonsense\n").expect("written");
        let error = Trust::load(Some(file)).err().expect("refused").to_string();
        assert!(error.contains("line 2"), "{error}");
    }
}
