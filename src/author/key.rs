//! The signing key: where it is, and what is known of it before it signs.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::setup::{KEY_VARIABLE, Setup, expanded};
use super::{AuthorError, check_kind};
use crate::failure::Failure;
use crate::terminal;
use envcrypt_core::signature::PublicKey;

const SETTING: &str = "user.signingKey";
const COMMAND: &str = "gpg.ssh.defaultKeyCommand";
/// The largest public key that is read, in bytes. One of RSA with 16384 bits has 2.8 kB.
const MAX_SIZE: u64 = 16 << 10;

/// A key, which the program reads itself or gets from the agent.
pub enum SigningKey {
    /// A public key. The agent has the private one.
    Literal(PublicKey),
    /// A private key, or a public one whose private key is beside it or in the agent.
    File { path: PathBuf, public: Option<PublicKey> },
}

impl SigningKey {
    /// Finds the key as Git does, after the environment.
    pub fn find(setup: &Setup) -> Result<Self, Failure> {
        if let Some(value) = Setup::variable() {
            if value.to_string_lossy().contains("PRIVATE KEY") {
                return Err(AuthorError::PrivateKey(KEY_VARIABLE).into());
            }
            return match value.to_str().and_then(literal) {
                Some(key) => Ok(Self::literal(key, KEY_VARIABLE)?),
                None => Ok(Self::file(expanded(Path::new(&value))?)?),
            };
        }
        if !setup.uses_ssh()? {
            return Err(AuthorError::NoKey.into());
        }
        if let Some(value) = setup.get(SETTING)? {
            if let Some(key) = literal(&value) {
                return Ok(Self::literal(key, SETTING)?);
            }
            let path = setup.path(SETTING)?.unwrap_or_else(|| value.into());
            return match path.is_absolute() {
                true => Ok(Self::file(path)?),
                // It would be searched in the working directory, which can be that of a
                // repository.
                false => Err(AuthorError::RelativeKey(path).into()),
            };
        }
        match setup.get(COMMAND)? {
            Some(command) => Ok(Self::literal(&first_key(&command)?, COMMAND)?),
            None => Err(AuthorError::NoKey.into()),
        }
    }

    fn literal(text: &str, source: &'static str) -> Result<Self, AuthorError> {
        let key = text.parse().map_err(|_| AuthorError::Literal {
            source_name: source,
            kind: terminal::visible(text.split(' ').next().unwrap_or_default()).into_owned(),
        })?;
        check_kind(&key)?;
        Ok(Self::Literal(key))
    }

    fn file(path: PathBuf) -> Result<Self, AuthorError> {
        // The private key can be in the agent alone.
        let is_there = path.is_file() || beside(&path).is_file();
        if !is_there {
            return Err(AuthorError::NoKeyFile(path));
        }
        let public = public_of(&path);
        public.as_ref().map_or(Ok(()), check_kind)?;
        Ok(Self::File { path, public })
    }

    /// The public key, if it is known.
    pub fn public(&self) -> Option<&PublicKey> {
        match self {
            Self::Literal(key) => Some(key),
            Self::File { public, .. } => public.as_ref(),
        }
    }
}

impl fmt::Display for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(key) => write!(f, "{}", key.fingerprint()),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// The key in a text that is a key itself and no path.
fn literal(text: &str) -> Option<&str> {
    let text = text.trim();
    if let Some(key) = text.strip_prefix("key::") {
        return Some(key);
    }
    let is_kind = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| text.starts_with(start));
    (is_kind && text.contains(char::is_whitespace)).then_some(text)
}

/// The public key that ssh-keygen writes next to a private one.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// The public key of a file, or of the file `*.pub` next to it. A private key is not read.
fn public_of(path: &Path) -> Option<PublicKey> {
    let is_public = path.extension().is_some_and(|end| end == "pub");
    let path = if is_public { path.to_owned() } else { beside(path) };
    if !path.is_file() {
        return None;
    }
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_SIZE).read_to_string(&mut text).ok()?;
    text.parse().ok()
}

/// The first line that the person's command prints, for example `ssh-add -L`. As with Git, no shell
/// reads the command.
fn first_key(command: &str) -> Result<String, AuthorError> {
    let failed = |why: String| AuthorError::KeyCommand { command: command.to_owned(), why };
    let words = shlex::split(command).unwrap_or_default();
    let (name, arguments) =
        words.split_first().ok_or_else(|| failed("it is not a command line".to_owned()))?;
    let mut child = Command::new(super::program(Path::new(name))?);
    child.args(arguments).current_dir("/").stdin(Stdio::null());
    let answer = child.output().map_err(|error| failed(error.to_string()))?;
    if !answer.status.success() {
        let said = [&answer.stdout[..], &answer.stderr].concat();
        let said = super::program::one_line(&said);
        return Err(failed(if said.is_empty() { answer.status.to_string() } else { said }));
    }
    let text = String::from_utf8_lossy(&answer.stdout);
    let line = text.lines().next().unwrap_or_default();
    let key = literal(line).ok_or_else(|| failed("it printed no SSH key".to_owned()))?;
    Ok(key.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_a_path_are_told_apart() {
        assert_eq!(literal("key::ssh-ed25519 AAAA"), Some("ssh-ed25519 AAAA"));
        assert_eq!(
            literal("sk-ssh-ed25519@openssh.com AAAA me"),
            Some("sk-ssh-ed25519@openssh.com AAAA me")
        );
        assert_eq!(literal("ecdsa-sha2-nistp256 AAAA"), Some("ecdsa-sha2-nistp256 AAAA"));
        for path in ["~/.ssh/id_ed25519", "/ssh-keys/a b", "ssh-key.pub", "ABCDEF01"] {
            assert_eq!(literal(path), None, "{path}");
        }
    }

    #[test]
    fn a_command_for_the_key_is_not_read_by_a_shell() {
        let folder = tempfile::tempdir().expect("a directory");
        let touched = folder.path().join("touched");
        let run = |command: &str| first_key(command).map_err(|error| error.to_string());
        assert_eq!(run("echo 'ssh-ed25519 AAAA' me").as_deref(), Ok("ssh-ed25519 AAAA me"));
        run(&format!("echo $(touch {})", touched.display())).expect_err("it is not a key");
        assert!(!touched.exists());
        run("./bin/keys").expect_err("it is relative");
        run("false").expect_err("it fails");
        run("echo").expect_err("it prints nothing");
        run("'").expect_err("it is not a command line");
    }
}
