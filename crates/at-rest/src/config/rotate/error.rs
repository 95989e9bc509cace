//! Why a configuration cannot be edited.

use std::fmt;

use thiserror::Error;

use crate::config::Finding;

/// The place of the new key or provider. It is the same in each block that the edit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It is not there.
    Absent,
    /// It is the second, so it only reads.
    Second,
    /// It is the first, so it writes. Others are there, too.
    First,
    /// There are no others.
    Only,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Second => "second",
            Self::First => "first",
            Self::Only => "the only one",
        })
    }
}

/// Why a configuration cannot be edited.
#[derive(Debug, Error)]
pub enum EditError {
    /// kube-apiserver refuses the configuration.
    #[error("line {}: {}", .0.line, .0.text)]
    Invalid(Finding),
    /// No block writes with a key in the configuration.
    #[error("no entry has a local key in its first provider")]
    NoLocalKey,
    /// Each block writes plaintext.
    #[error("no entry encrypts: `identity` is the first provider of each")]
    NothingEncrypts,
    /// The new key or provider has different places, or a place that no edit makes.
    #[error("line {line}: {what} is not where these edits put it")]
    Uneven {
        /// The line of the provider or the block.
        line: usize,
        /// The key or the provider.
        what: String,
    },
    /// The edit before this one was not made, or this one was made already.
    #[error("{what} must be {must}, but is {is}")]
    Place {
        /// The key or the provider.
        what: String,
        /// The place that the edit needs.
        must: Place,
        /// The place that it has.
        is: Place,
    },
    /// Another provider has a key with the name of the new key. The name says which key encrypted an
    /// object, so it must not be used twice.
    #[error("line {line}: a key has the name of the new key")]
    NameTaken {
        /// The line of that key.
        line: usize,
    },
    /// The result would be refused by kube-apiserver.
    #[error("kube-apiserver would refuse the result: {}", .0.text)]
    Refused(Finding),
    /// The system has no random bytes.
    #[error("cannot get random bytes for a key")]
    Random(#[source] getrandom::Error),
}
