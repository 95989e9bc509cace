//! Errors of the list of those who may sign.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::signature::ListError;

#[derive(Debug, Clone, Error)]
pub enum SignersError {
    #[error("the list of signers `{}` does not exist", .0.display())]
    Missing(PathBuf),
    #[error("the list of signers `{}` is not valid: {error}", path.display())]
    Form { path: PathBuf, error: ListError },
    /// Nobody could sign anything.
    #[error("the list of signers `{}` names nobody", .0.display())]
    Empty(PathBuf),
    /// A list that whoever writes to the repository can change.
    #[error("`ENVCRYPT_SIGNERS` names `{}`, which is in the repository that it should guard", .0.display())]
    Inside(PathBuf),
    #[error("`ENVCRYPT_SIGNATURES` must be a number from 1 to 16")]
    Number,
    #[error("`ENVCRYPT_SIGNATURES` is set, but not `ENVCRYPT_SIGNERS`")]
    NumberAlone,
    #[error("`{0}` is set, but empty")]
    EmptyVariable(&'static str),
    /// It is not decided which list counts.
    #[error("the rules name more than one list of signers for this Secret: `{}` and `{}`", .0.display(), .1.display())]
    TwoLists(PathBuf, PathBuf),
    /// Rules or list are not those that were pinned.
    #[error("the rules about signatures in `{}` changed since you used them first", root.display())]
    Changed {
        /// The top of the repository.
        root: PathBuf,
        /// What changed, one line each.
        changes: Vec<String>,
    },
    #[error("`{}` cannot be {action}: {message}", path.display())]
    Pin { path: PathBuf, action: &'static str, message: String },
    #[error("`{}` does not have what this plugin writes there", .0.display())]
    Damaged(PathBuf),
    #[error("`{0}` cannot be a principal: {1}")]
    Principal(String, &'static str),
    /// A text without a key that can sign.
    #[error("line {line} of {source_name}: {problem}")]
    Keys { source_name: String, line: usize, problem: String },
    #[error("`{path}` has no key of `{principal}`{}", fingerprint.as_ref().map(|print| format!(" with the fingerprint `{print}`")).unwrap_or_default(), path = path.display())]
    NoSuchKey { path: PathBuf, principal: String, fingerprint: Option<String> },
}

impl SignersError {
    pub fn pin(path: &std::path::Path, action: &'static str, source: &io::Error) -> Self {
        Self::Pin { path: path.to_owned(), action, message: source.to_string() }
    }
}

impl Explain for SignersError {
    fn causes(&self) -> Vec<String> {
        match self {
            Self::Changed { changes, .. } => changes.clone(),
            _ => Vec::new(),
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Missing(_) | Self::Empty(_) => {
                "add people who may sign: `kubectl envcrypt signers add PRINCIPAL KEY`".to_owned()
            }
            Self::Inside(_) => "copy the list from a protected branch to a directory outside of the repository, or run `kubectl envcrypt check --since REV`".to_owned(),
            Self::NumberAlone => "name the list of signers in `ENVCRYPT_SIGNERS`".to_owned(),
            Self::EmptyVariable(name) => format!(
                "give `{name}` its value, or unset it; a CI may keep its variables from the pull requests of forks"
            ),
            Self::TwoLists(..) => {
                "name the file by its path without links, and use `namespace` in rules with `signers`"
                    .to_owned()
            }
            Self::Changed { .. } => {
                return vec![
                    "ask whoever changed them whether you should accept that".to_owned(),
                    "then run `kubectl envcrypt signers trust`".to_owned(),
                ];
            }
            Self::Damaged(path) => format!(
                "remove `{}`, then run `kubectl envcrypt signers trust` in the repository",
                path.display()
            ),
            Self::NoSuchKey { .. } => {
                "run `kubectl envcrypt signers list` to see all keys".to_owned()
            }
            _ => return Vec::new(),
        };
        vec![hint]
    }
}
