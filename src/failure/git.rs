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
            Self::Start(_) | Self::Failed { .. } | Self::Attributes { .. } => None,
        }
    }
}
