//! What the server says of itself: the one snapshot from which Status and Encrypt answer.

use std::sync::Arc;
use std::time::Instant;

use envcrypt_core::seed::LocalKey;

/// The key in use, and its id.
pub struct Current {
    /// What kube-apiserver stores with each object.
    pub key_id: String,
    /// The local key, or `None` while the ciphertexts of a peer are written.
    pub local: Option<LocalKey>,
    /// Whether each KEK has wrapped the local key.
    pub is_complete: bool,
    /// When it was made.
    pub since: Instant,
}

/// Whether the server can work.
#[derive(Clone)]
pub enum Standing {
    /// No KEK has answered yet.
    Starting(String),
    /// It works. During an outage it works from memory.
    Ready(Arc<Current>),
    /// The outage takes too long. The local key is kept for the time after it.
    Failing(String, Arc<Current>),
    /// The KEKs refuse. Every key is wiped.
    Stopped(String),
}

impl Standing {
    /// Returns what is in use.
    ///
    /// # Errors
    /// Returns why nothing is.
    pub fn ready(&self) -> Result<&Arc<Current>, &str> {
        match self {
            Self::Ready(current) => Ok(current),
            Self::Starting(why) | Self::Failing(why, _) | Self::Stopped(why) => Err(why),
        }
    }

    /// Returns what is in use, or will be in use again after an outage.
    pub fn current(&self) -> Option<&Arc<Current>> {
        match self {
            Self::Ready(current) | Self::Failing(_, current) => Some(current),
            Self::Starting(_) | Self::Stopped(_) => None,
        }
    }
}
