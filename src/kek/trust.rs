//! Which KEKs this machine may ask: format.md, "Who may be asked to open it".
//!
//! A sealed file names its KEKs, and whoever can write the file could name
//! their own. So only those are asked that the person named or accepted once.

use std::collections::BTreeMap;
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
pub struct Trust {
    file: Option<PathBuf>,
    keks: BTreeMap<KekUri, Trusted>,
}

impl Trust {
    /// Reads the accepted ones from `file`, which need not exist.
    ///
    /// # Errors
    /// [`TrustError`] when the file is there and cannot be understood: guessing
    /// at a list of trust would be worse than stopping.
    pub fn load(file: Option<PathBuf>) -> Result<Self, TrustError> {
        let mut trust = Self { file: None, keks: BTreeMap::new() };
        let Some(path) = file else { return Ok(trust) };
        for (index, line) in read(&path)?.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let uri = line.parse().map_err(|source| TrustError::Line {
                path: path.clone(),
                line: index + 1,
                source,
            })?;
            trust.keks.insert(uri, Trusted::Accepted);
        }
        trust.file = Some(path);
        Ok(trust)
    }

    /// Adds one for this run only.
    pub fn add(&mut self, uri: KekUri, why: Trusted) {
        self.keks.entry(uri).or_insert(why);
    }

    /// Whether it may be asked to open. An age recipient always may: opening with it
    /// asks nobody, and works only with an identity that the person keeps.
    #[must_use]
    pub fn allows(&self, uri: &KekUri) -> bool {
        uri.scheme() == Scheme::Age || self.keks.contains_key(uri)
    }

    /// Whether it was named or accepted: what sealing to it takes.
    #[must_use]
    pub fn knows(&self, uri: &KekUri) -> bool {
        self.keks.contains_key(uri)
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
        if self.keks.insert(uri.clone(), Trusted::Accepted) == Some(Trusted::Accepted) {
            return Ok(());
        }
        self.rewrite(|lines| lines.push(uri.as_str().to_owned()))
    }

    /// Forgets it. Says whether it was on the list.
    ///
    /// # Errors
    /// [`TrustError`] when the list cannot be written.
    pub fn forget(&mut self, uri: &KekUri) -> Result<bool, TrustError> {
        let known = self.keks.remove(uri) == Some(Trusted::Accepted);
        if known {
            self.rewrite(|lines| lines.retain(|line| line.trim() != uri.as_str()))?;
        }
        Ok(known)
    }

    /// Reads the file anew, so that what another process added meanwhile stays.
    fn rewrite(&self, change: impl FnOnce(&mut Vec<String>)) -> Result<(), TrustError> {
        let Some(path) = &self.file else { return Ok(()) };
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

/// Writes a new file beside the old one, then puts it in its place.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
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
    fn an_age_recipient_asks_nobody() {
        let trust = Trust::load(None).expect("empty");
        assert!(trust.allows(&KekUri::age("age1abc").expect("a recipient")));
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
