//! Errors about which Secrets a command is for.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::manifest::ManifestError;

#[derive(Debug, Error)]
pub enum SelectError {
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file, or `-` for standard input.
        path: PathBuf,
        source: std::io::Error,
    },
    /// A manifest that is not valid.
    #[error("`{path}` cannot be used: {source}")]
    Manifest {
        /// The file, or `-` for standard input.
        path: PathBuf,
        source: ManifestError,
    },
    #[error("there is no sealed Secret in {0}")]
    NothingSealed(String),
    #[error("there is no plain Secret in {0}")]
    NothingPlain(String),
    #[error("this command takes one Secret, but {place} has {count}")]
    NotOne { place: String, count: usize },
    /// `-n` names another namespace than the object.
    #[error("the Secret `{place}` is not in the namespace `{flag}`, which `-n` names")]
    OtherNamespace {
        /// The place of the object.
        place: String,
        /// The value of the flag.
        flag: String,
    },
    #[error("the Secret `{place}` has no key `{key}`")]
    NoSuchKey { place: String, key: String },
    /// Two documents with the same Secret: which one wins would be chance.
    #[error("the Secret `{0}` occurs twice in the files to apply")]
    Twice(String),
    #[error("there is no Secret in {0}")]
    NothingThere(String),
}

impl Explain for SelectError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotOne { .. } => "choose one with `--name`",
            Self::Manifest { source, .. } => return source.hint(),
            Self::OtherNamespace { .. } => "omit `-n`, or name the Secret's own namespace",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
