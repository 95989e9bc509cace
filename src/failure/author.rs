//! Errors about the person's signing key, and the program that signs.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::signature::{SignatureError, SignerError};

#[derive(Debug, Error)]
pub enum AuthorError {
    #[error("you have no key to sign with")]
    NoKey,
    #[error("the program `{}`, which signs, is not there", .0.display())]
    NoProgram(PathBuf),
    #[error("the program `{}` is named by a relative path", .0.display())]
    RelativeProgram(PathBuf),
    #[error("the signing key `{}` is named by a relative path", .0.display())]
    RelativeKey(PathBuf),
    #[error("the signing key `{}` is not there", .0.display())]
    NoKeyFile(PathBuf),
    #[error("the home directory for `{}` is not known", .0.display())]
    NoHome(PathBuf),
    /// It must not be shown.
    #[error("`{0}` holds a private key")]
    PrivateKey(&'static str),
    /// A text that begins like a key.
    #[error("the signing key in `{source_name}` cannot be used")]
    Literal { source_name: &'static str, kind: String },
    /// The key makes signatures that nobody here can verify.
    #[error("signatures by a key of the kind `{0}` cannot be verified")]
    Kind(String),
    #[error("the command of `gpg.ssh.defaultKeyCommand` gives no key: `{command}`")]
    KeyCommand { command: String, why: String },
    /// The list for a Secret does not let the person's key sign.
    #[error("your key `{fingerprint}` may not sign the Secret `{place}`")]
    NotSigner {
        place: String,
        fingerprint: String,
        file: PathBuf,
        why: SignerError,
        /// Whether the command has the flag `--no-sign`.
        has_flag: bool,
    },
    /// Labels and annotations that came after the last signature.
    #[error("nobody signed these labels and annotations of the Secret `{place}`: `{}`", names.join("`, `"))]
    Uncovered { place: String, names: Vec<String> },
    /// Git has a later seal of the Secret. `of` says where.
    #[error("the Secret `{place}` in the file was sealed at {sealed}, but {of} has one of {newer}")]
    Older { place: String, sealed: String, newer: String, of: String },
    #[error("the Secret `{0}` cannot be signed, because it has no seal")]
    NoSeal(String),
    /// The files for the program cannot be written or read.
    #[error("the files for a signature cannot be used")]
    Directory(#[source] io::Error),
    #[error("the program `{}`, which signs, does not start", program.display())]
    Start { program: PathBuf, source: io::Error },
    /// The program failed. `said` is what it said, safe to print.
    #[error("`{}` did not sign with the key `{key}`", program.display())]
    Refused { program: PathBuf, key: String, said: String, why: Refusal },
    #[error("`{}` ended without a signature", program.display())]
    NoSignature { program: PathBuf, said: String },
    #[error("`{}` wrote something that is not an SSH signature", .0.display())]
    Garbage(PathBuf),
    #[error("the signature that `{}` made with the key `{key}` cannot be used", program.display())]
    Unverified { program: PathBuf, key: String, source: SignatureError },
    /// The file `*.pub` is not of the private key, or the agent used another one.
    #[error("the signature is not by the key `{key}`")]
    OtherKey { key: String, expected: String, found: String },
}

/// Why a program did not sign, as far as its messages tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The agent has the key, but did not sign.
    Agent,
    /// There is no agent, or it does not have the key.
    NoAgentKey,
    Passphrase,
    /// A passphrase is needed, and there is no terminal.
    NoTerminal,
    /// The security key was not touched in time, or is not there.
    Touch,
    /// Others may read the file of the key.
    Permissions,
    /// The file is not a key.
    NotAKey,
    Unknown,
}

impl Refusal {
    /// Reads the messages of OpenSSH, and those of programs in its place that use the same words.
    #[must_use]
    pub fn of(said: &str, is_attended: bool) -> Self {
        let said = said.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if has(&["permissions are too open", "bad permissions", "unprotected private key"]) {
            Self::Permissions
        } else if has(&["incorrect passphrase", "bad passphrase", "passphrase is wrong"]) {
            if is_attended { Self::Passphrase } else { Self::NoTerminal }
        } else if has(&["timed out", "timeout", "device not found", "no device", "not touched"]) {
            Self::Touch
        } else if has(&["agent refused", "agent declined", "communication with agent failed"]) {
            Self::Agent
        } else if has(&[
            "find key in agent",
            "get agent socket",
            "no private key found",
            "open a connection to your authentication agent",
        ]) {
            Self::NoAgentKey
        } else if has(&["invalid format", "load public key", "error in libcrypto"]) {
            Self::NotAKey
        } else {
            Self::Unknown
        }
    }

    fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::Agent => {
                "unlock the agent, or confirm its prompt, then run the command again; a security key may wait for a touch"
            }
            Self::NoAgentKey => {
                "add the key to your agent with `ssh-add FILE`, or name the file of the private key; `ssh-add -L` shows what the agent has"
            }
            Self::Passphrase => "run the command again, and type the passphrase of this key",
            Self::NoTerminal => {
                "there is no terminal to type the passphrase: add the key to your agent with `ssh-add FILE`, then run the command again"
            }
            Self::Touch => {
                "plug in the security key, run the command again, and touch the key while it blinks"
            }
            Self::Permissions => "run `chmod 600 FILE` for the private key",
            Self::NotAKey => {
                "name the file of an SSH key with `git config --global user.signingKey FILE`; `ssh-keygen -l -f FILE` checks it"
            }
            Self::Unknown => return None,
        })
    }
}

