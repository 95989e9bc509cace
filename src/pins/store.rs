//! The files with the pins: one for each repository, in the user's configuration directory.

use std::fs::{DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Pin;
use crate::failure::SignersError;

pub struct Store {
    directory: Option<PathBuf>,
}

impl Store {
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self { directory }
    }

    /// The pin of the repository with this top.
    pub fn load(&self, top: &Path) -> Result<Option<Pin>, SignersError> {
        match &self.directory {
            Some(directory) => read(&directory.join(name(top))),
            None => Ok(None),
        }
    }

    pub fn is_any(&self) -> bool {
        let files = self.directory.as_ref().and_then(|directory| directory.read_dir().ok());
        files.is_some_and(|mut files| files.next().is_some())
    }

    pub fn all(&self) -> Result<Vec<Pin>, SignersError> {
        let Some(directory) = &self.directory else { return Ok(Vec::new()) };
        let error = |source: &io::Error| SignersError::pin(directory, "read", source);
        let files = match directory.read_dir() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.map_err(|e| error(&e))?,
        };
        let mut pins = Vec::new();
        for file in files {
            let path = file.map_err(|e| error(&e))?.path();
            if path.extension().is_some_and(|extension| extension == "json") {
                pins.extend(read(&path)?);
            }
        }
        Ok(pins)
    }

    /// Removes the pins of copies of a repository whose top is gone.
    pub fn forget_gone(&self, traces: &Pin) -> Result<(), SignersError> {
        let Some(directory) = &self.directory else { return Ok(()) };
        for pin in self.all()?.iter().filter(|pin| pin.is_copy_of(traces)) {
            let top = Path::new(&pin.repository);
            let path = directory.join(name(top));
            // The name of another path was shown in part: then there is no such file.
            if top.symlink_metadata().is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
                match std::fs::remove_file(&path) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => {
                        return Err(SignersError::pin(&path, "removed", &e));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Changes the pin on disk while no other process does. Returns the new one, or `None` if
    /// nothing can be written here.
    pub fn change(
        &self,
        top: &Path,
        change: &dyn Fn(&mut Pin),
    ) -> Result<Option<Pin>, SignersError> {
        let Some(directory) = &self.directory else { return Ok(None) };
        let path = directory.join(name(top));
        let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
        let lock = made.and_then(|()| File::open(directory));
        let lock = lock.and_then(|file| file.lock().map(|()| file));
        let Some(_lock) = writable(lock, &path)? else { return Ok(None) };
        let mut pin = read(&path)?.unwrap_or_default();
        change(&mut pin);
        pin.repository = top.display().to_string();
        let text = serde_json::to_string_pretty(&pin).expect("text maps to JSON") + "\n";
        Ok(writable(replace(directory, &path, text.as_bytes()), &path)?.map(|()| pin))
    }
}

/// `None` if the configuration directory is read-only.
fn writable<T>(result: io::Result<T>, path: &Path) -> Result<Option<T>, SignersError> {
    use io::ErrorKind::{NotADirectory, NotFound, PermissionDenied, ReadOnlyFilesystem};
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e)
            if matches!(
                e.kind(),
                PermissionDenied | ReadOnlyFilesystem | NotADirectory | NotFound
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(SignersError::pin(path, "written", &e)),
    }
}

fn read(path: &Path) -> Result<Option<Pin>, SignersError> {
    match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(pin) => Ok(Some(pin)),
            Err(_) => Err(SignersError::Damaged(path.to_owned())),
        },
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(e) => Err(SignersError::pin(path, "read", &e)),
    }
}

/// Puts a new file with mode 0600 in the place of the old one.
fn replace(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A path can be longer than a name may be, and have any bytes.
fn name(top: &Path) -> String {
    let digest = Sha256::digest(top.as_os_str().as_encoded_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{hex}.json")
}
