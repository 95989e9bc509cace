//! Who signs: the person's own SSH key, and the program that makes signatures with it. Both are
//! found as Git finds them, so whoever signs commits has nothing more to set up.

mod key;
mod past;
mod program;
mod setup;
mod signing;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::Mutex;

use crate::failure::{AuthorError, Failure, Refusal};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::signature::{PublicKey, SshSignature, unarmor};
use key::SigningKey;
use program::Ended;
use setup::Setup;

pub use past::Past;
pub use signing::{ChangeSigningArgs, Signing, SigningArgs, Signs};

/// The name of the signed file in its own directory. Programs show it in their prompts.
const MESSAGE: &str = "statement";
/// The largest signature that is read, in bytes.
const MAX_SIZE: u64 = 64 << 10;

/// The person's key, and the program that signs with it.
pub struct Author {
    program: PathBuf,
    key: SigningKey,
    /// Whether there is someone to prompt.
    is_attended: bool,
    /// The program may prompt for a passphrase or a touch, so it runs once at a time.
    turn: Mutex<()>,
}

impl Author {
    /// Finds the program and the key. Runs no program but Git and the person's
    /// `gpg.ssh.defaultKeyCommand`.
    ///
    /// # Errors
    /// Returns an [`AuthorError`] if there is no key or no program, or if the kind of key cannot
    /// be verified.
    pub fn find(session: &Session) -> Result<Self, Failure> {
        let setup = Setup::of_person()?;
        let key = SigningKey::find(&setup)?;
        let program = setup.program()?;
        let is_attended = session.prompt().is_available();
        Ok(Self { program, key, is_attended, turn: Mutex::new(()) })
    }

    /// The public key, if something tells it before the first signature: a literal key, or a file
    /// `*.pub`.
    pub fn public_key(&self) -> Option<&PublicKey> {
        self.key.public()
    }

    /// Signs a message for a purpose. Returns the bytes of the signature, which is verified.
    ///
    /// One program runs at a time, in the order of the calls. When the person or the system stops
    /// this process, or when the future is dropped, the program ends and its files are removed.
    ///
    /// # Errors
    /// Returns an [`AuthorError`] if the program makes no signature that can be verified.
    pub async fn sign(&self, namespace: &str, message: &[u8]) -> Result<Vec<u8>, Failure> {
        let _turn = self.turn.lock().await;
        let folder = self.folder(message).map_err(AuthorError::Directory)?;
        let place = folder.path();
        if self.public_key().is_some_and(is_security_key) {
            terminal::stderr_line("touch the security key when it blinks");
        }
        let ended = program::run(self.command(namespace, place)?).await?;
        if !ended.status.success() {
            return Err(self.refused(&ended).into());
        }
        let blob = self.read(&place.join(MESSAGE).with_extension("sig"), &ended)?;
        self.verify(&blob, namespace, message)?;
        Ok(blob)
    }

    /// A new directory that only its owner may enter, with the message.
    fn folder(&self, message: &[u8]) -> io::Result<tempfile::TempDir> {
        let only_own = PermissionsExt::from_mode(0o700);
        let folder =
            tempfile::Builder::new().prefix("envcrypt-sign.").permissions(only_own).tempdir()?;
        std::fs::write(folder.path().join(MESSAGE), message)?;
        Ok(folder)
    }

    /// The arguments are those of Git: other programs than ssh-keygen know these alone.
    fn command(&self, namespace: &str, folder: &Path) -> Result<Command, Failure> {
        let mut command = Command::new(&self.program);
        command.args(["-Y", "sign", "-n", namespace, "-f"]);
        match &self.key {
            SigningKey::Literal(key) => {
                let path = folder.join("key.pub");
                std::fs::write(&path, format!("{key}\n")).map_err(AuthorError::Directory)?;
                command.arg(path).arg("-U");
            }
            SigningKey::File { path, .. } => {
                command.arg(path);
            }
        }
        command.arg(folder.join(MESSAGE));
        Ok(command)
    }

    fn refused(&self, ended: &Ended) -> AuthorError {
        let said = &ended.said;
        AuthorError::Refused {
            program: self.program.clone(),
            key: self.key.to_string(),
            why: Refusal::of(said, self.is_attended),
            said: match said.is_empty() {
                true => ended.status.to_string(),
                false => said.clone(),
            },
        }
    }

    /// Reads the signature that the program wrote.
    fn read(&self, path: &Path, ended: &Ended) -> Result<Vec<u8>, AuthorError> {
        let program = || self.program.clone();
        let mut text = Vec::new();
        match File::open(path).and_then(|file| file.take(MAX_SIZE).read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let (program, said) = (program(), ended.said.clone());
                return Err(AuthorError::NoSignature { program, said });
            }
            read => read.map_err(AuthorError::Directory)?,
        };
        match <[_; 1]>::try_from(unarmor(&String::from_utf8_lossy(&text))) {
            Ok([Some(blob)]) => Ok(blob),
            _ => Err(AuthorError::Garbage(program())),
        }
    }

    /// A signature that others would refuse must not be written.
    fn verify(&self, blob: &[u8], namespace: &str, message: &[u8]) -> Result<(), AuthorError> {
        let error = |source| AuthorError::Unverified {
            program: self.program.clone(),
            key: self.key.to_string(),
            source,
        };
        let signature = SshSignature::parse(blob).map_err(error)?;
        signature.verify(namespace, message).map_err(error)?;
        match self.public_key() {
            Some(key) if key != signature.key() => Err(AuthorError::OtherKey {
                expected: key.fingerprint(),
                found: signature.key().fingerprint(),
                key: self.key.to_string(),
            }),
            _ => Ok(()),
        }
    }
}

/// Whether the key is in a device that asks for a touch.
fn is_security_key(key: &PublicKey) -> bool {
    key.kind().starts_with("sk-")
}

/// Finds a program in the absolute directories of `PATH`: another entry could name a directory of
/// a repository.
fn in_path(name: &OsStr) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    };
    let folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(name)).find(is_program)
}

/// The program that a name or an absolute path means.
fn program(name: &Path) -> Result<PathBuf, AuthorError> {
    let found = match name.components().count() {
        _ if name.is_absolute() => name.is_file().then(|| name.to_owned()),
        1 => in_path(name.as_os_str()),
        // It would be searched in the working directory, which can be that of a repository.
        _ => return Err(AuthorError::RelativeProgram(name.to_owned())),
    };
    found.ok_or_else(|| AuthorError::NoProgram(name.to_owned()))
}

/// Whether a key of this kind makes signatures that can be verified.
fn check_kind(key: &PublicKey) -> Result<(), AuthorError> {
    match key.kind() {
        "ssh-ed25519"
        | "ssh-rsa"
        | "ecdsa-sha2-nistp256"
        | "ecdsa-sha2-nistp384"
        | "ecdsa-sha2-nistp521"
        | "sk-ssh-ed25519@openssh.com"
        | "sk-ecdsa-sha2-nistp256@openssh.com" => Ok(()),
        kind => Err(AuthorError::Kind(kind.to_owned())),
    }
}
