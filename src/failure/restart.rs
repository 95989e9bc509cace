//! Errors of restarts of workloads.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum RestartError {
    /// Some workloads were not restarted. Each one was reported.
    #[error("{failed} of {all} workloads were not restarted")]
    NotRestarted { failed: usize, all: usize },
    /// A rollout that missed its own deadline.
    #[error("the rollout of `{0}` is stuck")]
    RolloutStuck(String),
    /// A rollout that takes longer than `--wait` allows.
    #[error("the rollout of `{0}` did not finish in time")]
    RolloutSlow(String),
}

impl Explain for RestartError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotRestarted { .. } => "run `kubectl envcrypt restart NAME` to try again",
            Self::RolloutStuck(_) | Self::RolloutSlow(_) => {
                "check the progress with `kubectl rollout status` and `kubectl get pods`; to go back to the old pods, run `kubectl rollout undo`"
            }
        };
        Some(text.to_owned())
    }
}
