//! Errors of searching the history of a repository.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum HistoryError {
    /// The history was searched only in part. Each reason says what to do.
    #[error("the history is incomplete")]
    Incomplete(Vec<String>),
    /// Values that the holder of a KEK has, or can have.
    #[error("found {values} {} to replace at the source", super::plural(*values, "value"))]
    Exposed {
        values: usize,
        /// What could not be searched.
        incomplete: Vec<String>,
    },
    /// An alias, and nobody who knows its key.
    #[error("the key behind `{0}` is not known, so its values cannot be found")]
    Alias(String),
}

impl Explain for HistoryError {
    fn causes(&self) -> Vec<String> {
        match self {
            Self::Incomplete(reasons) => reasons.clone(),
            Self::Exposed { incomplete, .. } => incomplete
                .iter()
                .map(|reason| format!("the search is incomplete: {reason}"))
                .collect(),
            Self::Alias(_) => Vec::new(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Incomplete(_) => Vec::new(),
            Self::Exposed { .. } => vec![
                "`rotate` is not enough: it seals the same values again".to_owned(),
                "get a new value where the value comes from, for example a new password of the database, then run `kubectl envcrypt set -f FILE KEY`".to_owned(),
                "take the KEK off the Secrets that still have it: `kubectl envcrypt rewrap --remove KEK -R -f .`".to_owned(),
            ],
            Self::Alias(_) => vec![
                "name the key by its ARN; `aws kms describe-key --key-id alias/NAME` prints it".to_owned(),
            ],
        }
    }

    fn exit_code(&self) -> u8 {
        if matches!(self, Self::Exposed { .. }) { 1 } else { 2 }
    }
}