const USE_ANOTHER: &str = "sign with a key of the kind ed25519: `ssh-keygen -t ed25519`, then ask a signer to add its `.pub` file to the list";

impl Explain for AuthorError {
    fn causes(&self) -> Vec<String> {
        match self {
            Self::Literal { kind, .. } => {
                vec![format!("`{kind}` does not begin an SSH public key of a known kind")]
            }
            Self::KeyCommand { why, .. } => vec![why.clone()],
            Self::NotSigner { file, why, .. } => vec![format!("{why}: `{}`", file.display())],
            Self::Directory(source) | Self::Start { source, .. } => vec![source.to_string()],
            Self::Refused { said, .. } => vec![said.clone()],
            Self::NoSignature { said, .. } if !said.is_empty() => vec![said.clone()],
            Self::Unverified { source, .. } => vec![source.to_string()],
            Self::OtherKey { expected, found, .. } => {
                vec![format!("the public key is {expected}, but {found} signed")]
            }
            _ => Vec::new(),
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoKey => {
                "name your SSH key as Git does: `git config --global gpg.format ssh`, then `git config --global user.signingKey ~/.ssh/id_ed25519.pub`; or set `ENVCRYPT_SIGNING_KEY` to its file"
            }
            Self::NoProgram(_) => {
                "install OpenSSH, or correct the path in `git config --global gpg.ssh.program`"
            }
            Self::RelativeProgram(_) => {
                "set an absolute path, or a path that begins with `~/`: `git config --global gpg.ssh.program PATH`"
            }
            Self::RelativeKey(_) => {
                "set an absolute path, or a path that begins with `~/`: `git config --global user.signingKey PATH`"
            }
            Self::NoKeyFile(_) => {
                "correct `ENVCRYPT_SIGNING_KEY` or `git config --global user.signingKey`, or make a key with `ssh-keygen -t ed25519`"
            }
            Self::PrivateKey(_) => {
                "write the key to a file that only you can read, and name the file; or add the key to an agent, and name the public key"
            }
            Self::NoHome(_) => "set `HOME`, or name the key by an absolute path",
            Self::Literal { .. } => {
                "write it as `key::ssh-ed25519 AAAA…`, as `ssh-add -L` shows it; a certificate cannot sign"
            }
            Self::Kind(_) => USE_ANOTHER,
            Self::KeyCommand { .. } => {
                "run this command yourself: it must print an SSH public key on its first line, as `ssh-add -L` does"
            }
            Self::NotSigner { why, file, has_flag, .. } => {
                let ask = match why {
                    SignerError::Unknown => format!(
                        "ask a signer to add your key: `kubectl envcrypt signers add YOU YOUR-KEY.pub` changes `{}`",
                        file.display()
                    ),
                    _ => "ask a signer to add a valid key of yours".to_owned(),
                };
                return Some(match has_flag {
                    true => format!(
                        "{ask}; or add `--no-sign`, and let a signer run `kubectl envcrypt sign`"
                    ),
                    false => format!("{ask}; or let a signer do this"),
                });
            }
            Self::Uncovered { .. } => {
                "someone may have added them: look at them, remove what you do not want, and run `kubectl envcrypt sign` for the Secret first"
            }
            Self::Older { .. } => {
                "someone may have brought an older version back, and your signature would make it look new: restore the newer one from Git; or, if you want the old values, add `--allow-older`"
            }
            Self::NoSeal(_) => "seal it again with `kubectl envcrypt rotate`",
            Self::Refused { why, .. } => why.hint()?,
            Self::NoSignature { .. } | Self::Garbage(_) => {
                "it must work as `ssh-keygen -Y sign` does; to use OpenSSH itself, run `git config --global --unset gpg.ssh.program`"
            }
            Self::Unverified { source: SignatureError::Touch, .. } => {
                "touch the security key while it blinks; a key made with `no-touch-required` cannot sign"
            }
            Self::Unverified {
                source: SignatureError::Algorithm | SignatureError::Key | SignatureError::Form,
                ..
            } => USE_ANOTHER,
            Self::Unverified { .. } => {
                "check the program in `gpg.ssh.program`: it must sign the file that it gets, for the namespace that it gets"
            }
            Self::OtherKey { .. } => {
                "write the `.pub` file anew with `ssh-keygen -y -f FILE > FILE.pub`, or name the key that the agent uses"
            }
            Self::Directory(_) | Self::Start { .. } => return None,
        };
        Some(text.to_owned())
    }
}
