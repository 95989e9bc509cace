//! New and replaced files: complete, or not there at all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

#[derive(Debug, Error)]
pub enum FileError {
    #[error("`{0}` already exists")]
    Exists(PathBuf),
    /// Someone else changed the file.
    #[error("`{0}` changed while the command ran")]
    Changed(PathBuf),
    /// The file cannot be written. No part of it is left.
    #[error("`{path}` cannot be written: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// Writes a new file with mode 0600. It appears complete or not at all, and never replaces another
/// file. If the file system supports it, the file has no name while it is written, so that even a
/// killed process leaves nothing behind.
pub fn new_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let written = write_unnamed(folder, path, bytes).or_else(|error| match error.kind() {
        io::ErrorKind::Unsupported => write_named(folder, path, bytes),
        _ => Err(error),
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => FileError::Exists(path.to_owned()),
        _ => FileError::Io { path: path.to_owned(), source },
    })
}

/// The same with mode 0644, for a file without secrets that other people read, too.
pub fn new_shared_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    new_file(path, bytes)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
        .map_err(|source| FileError::Io { path: path.to_owned(), source })
}

/// Replaces the content of a file, completely or not at all. Mode and owner stay. A link stays a
/// link to the new content. First removes what a killed process left next to the file. Fails with
/// [`FileError::Changed`] if the file no longer holds `old`.
pub fn replace_file(path: &Path, old: &[u8], new: &[u8]) -> Result<(), FileError> {
    let error = |source| FileError::Io { path: path.to_owned(), source };
    let target = path.canonicalize().map_err(error)?;
    let is_changed = |path: &Path| Ok(std::fs::read(path).map_err(error)? != old);
    if is_changed(&target)? {
        return Err(FileError::Changed(path.to_owned()));
    }
    sweep(&target);
    let beside = Beside::write(&target, new).map_err(error)?;
    match beside.exchange(&target) {
        // The previous file is now at the other name, so even the latest change to it is noticed.
        Ok(()) if is_changed(&beside.path)? => {
            beside.exchange(&target).map_err(error)?;
            Err(FileError::Changed(path.to_owned()))
        }
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::Unsupported => {
            if is_changed(&target)? {
                return Err(FileError::Changed(path.to_owned()));
            }
            std::fs::rename(&beside.path, &target).map_err(error)
        }
        Err(e) => Err(error(e)),
    }
}

/// Removes what a killed process left next to a file that needs no change any more.
pub fn sweep_beside(path: &Path) {
    if let Ok(target) = path.canonicalize() {
        sweep(&target);
    }
}

/// A file next to another one, with a name that shows its owner. It is locked while it is in use,
/// and removed when dropped.
struct Beside {
    path: PathBuf,
    _file: File,
}

impl Beside {
    /// Writes all content before the file gets a name, if the file system supports it.
    fn write(target: &Path, bytes: &[u8]) -> io::Result<Self> {
        let folder = target.parent().unwrap_or(Path::new("/"));
        let mut random = [0; 8];
        envcrypt_core::secret::random_bytes(&mut random);
        let mut name = prefix(target);
        name.push(format!("{:016x}", u64::from_le_bytes(random)));
        let path = folder.join(name);
        let (mut file, has_name) = match unnamed(folder) {
            Ok(file) => (file, false),
            Err(e) if e.kind() == io::ErrorKind::Unsupported => {
                let mut options = OpenOptions::new();
                (options.write(true).create_new(true).mode(0o600).open(&path)?, true)
            }
            Err(e) => return Err(e),
        };
        file.lock()?;
        let written = file.write_all(bytes).and_then(|()| like(&file, target));
        let written = written.and_then(|()| file.sync_all());
        match (written, has_name) {
            (Ok(()), true) => {}
            (Ok(()), false) => link(&file, &path)?,
            (Err(e), _) => {
                if has_name {
                    let _ = std::fs::remove_file(&path);
                }
                return Err(e);
            }
        }
        Ok(Self { path, _file: file })
    }

