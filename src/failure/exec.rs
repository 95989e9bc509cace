//! Errors of `exec`.

use thiserror::Error;

use super::Explain;
use crate::process::StartError;

#[derive(Debug, Error)]
pub enum ExecError {
    #[error(transparent)]
    Start(StartError),
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// Keys that may control which code a program runs, and that nobody named.
    #[error("these names are not typical for a secret, and may control a program: {0}")]
    SteeringNames(String),
    /// Variables that control the login to a KMS, next to sealed ones.
    #[error(
        "these variables control the login to a KMS, and someone who can write a Secret of this pod may have set them: {0}"
    )]
    NotOfSpec(String),
    /// Two namespaces for one pod.
    #[error(
        "`POD_NAMESPACE` is `{told}`, but the namespace of the pod's service account is `{written}`"
    )]
    OtherPodNamespace {
        /// The value of the variable.
        told: String,
        /// What the kubelet wrote.
        written: String,
    },
    /// A sealed value is bound to a namespace, but the current one is not known.
    #[error("{0} is sealed for one namespace, but the current namespace is not known")]
    StandaloneNamespace(String),
    #[error("two of the Secrets have the key `{0}`")]
    SameKey(String),
    #[error("none of the Secrets has the key `{0}`")]
    NowhereKey(String),
    #[error("the value for `{0}` has a zero byte, which an environment variable cannot hold")]
    NotInVariable(String),
    /// A sealed value outside of a Secret cannot be opened.
    #[error("{what} cannot be opened: {why}")]
    Standalone {
        /// The variable or the file.
        what: String,
        why: String,
    },
    /// A single value has no signature.
    #[error(
        "{0} holds a value outside of its Secret, which has no signature, but `ENVCRYPT_SIGNERS` asks for one"
    )]
    StandaloneUnsigned(String),
    /// None of its KEKs may be used.
    #[error(
        "{what} holds a sealed value, but neither `--kek` nor `ENVCRYPT_KEKS` names one of its KEKs: {keks}"
    )]
    StandaloneKeks {
        /// The variable or the file.
        what: String,
        /// The KEKs of the value.
        keks: String,
    },
}

impl Explain for ExecError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::SameKey(_) => "choose keys with `--only`, or run the command for one Secret",
            Self::SteeringNames(names) => {
                return Some(format!(
                    "name the keys that you need with `--only`; if you know what these names do, add `--allow-name {names}`"
                ));
            }
            Self::NotOfSpec(names) => {
                return Some(format!(
                    "unset those that the pod's own `env` does not set; if it sets all of them, add `--spec-env {names}`"
                ));
            }
            Self::OtherPodNamespace { .. } => "name the pod's namespace with `-n`",
            Self::StandaloneNamespace(_) => {
                "name it with `-n`, or set `POD_NAMESPACE` from `metadata.namespace` of the pod"
            }
            Self::Start(error)
                if error.source.kind() == std::io::ErrorKind::ArgumentListTooLong =>
            {
                "the values are too large for the environment: pass them as files with `--files DIRECTORY`"
            }
            Self::NotInVariable(_) => "pass it as a file with `--files DIRECTORY`",
            Self::StandaloneUnsigned(_) => {
                "name the Secret instead: `kubectl envcrypt exec NAME`; to open the value whoever sealed it, add `--insecure-skip-signature`"
            }
            Self::StandaloneKeks { .. } => {
                "someone who can write the value could name their own KEK; name the KEKs that may open it with `--kek`, or in `ENVCRYPT_KEKS` (comma-separated)"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }

    /// The exit codes that shells use.
    fn exit_code(&self) -> u8 {
        match self {
            Self::Start(error) if error.source.kind() == std::io::ErrorKind::NotFound => 127,
            Self::Start(_) => 126,
            _ => 1,
        }
    }
}
