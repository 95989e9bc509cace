//! Settings of Git, of one repository or of the person.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::{GitError, Repository};
use crate::process;

/// The name of the drivers in settings and attributes.
pub const DRIVER: &str = "envcrypt";

/// Where settings are read and written.
pub enum Settings<'a> {
    /// Those of one repository and its work trees.
    Local(&'a Repository),
    /// Those of the person.
    Global,
    /// All that count in a repository. They can only be read.
    All(&'a Repository),
}

impl Settings<'_> {
    /// The value of a setting here. `None` if it is not set.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot read the settings.
    pub fn get(&self, name: &str) -> Result<Option<String>, GitError> {
        let answer = self.run(&["--get", name])?;
        match answer.status.code() {
            Some(0) => {
                let text = String::from_utf8_lossy(&answer.stdout);
                Ok(Some(text.trim_end_matches('\n').to_owned()))
            }
            Some(1) => Ok(None),
            _ => Err(failed(&answer)),
        }
    }

    /// Sets a setting, in place of its value `old`. Other values of it stay.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot write the settings.
    pub fn set(&self, name: &str, value: &str, old: Option<&str>) -> Result<(), GitError> {
        check(&match old {
            Some(old) => self.run(&["--fixed-value", "--replace-all", name, value, old])?,
            None => self.run(&[name, value])?,
        })
    }

    /// Removes one value of a setting.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot write the settings.
    pub fn unset(&self, name: &str, value: &str) -> Result<(), GitError> {
        check(&self.run(&["--fixed-value", "--unset-all", name, value])?)
    }

    fn run(&self, arguments: &[&str]) -> Result<Output, GitError> {
        let (mut command, place) = match self {
            Self::Local(repository) => (repository.command(), Some("--local")),
            Self::All(repository) => (repository.command(), None),
            Self::Global => {
                let git = process::find(Path::new("git")).ok_or(GitError::NoGit)?;
                (Command::new(git), Some("--global"))
            }
        };
        command.arg("config").args(place).args(arguments).stdin(Stdio::null());
        command.env("LC_ALL", "C").output().map_err(GitError::Start)
    }
}

fn check(answer: &Output) -> Result<(), GitError> {
    if answer.status.success() { Ok(()) } else { Err(failed(answer)) }
}

fn failed(answer: &Output) -> GitError {
    let said = super::repository::said(answer);
    GitError::Failed { command: "config".to_owned(), said }
}