    /// Swaps both files in one step.
    #[cfg(target_os = "linux")]
    fn exchange(&self, target: &Path) -> io::Result<()> {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        let flags = RenameFlags::RENAME_EXCHANGE;
        renameat2(AT_FDCWD, &self.path, AT_FDCWD, target, flags).map_err(|errno| match errno {
            nix::Error::EINVAL | nix::Error::ENOSYS | nix::Error::EOPNOTSUPP => {
                io::ErrorKind::Unsupported.into()
            }
            errno => io::Error::from(errno),
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn exchange(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Part of the name of each file of ours.
const MARK: &str = ".envcrypt-";

/// The prefix of the names of our files next to `target`.
fn prefix(target: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(MARK);
    name
}

/// Removes what a killed process left next to a file: it may hold plaintext.
fn sweep(target: &Path) {
    let Some(folder) = target.parent() else { return };
    let prefix = prefix(target);
    for name in left_in(folder) {
        let path = folder.join(&name);
        let is_ours = name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes())
            && path.symlink_metadata().is_ok_and(|found| found.is_file());
        // A file in use is locked.
        let is_left = || File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
        if is_ours && is_left() {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Files in a directory that may have been left behind, by their names. Each directory is read once
/// per run: otherwise ten thousand files would cause ten thousand reads.
fn left_in(folder: &Path) -> Vec<OsString> {
    static SEEN: Mutex<BTreeMap<PathBuf, Vec<OsString>>> = Mutex::new(BTreeMap::new());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    let read = || {
        let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let is_mark = |name: &OsString| {
            memchr::memmem::find(name.as_encoded_bytes(), MARK.as_bytes()).is_some()
        };
        names.map(|entry| entry.file_name()).filter(is_mark).collect()
    };
    seen.entry(folder.to_owned()).or_insert_with(read).clone()
}

/// Gives a new file the mode and the owner of another file.
fn like(file: &File, target: &Path) -> io::Result<()> {
    let there = std::fs::metadata(target)?;
    let mut mode = there.mode() & 0o7777;
    let own = |owner| std::os::unix::fs::fchown(file, owner, Some(there.gid()));
    // Only root may change the owner. If the group cannot be kept, the new group gets no access.
    if own(Some(there.uid())).or_else(|_| own(None)).is_err() {
        mode &= 0o7707;
    }
    file.set_permissions(std::fs::Permissions::from_mode(mode))
}

fn write_unnamed(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = unnamed(folder)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    link(&file, path)
}

/// A file without a name, which disappears with the process. Only its owner can read it.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> io::Result<File> {
    use nix::fcntl::{OFlag, open};
    use nix::sys::stat::Mode;
    if !Path::new("/proc/self/fd").exists() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = open(folder, flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|errno| match errno {
        // These errors mean that the kernel or the file system does not support it.
        nix::Error::EOPNOTSUPP | nix::Error::EISDIR | nix::Error::EINVAL => {
            io::ErrorKind::Unsupported.into()
        }
        errno => io::Error::from(errno),
    })?;
    Ok(File::from(file))
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Gives an unnamed file a name that does not exist yet.
#[cfg(target_os = "linux")]
fn link(file: &File, path: &Path) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags};
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    let follow = AtFlags::AT_SYMLINK_FOLLOW;
    Ok(nix::unistd::linkat(AT_FDCWD, link.as_str(), AT_FDCWD, path, follow)?)
}

#[cfg(not(target_os = "linux"))]
fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write_named(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|e| e.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_write_a_new_private_file_and_never_over_another() {
        let folder = tempfile::tempdir().expect("a directory");
        for (name, write) in
            [("a", write_unnamed as fn(&Path, &Path, &[u8]) -> io::Result<()>), ("b", write_named)]
        {
            let path = folder.path().join(name);
            match write(folder.path(), &path, b"one") {
                Err(e) if e.kind() == io::ErrorKind::Unsupported => continue,
                written => written.expect("written"),
            }
            let mode = std::fs::metadata(&path).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let again = write(folder.path(), &path, b"two").expect_err("refused");
            assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(std::fs::read(&path).expect("there"), b"one");
        }
        let left = std::fs::read_dir(folder.path()).expect("listed").count();
        assert!(left <= 2, "something else was left behind");
    }

    #[test]
    fn a_file_is_replaced_with_its_mode_and_through_its_link() {
        let folder = tempfile::tempdir().expect("a directory");
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(&path, b"one").expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("set");
        std::os::unix::fs::symlink("a", &link).expect("linked");
        replace_file(&link, b"one", b"two").expect("replaced");
        assert!(link.is_symlink());
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        let error = replace_file(&path, b"one", b"three").expect_err("refused");
        assert!(matches!(error, FileError::Changed(_)));
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 2);
    }

    #[test]
    fn what_a_killed_process_left_beside_a_file_goes_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("a");
        std::fs::write(&path, b"one").expect("written");
        std::fs::write(folder.path().join(".a.envcrypt-0123"), b"plaintext").expect("written");
        std::fs::write(folder.path().join(".b.envcrypt-0123"), b"another's").expect("written");
        let in_use = Beside::write(&path, b"other").expect("written");
        replace_file(&path, b"one", b"two").expect("replaced");
        assert!(in_use.path.exists());
        drop(in_use);
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .expect("listed")
            .flatten()
            .map(|e| e.file_name())
            .collect();
        left.sort();
        assert_eq!(left, [".b.envcrypt-0123", "a"]);
    }

    #[test]
    fn a_missing_folder_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("gone/x");
        let error = new_file(&path, b"").expect_err("refused").to_string();
        assert!(error.starts_with(&format!("`{}` cannot be written", path.display())), "{error}");
    }
}
