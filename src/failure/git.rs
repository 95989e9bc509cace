//! Hints for the errors of Git.

use super::Explain;
use crate::git::GitError;

impl Explain for GitError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoGit => Some("install Git, and run the command again".to_owned()),
            Self::NoRepository(_) => {
                Some("run the command in a repository, or name a directory in one".to_owned())
            }
            Self::Elsewhere { .. } => Some(
                "run the command in that work tree, if you trust this repository; `git rev-parse --git-dir` shows which one it is".to_owned(),
            ),
            Self::NoCommit(_) => Some(
                "name a branch, a tag or a commit; in CI, fetch it first: `git fetch origin main`, and with actions/checkout set `fetch-depth: 0`".to_owned(),
            ),
            Self::Start(_) | Self::Failed { .. } | Self::Answer | Self::Attributes { .. } => None,
        }
    }
}
