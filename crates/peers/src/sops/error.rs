//! Why a SOPS file cannot be read.

use thiserror::Error;

use envcrypt_core::manifest::TreeError;

/// Why the metadata cannot be read. It contains names of members, and nothing else of the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// A member is missing, or has not the form that SOPS gives it.
    #[error("the `sops` metadata is missing `{0}`, or it is not valid")]
    Member(&'static str),
    /// SOPS accepts only one rule of which values are encrypted.
    #[error("the `sops` metadata has several rules of which values are encrypted")]
    Rules,
    /// The rule depends on comments.
    #[error("the `sops` metadata has `{0}`, which depends on comments")]
    CommentRule(&'static str),
    /// A regular expression is not valid, or too large.
    #[error("the regular expression `{0}` of the `sops` metadata is not valid")]
    Regex(&'static str),
}

/// Why a SOPS file cannot be opened. It contains names of keys and never a value.
#[derive(Debug, Error)]
pub enum SopsError {
    /// The text is not valid YAML or JSON.
    #[error(transparent)]
    Syntax(#[from] TreeError),
    /// The metadata of a document cannot be read.
    #[error("document {document}: {source}")]
    Metadata {
        /// The document, counted from 1.
        document: usize,
        /// Why.
        source: MetadataError,
    },
    /// An encrypted value has not the form of one.
    #[error("line {line}: `{path}` must be encrypted by the rule of the file, but it is not")]
    NotEncrypted {
        /// The line, counted from 1.
        line: u32,
        /// The keys to the value, escaped.
        path: String,
    },
    /// A value was changed, or moved to another key, or encrypted with another data key.
    #[error("line {line}: the value of `{path}` was changed or moved after SOPS encrypted it")]
    Value {
        /// The line, counted from 1.
        line: u32,
        /// The keys to the value, escaped.
        path: String,
    },
    /// A decrypted value cannot be what its type says.
    #[error("line {line}: the value of `{path}` is not text")]
    NotText {
        /// The line, counted from 1.
        line: u32,
        /// The keys to the value, escaped.
        path: String,
    },
    /// The type of a value does not fit. A type is not authenticated.
    #[error("line {line}: the value of `{path}` is not of the type that the file says")]
    Type {
        /// The line, counted from 1.
        line: u32,
        /// The keys to the value, escaped.
        path: String,
    },
    /// Values of a Secret are in plaintext. The rule that says so is not authenticated.
    #[error(
        "line {line}: values of the Secret are not encrypted, so anyone may have put them there: {}",
        paths.join(", ")
    )]
    Plain {
        /// The line of the first one, counted from 1.
        line: u32,
        /// The keys to each value, escaped.
        paths: Vec<String>,
    },
    /// An integer of the file is too large for SOPS.
    #[error("line {line}: the number at `{path}` is too large for SOPS")]
    Number {
        /// The line, counted from 1.
        line: u32,
        /// The keys to the value, escaped.
        path: String,
    },
    /// The MAC does not match, or cannot be decrypted.
    #[error(
        "the MAC of the file does not match: someone changed, added or removed a value without SOPS"
    )]
    Mac,
    /// An encrypted value is outside of a Secret.
    #[error("document {document} is not a Secret, and it has encrypted values (`{path}`)")]
    Outside {
        /// The document, counted from 1.
        document: usize,
        /// The keys to the value, escaped.
        path: String,
    },
    /// The text is written in a way in which a part of it cannot be changed alone.
    #[error("it is written in a way that cannot be changed in place")]
    InPlace,
    /// The shares of a data key do not fit together.
    #[error("the shares of the data key do not fit together")]
    Shares,
    /// The line of a dotenv file is not one.
    #[error("line {line}: the line is not `KEY=VALUE`")]
    Line {
        /// The line, counted from 1.
        line: usize,
    },
}
