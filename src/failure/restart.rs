//! Errors of restarts of workloads.

use thiserror::Error;

use super::Explain;

/// What is wrong with restarts of workloads.
#[derive(Debug, Error)]
pub enum RestartError {
    /// Some workloads were not restarted; each was reported.
    #[error("{failed} of {all} were not restarted")]
    NotRestarted {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A restart that does not get on.
    #[error("`{0}` does not get on with its restart")]
    RolloutStuck(String),
    /// A restart that takes longer than it may.
    #[error("`{0}` was not restarted in time")]
    RolloutSlow(String),
}

impl Explain for RestartError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotRestarted { .. } => "`kubectl envcrypt restart NAME` tries again",
            Self::RolloutStuck(_) | Self::RolloutSlow(_) => {
                "`kubectl rollout status` and `kubectl get pods` tell how far it is; `kubectl rollout undo` brings the old pods back"
            }
        };
        Some(text.to_owned())
    }
}
