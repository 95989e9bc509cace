//! Standard output, and new files: whole, or not there.

use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why something was not written.
#[derive(Debug, Error)]
pub enum OutputError {
    /// Whoever read standard output has gone, as `head` does. Not worth a word.
    #[error("standard output was closed")]
    Closed,
    /// Standard output does not take it.
    #[error("standard output cannot be written: {0}")]
    Stdout(io::Error),
    /// A file of this name is there already.
    #[error("`{0}` exists already")]
    Exists(PathBuf),
    /// Someone else changed the file meanwhile.
    #[error("`{0}` was changed meanwhile")]
    Changed(PathBuf),
    /// The file cannot be written. Nothing of it is left.
    #[error("`{path}` cannot be written: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

/// Writes to standard output, past the buffer that would keep a copy.
///
/// # Errors
/// [`OutputError::Closed`] where nobody reads any more.
pub fn stdout(bytes: &[u8]) -> Result<(), OutputError> {
    let mut file = nix::unistd::dup(io::stdout())
        .map(std::fs::File::from)
        .map_err(|e| OutputError::Stdout(e.into()))?;
    file.write_all(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputError::Closed,
        _ => OutputError::Stdout(error),
    })
}

/// Writes one line to standard error; who closed it does not want to know.
pub fn stderr_line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Whether a person looks at standard output.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person looks at standard error.
#[must_use]
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

/// Writes a new file, mode 0600: it appears whole under its name or not at
/// all, and never over another. Where the file system can, it has no name
/// while it is being written, so that even a killed process leaves nothing.
///
/// # Errors
/// [`OutputError::Exists`], [`OutputError::File`].
pub fn new_file(path: &Path, bytes: &[u8]) -> Result<(), OutputError> {
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let written = write_unnamed(folder, path, bytes).or_else(|error| match error.kind() {
        io::ErrorKind::Unsupported => write_named(folder, path, bytes),
        _ => Err(error),
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => OutputError::Exists(path.to_owned()),
        _ => OutputError::File { path: path.to_owned(), source },
    })
}

/// Puts new content in the place of a file's: whole or not at all, the file's
/// mode and owner kept. A link stays a link, to the new content.
///
/// # Errors
/// [`OutputError::Changed`] where the file does not hold `old` any more;
/// [`OutputError::File`].
pub fn replace_file(path: &Path, old: &[u8], new: &[u8]) -> Result<(), OutputError> {
    let error = |source| OutputError::File { path: path.to_owned(), source };
    let target = path.canonicalize().map_err(error)?;
    let folder = target.parent().unwrap_or(Path::new("/"));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(error)?;
    let written = file.write_all(new).and_then(|()| {
        let there = std::fs::metadata(&target)?;
        let mut mode = there.mode() & 0o7777;
        let own = |owner| std::os::unix::fs::fchown(file.as_file(), owner, Some(there.gid()));
        // Only root may give a file away. Another group may not read it.
        if own(Some(there.uid())).or_else(|_| own(None)).is_err() {
            mode &= 0o7707;
        }
        file.as_file().set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.as_file().sync_all()
    });
    written.map_err(error)?;
    if std::fs::read(&target).map_err(error)? != old {
        return Err(OutputError::Changed(path.to_owned()));
    }
    file.persist(&target).map_err(|e| error(e.error))?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn write_unnamed(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
    use nix::sys::stat::Mode;
    use nix::unistd::linkat;
    use std::os::fd::AsRawFd;

    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let file = open(folder, flags, Mode::S_IRUSR | Mode::S_IWUSR).map_err(|errno| match errno {
        // The answers of kernels and file systems that cannot.
        nix::Error::EOPNOTSUPP | nix::Error::EISDIR | nix::Error::EINVAL => {
            io::ErrorKind::Unsupported.into()
        }
        errno => io::Error::from(errno),
    })?;
    let mut file = std::fs::File::from(file);
    file.write_all(bytes)?;
    file.sync_all()?;
    let link = format!("/proc/self/fd/{}", file.as_raw_fd());
    if !Path::new(&link).exists() {
        return Err(io::ErrorKind::Unsupported.into());
    }
    linkat(AT_FDCWD, link.as_str(), AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn write_unnamed(_: &Path, _: &Path, _: &[u8]) -> io::Result<()> {
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
        let folder = tempfile::tempdir().expect("a folder");
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
        let folder = tempfile::tempdir().expect("a folder");
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
        assert!(matches!(error, OutputError::Changed(_)));
        assert_eq!(std::fs::read(&path).expect("there"), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 2);
    }

    #[test]
    fn a_missing_folder_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gone/x");
        let error = new_file(&path, b"").expect_err("refused").to_string();
        assert!(error.starts_with(&format!("`{}` cannot be written", path.display())), "{error}");
    }
}
