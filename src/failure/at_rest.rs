//! Errors of encryption at rest.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum AtRestError {
    /// Some objects were not stored again. Each one was reported.
    #[error("{failed} of {all} objects were not re-encrypted; the others are done")]
    NotReencrypted { failed: usize, all: usize },
}

impl Explain for AtRestError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotReencrypted { .. } => {
                "an object that cannot be decrypted needs its old key: put the key back into the EncryptionConfiguration, then run the command again"
            }
        };
        Some(text.to_owned())
    }
}
