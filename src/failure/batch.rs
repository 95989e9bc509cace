//! Errors of changes to Secrets, one or many.

use thiserror::Error;

use super::Explain;

/// What is wrong with changes to Secrets, one or many.
#[derive(Debug, Error)]
pub enum BatchError {
    /// Someone else keeps the Secret, and would not let go of it.
    #[error("the Secret `{place}` belongs to {owner}, and cannot be replaced by a sealed one")]
    Owned {
        /// Which.
        place: String,
        /// Who.
        owner: String,
    },
    /// The file is not newer than the live Secret, which another command changed.
    #[error(
        "the file's Secret `{place}` is not newer than the live one: it was sealed at {file}, the live one at {live}"
    )]
    OlderFile {
        /// The Secret.
        place: String,
        /// When the file's was sealed.
        file: String,
        /// When the live one was.
        live: String,
    },
    /// The person said no to all of it.
    #[error("nothing was done")]
    Declined,
    /// The person, or the system, said to stop.
    #[error("interrupted: {done} of {all} are done, the others are as they were")]
    Interrupted {
        /// How many are done.
        done: usize,
        /// Of how many.
        all: usize,
        /// How to go on.
        go_on: String,
    },
    /// Files hold fewer Secrets than when they were checked.
    #[error("the files were changed while they were being applied")]
    FilesChanged,
    /// Some of many failed; each was reported.
    #[error("{failed} of {all} failed{}", if failed < all { "; the others are done" } else { "" })]
    Some {
        /// How many failed.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// The edited text is wrong, and was left so.
    #[error("the edited text cannot be used, and nothing was changed: {0}")]
    Edited(String),
    /// What was edited was changed by someone else, too.
    #[error("the value of `{key}` of `{place}` was changed by someone else while it was edited")]
    EditedMeanwhile {
        /// The Secret.
        place: String,
        /// The key.
        key: String,
    },
    /// Others' keys stand in a sealed Secret, which so does not open.
    #[error(
        "the Secret `{place}` was applied, but keeps keys that others manage, and does not open with them: `{keys}`"
    )]
    Surplus {
        /// Which.
        place: String,
        /// The keys.
        keys: String,
    },
}

impl Explain for BatchError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::OlderFile { .. } => {
                "`set`, `edit`, `rotate` or `rewrap` changed it in the cluster: `kubectl envcrypt diff -f FILE` compares them; `--force-conflicts` puts the older values back"
            }
            Self::EditedMeanwhile { .. } => "look at it again, then repeat the command",
            Self::Surplus { .. } => "`--force-conflicts` takes them off",
            Self::Owned { .. } => "`seal` without `--replace` prints it sealed, under this name",
            Self::Interrupted { go_on, .. } => return Some(go_on.clone()),
            Self::FilesChanged => "look at it, then run the command again",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn exit_code(&self) -> u8 {
        if matches!(self, Self::Interrupted { .. }) { 130 } else { 1 }
    }
}
