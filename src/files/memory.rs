//! Directories and files for plaintext, in memory and never on a disk.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use nix::unistd::Uid;
use thiserror::Error;

/// The prefix of the names of our directories.
const PREFIX: &str = "kubectl-envcrypt.";
/// Locked while the directory is in use. If it is not locked, a process left the directory behind.
const LOCK: &str = ".kubectl-envcrypt";
/// The content of that file. If it differs, the directory is not ours to empty.
const MARK: &[u8] = b"plaintext of kubectl-envcrypt: this folder is emptied\n";

#[derive(Debug, Error)]
pub enum MemoryError {
    #[error(
        "there is no directory in memory for files: neither `XDG_RUNTIME_DIR` nor `/dev/shm` is one"
    )]
    NoPlace,
    #[error("`{0}` is not in memory")]
    OnDisk(PathBuf),
    /// It belongs to another user, who could put other files into it.
    #[error("`{0}` belongs to another user, or is shared by all users")]
    NotOwn(PathBuf),
    /// It holds something that is not ours.
    #[error("`{0}` already exists, and is not empty")]
    NotEmpty(PathBuf),
    #[error("`{path}` cannot be used: {source}")]
    Io {
        /// The directory or file.
        path: PathBuf,
        source: io::Error,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    Refused,
    /// The person allowed it.
    Allowed,
}

/// A directory that only its owner may enter. It is removed with its content when dropped.
pub struct MemoryDirectory {
    path: PathBuf,
    /// Whether the directory existed before.
    was_there: bool,
    lock: Option<Flock<fs::File>>,
}

impl MemoryDirectory {
    /// Creates a directory in memory. First removes what a killed process left there. Fails with
    /// [`MemoryError::NoPlace`] if there is no such place and no disk is allowed.
    pub fn new(disk: Disk) -> Result<Self, MemoryError> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let places = runtime.into_iter().chain([PathBuf::from("/dev/shm"), std::env::temp_dir()]);
        Self::among(places.filter(|place| place.is_absolute()), disk)
    }

    /// Uses the first of these places that is in memory; if a disk is allowed, otherwise the last
    /// one.
    fn among(places: impl Iterator<Item = PathBuf>, disk: Disk) -> Result<Self, MemoryError> {
        let mut last = None;
        for place in places {
            if is_in_memory(&place) {
                sweep(&place);
                if let Ok(folder) = Self::new_in(&place) {
                    return Ok(folder);
                }
            }
            last = Some(place);
        }
        match last.filter(|_| disk == Disk::Allowed) {
            Some(place) => Self::new_in(&place),
            None => Err(MemoryError::NoPlace),
        }
    }

    fn new_in(place: &Path) -> Result<Self, MemoryError> {
        let error = |source| MemoryError::Io { path: place.to_owned(), source };
        let path = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place).map_err(error)?.keep();
        let mut folder = Self { path, was_there: false, lock: None };
        fs::set_permissions(&folder.path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .map_err(error)?;
        folder.lock = Some(new_lock(&folder.path)?);
        Ok(folder)
    }

    /// Uses a directory at `path` that is new, empty, or left behind by a killed process. Fails
    /// with [`MemoryError::OnDisk`] if it would not be in memory and no disk is allowed.
    pub fn at(path: &Path, disk: Disk) -> Result<Self, MemoryError> {
        let error = |source| MemoryError::Io { path: path.to_owned(), source };
        let was_there = match fs::metadata(path) {
            // A directory with the sticky bit is for all users, as `/dev/shm` is.
            Ok(found)
                if ![0, Uid::effective().as_raw()].contains(&found.uid())
                    || found.mode() & 0o1000 != 0 =>
            {
                return Err(MemoryError::NotOwn(path.to_owned()));
            }
            Ok(_) => true,
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => false,
            Err(refused) => return Err(error(refused)),
        };
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let place = if was_there { path } else { parent };
        fs::metadata(place).map_err(error)?;
        if disk == Disk::Refused && !is_in_memory(place) {
            return Err(MemoryError::OnDisk(path.to_owned()));
        }
        if !was_there {
            DirBuilder::new().mode(0o700).create(path).map_err(error)?;
        }
        let left_behind = lock_of(path);
        let mut entries = fs::read_dir(path).map_err(error)?;
        if left_behind.is_none() && entries.next().is_some() {
            return Err(MemoryError::NotEmpty(path.to_owned()));
        }
        let mut folder = Self { path: path.to_owned(), was_there, lock: left_behind };
        folder.clear();
        if folder.lock.is_none() {
            folder.lock = Some(new_lock(path)?);
        }
        Ok(folder)
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a new file into it or into a subdirectory, readable only by its owner.
    pub fn write(&self, name: impl AsRef<Path>, bytes: &[u8]) -> Result<PathBuf, MemoryError> {
        let path = self.path.join(name);
        let folder = path.parent().unwrap_or(&self.path);
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        let written =
            made.and_then(|()| new_file(&path)).and_then(|mut file| file.write_all(bytes));
        written.map_err(|source| MemoryError::Io { path: path.clone(), source })?;
        Ok(path)
    }

    /// Removes the content, and the directory itself if it was created here.
    fn remove(&self) {
        match self.was_there {
            true => {
                self.clear();
                let _ = fs::remove_file(self.path.join(LOCK));
            }
            false => drop(fs::remove_dir_all(&self.path)),
        }
    }

    /// Removes the content.
    pub fn clear(&self) {
        for entry in fs::read_dir(&self.path).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.ends_with(LOCK) {
                continue;
            }
            let _ = match entry.file_type() {
                Ok(kind) if kind.is_dir() => fs::remove_dir_all(path),
                _ => fs::remove_file(path),
            };
        }
    }
}

