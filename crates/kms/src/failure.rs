//! What ends a command early, for a person.

pub use envcrypt_daemon::failure::{Failure, one_line};

use crate::config::ConfigError;
use crate::server::SocketError;

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        let hint = match &error {
            SocketError::Directory { path, .. } => Some(format!(
                "run `envcrypt-kms prepare --dir {} --uid UID` first, with the user of the server",
                path.display()
            )),
            SocketError::Owner { path, .. } => Some(format!(
                "run `envcrypt-kms prepare --dir {} --uid UID` as root, with the user of the server",
                path.display()
            )),
            SocketError::Writable(path) => Some(format!("run `chmod go-w {}`", path.display())),
            SocketError::NotASocket(_) => Some("choose another `socket.path`".to_owned()),
            SocketError::InUse(_) => {
                Some("stop the other server, or choose another `socket.path`".to_owned())
            }
            SocketError::Make { .. } => None,
        };
        let failure = Self::new(error.to_string());
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
