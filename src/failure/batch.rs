//! Errors of changes to one or many Secrets.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum BatchError {
    /// Someone else owns the Secret, and would restore it.
    #[error("the Secret `{place}` belongs to {owner}, so a sealed Secret cannot replace it")]
    Owned { place: String, owner: String },
    /// The file is not newer than the live Secret, which another command changed.
    #[error(
        "the Secret `{place}` in the file is not newer than the live one: the file was sealed at {file}, the live {form} at {live}"
    )]
    OlderFile {
        place: String,
        /// When the Secret in the file was sealed.
        file: String,
        /// The form of the live Secret, in words.
        form: &'static str,
        /// When the live Secret was sealed.
        live: String,
        /// Whether that time is in the future.
        is_future: bool,
    },
    /// The person declined.
    #[error("nothing was done")]
    Declined,
    /// The person or the system stopped the command.
    #[error("interrupted: {done} of {all} are done, the others are unchanged")]
    Interrupted {
        done: usize,
        all: usize,
        /// How to continue.
        go_on: String,
    },
    /// The files hold fewer Secrets than when they were checked.
    #[error("the files changed while the command ran")]
    FilesChanged,
    /// Some of many failed. Each one was reported.
    #[error("{failed} of {all} failed{}", if failed < all { "; the others are done" } else { "" })]
    Some { failed: usize, all: usize },
    /// The edited text is not valid, and the person did not correct it.
    #[error("the edited text cannot be used, and nothing was changed: {0}")]
    Edited(String),
    /// Someone else changed a value during the edit.
    #[error("someone else changed the value of `{key}` in `{place}` while you edited it")]
    EditedMeanwhile { place: String, key: String },
    /// A sealed Secret keeps keys that others manage, so it does not open.
    #[error(
        "the Secret `{place}` was applied, but does not open, because it still has keys that others manage: `{keys}`"
    )]
    Surplus { place: String, keys: String },
}

impl Explain for BatchError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::EditedMeanwhile { .. } => "check the new value, then run the command again",
            Self::Surplus { .. } => "remove them with `--force-conflicts`",
            Self::Owned { .. } => {
                "run `seal` without `--replace` to print a sealed Secret with the same name"
            }
            Self::Interrupted { go_on, .. } => return Some(go_on.clone()),
            Self::FilesChanged => "check the files, then run the command again",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn hints(&self) -> Vec<String> {
        let Self::OlderFile { is_future, .. } = self else {
            return self.hint().into_iter().collect();
        };
        let clocks = is_future.then_some(
            "the live time is in the future: check the clocks of the machines that seal",
        );
        let always = [
            "someone changed it in the cluster with `set`, `edit`, `rotate` or `rewrap`, or the file is an older version",
            "to compare them, run `kubectl envcrypt diff -f FILE`",
            "to bring back the values of the file, run `kubectl envcrypt rotate -f FILE`, then apply it",
            "to apply the file as it is, add `--allow-older`",
        ];
        clocks.into_iter().chain(always).map(str::to_owned).collect()
    }

    fn exit_code(&self) -> u8 {
        if matches!(self, Self::Interrupted { .. }) { 130 } else { 1 }
    }
}
