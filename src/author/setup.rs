//! What the person set: the environment, and the settings of Git.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::AuthorError;
use crate::failure::Failure;
use crate::git::{GitError, Repository, Settings};

/// Names the signing key: a file, or a public key of the agent.
pub const KEY_VARIABLE: &str = "ENVCRYPT_SIGNING_KEY";

/// The settings of the person. Those of a repository count too, because nothing that it contains
/// can change them.
pub struct Setup {
    /// The repository of the working directory.
    repository: Option<Repository>,
    has_git: bool,
}

impl Setup {
    pub fn of_person() -> Result<Self, Failure> {
        match Repository::of(Path::new(".")) {
            Ok(repository) => Ok(Self { repository: Some(repository), has_git: true }),
            Err(GitError::NoGit) => Ok(Self { repository: None, has_git: false }),
            // A repository that Git does not trust, for example one of another user, sets nothing.
            Err(
                GitError::NoRepository(_) | GitError::Elsewhere { .. } | GitError::Failed { .. },
            ) => Ok(Self { repository: None, has_git: true }),
            Err(error) => Err(error.into()),
        }
    }

    fn settings(&self) -> Option<Settings<'_>> {
        let settings = self.repository.as_ref().map_or(Settings::Person, Settings::All);
        self.has_git.then_some(settings)
    }

    /// The value of a setting that is not empty.
    pub fn get(&self, name: &str) -> Result<Option<String>, Failure> {
        let Some(settings) = self.settings() else { return Ok(None) };
        Ok(settings.get(name)?.filter(|value| !value.is_empty()))
    }

    /// The path in a setting, with `~` expanded.
    pub fn path(&self, name: &str) -> Result<Option<PathBuf>, Failure> {
        let Some(settings) = self.settings() else { return Ok(None) };
        let path = settings.path(name)?;
        Ok(path.filter(|path| !path.as_os_str().is_empty()))
    }

    /// Whether Git signs with SSH keys here. Otherwise `user.signingKey` is a key of another kind.
    pub fn uses_ssh(&self) -> Result<bool, Failure> {
        Ok(self.get("gpg.format")?.as_deref() == Some("ssh"))
    }

    /// The program that signs.
    pub fn program(&self) -> Result<PathBuf, Failure> {
        let name = self.path("gpg.ssh.program")?.unwrap_or_else(|| "ssh-keygen".into());
        Ok(super::program(&name)?)
    }

    /// The key that the environment names.
    pub fn variable() -> Option<OsString> {
        env::var_os(KEY_VARIABLE).filter(|value| !value.is_empty())
    }
}

/// Expands `~/`, as a shell does.
pub fn expanded(path: &Path) -> Result<PathBuf, AuthorError> {
    match path.strip_prefix("~") {
        Err(_) => Ok(path.to_owned()),
        Ok(rest) => match env::home_dir().filter(|home| !home.as_os_str().is_empty()) {
            Some(home) => Ok(home.join(rest)),
            None => Err(AuthorError::NoHome(path.to_owned())),
        },
    }
}
