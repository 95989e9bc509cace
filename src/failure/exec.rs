//! Errors of `exec`.

use thiserror::Error;

use super::Explain;
use crate::process::StartError;

/// What is wrong with `exec`.
#[derive(Debug, Error)]
pub enum ExecError {
    /// The program does not start.
    #[error(transparent)]
    Start(StartError),
    /// Signals cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// Keys that may say which code a program runs, and that nobody named.
    #[error("these are not on the list of names that are known to steer no program: {0}")]
    SteeringNames(String),
    /// Variables that steer the login to a KMS, beside sealed ones.
    #[error(
        "these variables steer the login to a KMS, and may come from whoever can write a Secret of this pod: {0}"
    )]
    NotOfSpec(String),
    /// Two namespaces for one pod.
    #[error("`POD_NAMESPACE` says `{told}`, and the pod's service account `{written}`")]
    OtherPodNamespace {
        /// What the variable says.
        told: String,
        /// What the kubelet wrote down.
        written: String,
    },
    /// A sealed value that belongs to a namespace, in one that is not known.
    #[error("{0} is sealed for one namespace, and which one this is is not known")]
    StandaloneNamespace(String),
    /// Two of the Secrets have the same key.
    #[error("the key `{0}` is in two of the Secrets")]
    SameKey(String),
    /// None of the Secrets has the key.
    #[error("none of the Secrets has the key `{0}`")]
    NowhereKey(String),
    /// A value that no environment variable can hold.
    #[error("the value for `{0}` holds a zero byte, which no environment variable can")]
    NotInVariable(String),
    /// A sealed value that stands alone and cannot be opened.
    #[error("{what} cannot be opened: {why}")]
    Standalone {
        /// Which variable or file.
        what: String,
        /// Why not.
        why: String,
    },
    /// None of its KEKs may be asked.
    #[error(
        "{what} holds a value sealed under KEKs that neither `--kek` nor `ENVCRYPT_KEKS` names: {keks}"
    )]
    StandaloneKeks {
        /// Which variable or file.
        what: String,
        /// The KEKs.
        keks: String,
    },
}

impl Explain for ExecError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::SameKey(_) => "choose with `--only`, or run it for one Secret",
            Self::SteeringNames(names) => {
                return Some(format!(
                    "name the keys that you want with `--only`; or, if you know what these do, `--allow-name {names}`"
                ));
            }
            Self::NotOfSpec(names) => {
                return Some(format!(
                    "unset those that the pod's own `env` does not set; if it sets all of them, `--spec-env {names}` says so"
                ));
            }
            Self::OtherPodNamespace { .. } => "name the pod's namespace with `-n`",
            Self::StandaloneNamespace(_) => {
                "give it with `-n`, or with `POD_NAMESPACE` from `metadata.namespace` of the pod"
            }
            Self::Start(error)
                if error.source.kind() == std::io::ErrorKind::ArgumentListTooLong =>
            {
                "the values are too large for an environment: give them as files, with `--files FOLDER`"
            }
            Self::NotInVariable(_) => "give it as a file, with `--files FOLDER`",
            Self::StandaloneKeks { .. } => {
                "whoever can write the value could name their own: name the KEKs that may open it with `--kek`, or in `ENVCRYPT_KEKS`, commas between them"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// As every shell has it.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Start(error) if error.source.kind() == std::io::ErrorKind::NotFound => 127,
            Self::Start(_) => 126,
            _ => 1,
        }
    }
}
