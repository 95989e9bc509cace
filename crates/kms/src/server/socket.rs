//! The socket: in a directory that nobody else can write to, and never taken from a live server.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::net::{UnixListener, UnixStream};

use crate::config::SocketConfig;

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
    pub fn open(config: &SocketConfig) -> Result<Self, SocketError> {
        let path = &config.path;
        check_directory(path)?;
        check_free(path)?;
        let made = |source| SocketError::Make { path: path.clone(), source };
        // kube-apiserver must never see a socket with another mode.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let _ = fs::remove_file(&new);
        let listener = UnixListener::bind(&new).map_err(made)?;
        let inode = fs::set_permissions(&new, Permissions::from_mode(config.mode))
            .and_then(|()| fs::symlink_metadata(&new))
            .and_then(|metadata| fs::rename(&new, path).map(|()| metadata.ino()))
            .inspect_err(|_| drop(fs::remove_file(&new)))
            .map_err(made)?;
        Ok(Self { listener, path: path.clone(), inode })
    }

    /// Waits for a connection.
    pub(super) async fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let is_ours = fs::symlink_metadata(&self.path).is_ok_and(|m| m.ino() == self.inode);
        if is_ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn check_directory(path: &Path) -> Result<(), SocketError> {
    let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
    let metadata = fs::metadata(&directory)
        .map_err(|source| SocketError::Directory { path: directory.clone(), source })?;
    match metadata.mode() & 0o022 {
        0 => Ok(()),
        _ => Err(SocketError::Writable(directory)),
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

    fn config(folder: &Path) -> SocketConfig {
        SocketConfig { path: folder.join("kms.sock"), ..SocketConfig::default() }
    }

    #[tokio::test]
    async fn a_live_socket_is_not_taken_and_a_stale_one_is_replaced() {
        let folder = tempfile::tempdir().expect("a directory");
        let config = config(folder.path());
        let first = Socket::open(&config).expect("opened");
        let mode = fs::metadata(&config.path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert!(matches!(Socket::open(&config), Err(SocketError::InUse(_))));
        drop(first);
        assert!(!config.path.exists(), "it is removed at the end");
        // A server that was killed leaves its socket behind.
        drop(std::os::unix::net::UnixListener::bind(&config.path).expect("bound"));
        assert!(config.path.exists());
        let second = Socket::open(&config).expect("replaced");
        // The socket of another server stays.
        fs::remove_file(&config.path).expect("removed");
        let _other = std::os::unix::net::UnixListener::bind(&config.path).expect("bound");
        drop(second);
        assert!(config.path.exists());
        assert_eq!(fs::read_dir(folder.path()).expect("read").count(), 1, "nothing else is left");
    }

    #[tokio::test]
    async fn a_directory_that_others_can_write_to_is_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("set");
        let config = config(folder.path());
        assert!(matches!(Socket::open(&config), Err(SocketError::Writable(_))));
        let missing = SocketConfig { path: "/nonexistent/kms.sock".into(), ..config };
        assert!(matches!(Socket::open(&missing), Err(SocketError::Directory { .. })));
    }

    #[tokio::test]
    async fn a_file_is_not_replaced() {
        let folder = tempfile::tempdir().expect("a directory");
        let config = config(folder.path());
        fs::write(&config.path, "precious").expect("written");
        assert!(matches!(Socket::open(&config), Err(SocketError::NotASocket(_))));
        assert_eq!(fs::read(&config.path).expect("read"), b"precious");
    }
}
