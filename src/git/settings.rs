//! Settings of Git, of one repository or of the person.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::repository::path_of;
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
    /// All that count outside of repositories: the person's and the system's. They can only be
    /// read.
    Person,
}

impl Settings<'_> {
    /// The value of a setting here. `None` if it is not set.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot read the settings.
    pub fn get(&self, name: &str) -> Result<Option<String>, GitError> {
        let found = self.read(&["--get", name])?;
        Ok(found.map(|value| String::from_utf8_lossy(&value).trim_end_matches('\n').to_owned()))
    }

    /// The path in a setting, with `~` and `~USER` expanded. `None` if it is not set.
    ///
    /// # Errors
    /// Returns a [`GitError`] if Git cannot read the settings, or does not know the home directory.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, GitError> {
        Ok(self.read(&["--type=path", "--get", name])?.map(path_of))
    }

    fn read(&self, arguments: &[&str]) -> Result<Option<Vec<u8>>, GitError> {
        let answer = self.run(arguments)?;
        match answer.status.code() {
            Some(0) => Ok(Some(answer.stdout)),
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
            Self::Global => (git()?, Some("--global")),
            Self::Person => {
                let mut command = git()?;
                // Away from every repository.
                command.current_dir("/").env("GIT_DIR", "/dev/null");
                (command, None)
            }
        };
        command.arg("config").args(place).args(arguments).stdin(Stdio::null());
        command.env("LC_ALL", "C").output().map_err(GitError::Start)
    }
}

fn git() -> Result<Command, GitError> {
    Ok(Command::new(process::find(Path::new("git")).ok_or(GitError::NoGit)?))
}

fn check(answer: &Output) -> Result<(), GitError> {
    if answer.status.success() { Ok(()) } else { Err(failed(answer)) }
}

fn failed(answer: &Output) -> GitError {
    let said = super::repository::said(answer);
    GitError::Failed { command: "config".to_owned(), said }
}
