//! Errors of which Secrets a command is for.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::manifest::ManifestError;

/// What is wrong with which Secrets a command is for.
#[derive(Debug, Error)]
pub enum SelectError {
    /// A file or standard input that cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A manifest that is none.
    #[error("`{path}` cannot be used: {source}")]
    Manifest {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// Why not.
        source: ManifestError,
    },
    /// Nothing sealed in the files, or in the cluster.
    #[error("there is no sealed Secret in {0}")]
    NothingSealed(String),
    /// No plain Secret in the files, or in the cluster.
    #[error("there is no plain Secret in {0}")]
    NothingPlain(String),
    /// The command is for one Secret.
    #[error("this is for one Secret, and {place} holds {count}")]
    NotOne {
        /// The file.
        place: String,
        /// How many.
        count: usize,
    },
    /// The object is of another namespace than the flag.
    #[error("the Secret `{place}` is not of the namespace `{flag}`, which `-n` names")]
    OtherNamespace {
        /// The object's place.
        place: String,
        /// The flag's.
        flag: String,
    },
    /// The Secret has no such key.
    #[error("the Secret `{place}` has no key `{key}`")]
    NoSuchKey {
        /// The Secret.
        place: String,
        /// The key.
        key: String,
    },
    /// The same Secret in two documents: which one wins would be chance.
    #[error("the Secret `{0}` stands twice in what is to be applied")]
    Twice(String),
    /// No Secret at all in the files.
    #[error("there is no Secret in {0}")]
    NothingThere(String),
}

impl Explain for SelectError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotOne { .. } => "choose one with `--name`",
            Self::Manifest { source, .. } => return source.hint(),
            Self::OtherNamespace { .. } => "leave `-n` out, or name the Secret's own",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
