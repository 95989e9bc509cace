//! Errors of `policy`.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum PolicyError {
    /// Each right was printed.
    #[error("{missing} of {all} rights are missing")]
    Missing { missing: usize, all: usize },
}

impl Explain for PolicyError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing { .. } => {
                "run the same command without `--check`, and let an administrator apply what it prints"
                    .to_owned()
            }
        })
    }
}
