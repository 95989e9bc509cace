//! Why Git gave no answer.

use std::path::PathBuf;

use thiserror::Error;

#[derive(Debug, Error)]
pub enum GitError {
    /// There is no program `git` in `PATH`.
    #[error("the program `git` is not in `PATH`")]
    NoGit,
    /// It could not be started.
    #[error("cannot run `git`: {0}")]
    Start(std::io::Error),
    /// No repository has this directory.
    #[error("`{}` is not in a Git repository", .0.display())]
    NoRepository(PathBuf),
    /// The repository of this directory has its work tree elsewhere.
    #[error("`{}` is not in the work tree of its repository, which is `{}`", directory.display(), top.display())]
    Elsewhere { directory: PathBuf, top: PathBuf },
    /// Git ended with an error. `said` is its message, safe to print.
    #[error("`git {command}` failed: {said}")]
    Failed { command: String, said: String },
    /// `.gitattributes` cannot be read or written.
    #[error("`{}` cannot be changed: {why}", path.display())]
    Attributes { path: PathBuf, why: String },
    /// Git printed something else than it documents.
    #[error("the answer of `git` cannot be read")]
    Answer,
    /// A name that is not of a commit.
    #[error("`{0}` is not a commit of this repository")]
    NoCommit(String),
}
