//! The socket: in a directory that nobody else can write to, and never taken from a live server.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use envcrypt_core::secret::random_bytes;
use nix::unistd::geteuid;
use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};

/// Why the socket cannot be opened.
#[derive(Debug, Error)]
pub enum SocketError {
    /// The directory does not exist, or cannot be read.
    #[error("the directory `{path}` of the socket cannot be used: {source}")]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its owner could replace the socket.
    #[error("the directory `{path}` of the socket belongs to the user {uid}")]
    Owner {
        /// The directory.
        path: PathBuf,
        /// Its owner.
        uid: u32,
    },
    /// Another user could replace the socket.
    #[error("others can write to the directory `{0}` of the socket")]
    Writable(PathBuf),
    /// Something else has the name.
    #[error("`{0}` is not a socket")]
    NotASocket(PathBuf),
    /// Another server listens there.
    #[error("another server already listens on `{0}`")]
    InUse(PathBuf),
    /// The socket cannot be made.
    #[error("the socket `{path}` cannot be made: {source}")]
    Make {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The socket of this server. It is removed when it is dropped.
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    inode: u64,
}

impl Socket {
    /// Opens the socket. It replaces one that a server has left behind.
    ///
    /// # Errors
    /// Returns a [`SocketError`] if another server listens there, or if others could replace it.
    pub fn open(path: &Path, mode: u32) -> Result<Self, SocketError> {
        check_directory(path)?;
        check_free(path)?;
        let made = |source| SocketError::Make { path: path.to_owned(), source };
        // kube-apiserver must never see a socket with another mode.
        let mut random = [0; 4];
        random_bytes(&mut random);
        let new = path.with_extension(format!("{:08x}.new", u32::from_ne_bytes(random)));
        let listener = UnixListener::bind(&new).map_err(made)?;
        let inode = fs::set_permissions(&new, Permissions::from_mode(mode))
            .and_then(|()| fs::symlink_metadata(&new))
            .and_then(|metadata| fs::rename(&new, path).map(|()| metadata.ino()))
            .inspect_err(|_| drop(fs::remove_file(&new)))
            .map_err(made)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Removes the socket, so that another server can take its place. Connections stay.
    pub fn remove(&self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode);
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Waits for a connection.
    pub async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.remove();
    }
}

fn check_directory(path: &Path) -> Result<(), SocketError> {
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let metadata = fs::metadata(&directory)
        .map_err(|source| SocketError::Directory { path: directory.clone(), source })?;
    if metadata.mode() & 0o022 != 0 {
        return Err(SocketError::Writable(directory));
    }
    match metadata.uid() {
        0 => Ok(()),
        uid if uid == geteuid().as_raw() => Ok(()),
        uid => Err(SocketError::Owner { path: directory, uid }),
    }
}

/// A socket on which nobody listens is left over from a server that was killed.
fn check_free(path: &Path) -> Result<(), SocketError> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    if !metadata.file_type().is_socket() {
        return Err(SocketError::NotASocket(path.to_owned()));
    }
    match StdStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        // It listens, or this user may not find out.
        _ => Err(SocketError::InUse(path.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_live_socket_is_not_taken_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("kms.sock");
        let first = Socket::open(&path, 0o600).expect("opened");
        let mode = fs::metadata(&path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert!(matches!(Socket::open(&path, 0o600), Err(SocketError::InUse(_))));
        drop(first);
        assert!(!path.exists(), "it is removed at the end");
        // A server that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
        assert!(path.exists());
        let second = Socket::open(&path, 0o600).expect("replaced");
        // The socket of another server stays.
        fs::remove_file(&path).expect("removed");
        let _other = std::os::unix::net::UnixListener::bind(&path).expect("bound");
        drop(second);
        assert!(path.exists());
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn a_directory_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("set");
        let path = folder.path().join("kms.sock");
        assert!(matches!(Socket::open(&path, 0o600), Err(SocketError::Writable(_))));
        let missing = Path::new("/nonexistent/kms.sock");
        assert!(matches!(Socket::open(missing, 0o600), Err(SocketError::Directory { .. })));
    }

    #[tokio::test]
    async fn a_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("kms.sock");
        fs::write(&path, "precious").expect("written");
        assert!(matches!(Socket::open(&path, 0o600), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read(&path).expect("read"), b"precious");
    }
}
