//! What a merge leaves to a person.

use std::path::PathBuf;

use thiserror::Error;

use super::{Explain, Failure};
use crate::process;
use envcrypt_core::envelope::{MergePart, Side};
use envcrypt_core::secret::Place;

#[derive(Debug, Error)]
pub enum MergeError {
    /// Some Secrets are not merged. Their conflicts are in the file.
    #[error("{}", describe(path, secrets))]
    NotMerged { path: PathBuf, secrets: Vec<NotMerged> },
    /// The KEKs of both sides differ, and their common version cannot be read or does not exist.
    #[error(
        "both sides of the Secret `{0}` have different KEKs, and their common version is not known"
    )]
    Keks(Place),
    /// A side brings an older version back, which a new seal would hide.
    #[error("{} version of `{place}` was sealed before the common version", whose(*side))]
    RolledBack { side: Side, place: Place },
    /// A side does not have the signatures that its rule asks for.
    #[error("{} version: {why}", whose(*side))]
    Unsigned { side: Side, why: Box<Failure> },
    /// Both sides changed labels or annotations of a Secret that must be signed.
    #[error("both sides changed these labels and annotations of the Secret `{place}`: `{}`", names.join("`, `"))]
    Names { place: Place, names: Vec<String> },
    /// The place of a Secret is not clear in a text with conflicts.
    #[error("one side of `{}` has the Secret `{place}` twice, or not sealed", path.display())]
    Unclear { path: PathBuf, place: Place },
    /// The text around a Secret puts it together in another way than planned.
    #[error("the texts around the Secret `{0}` do not fit together")]
    Text(Place),
    /// Git has no conflict for this file.
    #[error("Git has no conflict for `{}`", .0.display())]
    NoConflict(PathBuf),
    /// The file has no conflict markers at a sealed Secret.
    #[error("`{}` has no conflict markers at a sealed value", .0.display())]
    NoMarkers(PathBuf),
    /// The work tree's file cannot be read, even without its conflicts.
    #[error("`{path}` is not a manifest, even without its conflicts: {why}")]
    Unreadable { path: PathBuf, why: String },
    /// Only one side has the Secret.
    #[error("only one side has a Secret with conflicts in `{}`", .0.display())]
    OneSided(PathBuf),
    /// The sealed values are merged, and other lines are not.
    #[error("the sealed values of `{}` are merged, but other lines still have conflicts", .0.display())]
    OtherLines(PathBuf),
    /// A flag names a key without a conflict.
    #[error("no value with this key has a conflict: `{0}`")]
    NoSuchConflict(String),
}

/// A Secret that is not merged.
#[derive(Debug)]
pub struct NotMerged {
    pub place: Place,
    /// The parts that both sides changed.
    pub parts: Vec<MergePart>,
    /// What went wrong, if it was not only that both sides changed something.
    pub failure: Option<Box<Failure>>,
}

impl NotMerged {
    fn describe(&self) -> String {
        match &self.failure {
            Some(failure) => format!("the Secret `{}` is not merged: {failure}", self.place),
            None => {
                let parts: Vec<_> = self.parts.iter().map(MergePart::to_string).collect();
                format!("both sides changed {} of the Secret `{}`", parts.join(", "), self.place)
            }
        }
    }
}

fn describe(path: &std::path::Path, secrets: &[NotMerged]) -> String {
    let secrets: Vec<_> = secrets.iter().map(NotMerged::describe).collect();
    format!("`{}`: {}", path.display(), secrets.join("; "))
}

impl Explain for MergeError {
    fn causes(&self) -> Vec<String> {
        let Self::NotMerged { secrets, .. } = self else { return Vec::new() };
        let failures = secrets.iter().filter_map(|secret| secret.failure.as_ref());
        distinct(failures.filter_map(|failure| failure.report()).flat_map(|report| report.causes))
    }

    fn hints(&self) -> Vec<String> {
        let Self::NotMerged { path, secrets } = self else {
            return self.hint().into_iter().collect();
        };
        let failures = secrets.iter().filter_map(|secret| secret.failure.as_ref());
        let mut hints =
            distinct(failures.filter_map(|failure| failure.report()).flat_map(|r| r.hints));
        let path = process::quoted(&path.to_string_lossy());
        hints.push(format!(
            "run `kubectl envcrypt git resolve {path}` at the top of the work tree, then `git add {path}`"
        ));
        hints
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Keks(_) => {
                "run `kubectl envcrypt rewrap` on one branch so that both have the same KEKs, then merge again"
            }
            Self::RolledBack { .. } => {
                "it can bring replaced values back: a person decides about every value that differs"
            }
            Self::Unclear { .. } => {
                "keep the Secret once and sealed on each side; `git checkout --merge FILE` restores the conflicts"
            }
            Self::NoConflict(_) => {
                "during a merge, `git status` lists the files with conflicts; `git checkout --merge FILE` restores the conflicts of one that you added already"
            }
            Self::NoMarkers(_) => {
                "`git checkout --merge FILE` merges the file again, and restores its conflicts"
            }
            Self::Unreadable { .. } => {
                "resolve the other conflicts of the file first; or run `git checkout --merge FILE` to merge it again"
            }
            Self::OneSided(_) => {
                "the other side deleted or renamed it: keep or remove all of its lines in the file, then run `git add FILE`"
            }
            Self::OtherLines(_) => "edit them in the file, then run `git add FILE`",
            Self::Unsigned { .. } => {
                "your signature would say that you know what it has: `kubectl envcrypt git resolve --accept-unsigned FILE` shows how it differs, and accepts it"
            }
            Self::Names { .. } => {
                "take the file of one side with `git checkout --ours FILE` or `--theirs`, make the changes of the other side in it, then run `kubectl envcrypt sign -f FILE` and `git add FILE`"
            }
            Self::Text(_) => {
                "labels, annotations or the order of lines differ from what would be signed: undo such changes in the file, or take the file of one side, make the changes of the other side in it, then run `kubectl envcrypt sign -f FILE` and `git add FILE`"
            }
            Self::NoSuchConflict(_) | Self::NotMerged { .. } => return None,
        };
        Some(text.to_owned())
    }
}

/// The side, in a message.
#[must_use]
pub fn whose(side: Side) -> &'static str {
    match side {
        Side::Ours => "our",
        Side::Theirs => "their",
    }
}

fn distinct(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut distinct = Vec::new();
    for text in texts {
        if !distinct.contains(&text) {
            distinct.push(text);
        }
    }
    distinct
}
