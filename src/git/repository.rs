//! One repository, and the questions to it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::GitError;
use crate::process;
use crate::terminal;
use zeroize::Zeroizing;

/// Settings that could make Git run a program while it only reads.
const SAFE: [&str; 10] = [
    "--no-pager",
    "--no-replace-objects",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "core.quotePath=false",
];

/// A Git repository with a work tree.
pub struct Repository {
    git: PathBuf,
    top: PathBuf,
}

impl Repository {
    /// The repository that a directory is in.
    ///
    /// # Errors
    /// Returns [`GitError::NoRepository`] if there is none, and [`GitError::NoGit`] if Git is not
    /// installed.
    pub fn of(folder: &Path) -> Result<Self, GitError> {
        let git = process::find(Path::new("git")).ok_or(GitError::NoGit)?;
        let here = Self { git, top: folder.to_owned() };
        let answer = here.run(&["rev-parse", "--show-toplevel"])?;
        if !answer.status.success() {
            let said = said(&answer);
            return Err(match said.contains("not a git repository") {
                true => GitError::NoRepository(folder.to_owned()),
                // For example, the directory belongs to someone else.
                false => GitError::Failed { command: "rev-parse".to_owned(), said },
            });
        }
        Ok(Self { top: path_of(answer.stdout), git: here.git })
    }

    /// The top of its work tree.
    #[must_use]
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// A command in the work tree, that cannot run other programs and cannot fetch anything.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.git);
        command.args(SAFE).current_dir(&self.top).stdin(Stdio::null());
        // No protocol: a partial clone would fetch what is missing.
        command.env("GIT_ALLOW_PROTOCOL", "none").env("GIT_NO_LAZY_FETCH", "1");
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
        command.env("LC_ALL", "C").env_remove("GIT_EXTERNAL_DIFF");
        command
    }

    /// What a command prints.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if the command fails.
    pub fn output<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Zeroizing<Vec<u8>>, GitError> {
        let answer = self.run(arguments)?;
        match answer.status.success() {
            true => Ok(Zeroizing::new(answer.stdout)),
            false => {
                let command = arguments.first().map(|first| first.as_ref().to_string_lossy());
                let command = command.unwrap_or_default().into_owned();
                Err(GitError::Failed { command, said: said(&answer) })
            }
        }
    }

    fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Result<Output, GitError> {
        self.command().args(arguments).output().map_err(GitError::Start)
    }
}

/// The message of Git, on one line.
pub(super) fn said(answer: &Output) -> String {
    let text = String::from_utf8_lossy(&answer.stderr);
    let text = text.trim().trim_start_matches("fatal: ").replace('\n', "; ");
    terminal::visible(&text).into_owned()
}

fn path_of(mut line: Vec<u8>) -> PathBuf {
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    PathBuf::from(std::ffi::OsString::from_vec(line))
}