impl Drop for MemoryDirectory {
    fn drop(&mut self) {
        self.remove();
    }
}

fn new_file(path: &Path) -> io::Result<fs::File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn new_lock(folder: &Path) -> Result<Flock<fs::File>, MemoryError> {
    let path = folder.join(LOCK);
    let error = |source| MemoryError::Io { path: path.clone(), source };
    let mut file = new_file(&path).map_err(error)?;
    file.write_all(MARK).map_err(error)?;
    let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock);
    lock.map_err(|(_, errno)| error(errno.into()))
}

/// The lock of a directory that nobody uses any more.
fn lock_of(folder: &Path) -> Option<Flock<fs::File>> {
    let path = folder.join(LOCK);
    let found = path.symlink_metadata().ok()?;
    // Exactly as we create it: no checkout and no archive contains a file with this mode.
    let is_ours = found.is_file()
        && found.uid() == Uid::effective().as_raw()
        && found.mode() & 0o7777 == 0o600
        && fs::read(&path).ok()? == MARK;
    if !is_ours {
        return None;
    }
    let lock = OpenOptions::new().write(true).open(path).ok()?;
    Flock::lock(lock, FlockArg::LockExclusiveNonblock).ok()
}

/// Removes our directories that no process uses any more.
fn sweep(place: &Path) {
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry
                .metadata()
                .is_ok_and(|found| found.is_dir() && found.uid() == Uid::effective().as_raw());
        if is_ours && lock_of(&entry.path()).is_some() {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a directory is on a file system in memory. It may be swapped out, as this process may.
#[cfg(target_os = "linux")]
fn is_in_memory(path: &Path) -> bool {
    use nix::sys::statfs::{FsType, TMPFS_MAGIC, statfs};
    const RAMFS_MAGIC: FsType = FsType(0x8584_58f6);
    statfs(path).is_ok_and(|found| [TMPFS_MAGIC, RAMFS_MAGIC].contains(&found.filesystem_type()))
}

#[cfg(not(target_os = "linux"))]
fn is_in_memory(_: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_folder_is_emptied_only_where_we_left_it() {
        let place = tempfile::tempdir().expect("a directory");
        let (path, lock) = (place.path(), place.path().join(LOCK));
        fs::write(path.join("theirs"), b"x").expect("written");
        for (mark, mode) in [(&b""[..], 0o600), (MARK, 0o644), (b"other", 0o600)] {
            fs::write(&lock, mark).expect("written");
            fs::set_permissions(&lock, fs::Permissions::from_mode(mode)).expect("set");
            let refused = MemoryDirectory::at(path, Disk::Allowed);
            assert!(matches!(refused, Err(MemoryError::NotEmpty(_))), "{mode:o}");
            assert!(path.join("theirs").exists());
        }
        fs::write(&lock, MARK).expect("written");
        let folder = MemoryDirectory::at(path, Disk::Allowed).expect("left behind by us");
        assert!(!path.join("theirs").exists());
        drop(folder);
    }

    #[test]
    fn a_disk_is_used_only_where_that_is_allowed() {
        let disk = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).expect("a directory");
        let places = || [disk.path().to_owned()].into_iter();
        if is_in_memory(disk.path()) {
            return;
        }
        assert!(matches!(
            MemoryDirectory::among(places(), Disk::Refused),
            Err(MemoryError::NoPlace)
        ));
        let folder = MemoryDirectory::among(places(), Disk::Allowed).expect("made");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        let file = folder.write("a/b", b"x").expect("written");
        assert_eq!((mode(folder.path()), mode(&file)), (0o700, 0o600));
        assert!(folder.write("a/b", b"y").is_err(), "never over another");
        drop(folder);
        assert_eq!(fs::read_dir(disk.path()).expect("listed").count(), 0);
    }
}
