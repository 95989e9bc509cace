//! Why a manifest is not valid.
//!
//! The message of a parser can quote the text, so an error contains only the position.

use thiserror::Error;

use super::TreeError;
use crate::envelope::{Part, Refused};
use crate::secret::{NameError, TypeError};

/// Why a manifest is not valid. An error never contains a value.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// The file is not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// The file is not valid YAML or JSON, or is nested too deeply, or has a duplicate key.
    #[error(transparent)]
    Syntax(#[from] TreeError),
    /// The document has no `apiVersion` or no `kind`.
    #[error("document {document} is not a Kubernetes object: `apiVersion` or `kind` is missing")]
    NotObject {
        /// The document, counted from 1.
        document: usize,
    },
    /// A Secret has an unknown field or a field of the wrong type, or a list has no `items`.
    #[error("document {document} is not a valid Secret or List: check its fields")]
    Shape {
        /// The document, counted from 1.
        document: usize,
    },
    /// An `EnvcryptSecret` has a field that is not its own, or has not the right type.
    #[error(
        "document {document}: the field `{field}` of the EnvcryptSecret is missing, unknown or of the wrong type"
    )]
    Field {
        /// The document, counted from 1.
        document: usize,
        /// The path of the field.
        field: String,
    },
    /// An `EnvcryptSecret` has a version that this program does not know.
    #[error(
        "document {document} is an EnvcryptSecret with `apiVersion: {version}`, but only `{}` is known",
        super::RESOURCE_VERSION
    )]
    Version {
        /// The document, counted from 1.
        document: usize,
        /// The `apiVersion`.
        version: String,
    },
    /// YAML reads a value of `data` or `stringData` as a number or a boolean.
    #[error("document {document}: the value of `{key}` must be text: put it in quotes")]
    NotValue {
        /// The document, counted from 1.
        document: usize,
        /// The key of the value.
        key: String,
    },
    /// A Secret has no name.
    #[error("document {document} has no `metadata.name`")]
    NoName {
        /// The document, counted from 1.
        document: usize,
    },
    /// A name, a namespace or a key is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The type is not valid.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A value is not valid base64.
    #[error("{0} is not valid base64")]
    Base64(Part),
    /// A sealed Secret has `stringData`, which is plaintext.
    #[error("the sealed Secret `{0}` has plaintext values in `stringData`")]
    StringData(String),
    /// The last-applied annotation of a sealed Secret contains plaintext values.
    #[error(
        "the sealed Secret `{0}` has plaintext values in its annotation `kubectl.kubernetes.io/last-applied-configuration`"
    )]
    LastApplied(String),
    /// A sealed value or the seal does not have the form of the sealed format.
    #[error("{spot} cannot be read: {refused}")]
    Refused {
        /// The refused part.
        spot: Part,
        /// Why the reader refused it.
        refused: Refused,
    },
    /// The signatures of a sealed Secret do not have their form.
    #[error("the Secret `{place}` cannot be read: {refused}")]
    Signatures {
        /// The Secret.
        place: String,
        /// Why the reader refused them.
        refused: Refused,
    },
    /// A Secret cannot be changed in the text without changing more than its values and seal.
    #[error("it is written in a way that cannot be changed in place")]
    InPlace,
    /// A Secret cannot hold what this resource has.
    #[error("the EnvcryptSecret `{title}` has parts that a Secret cannot hold: {what}")]
    NoPlace {
        /// The resource.
        title: String,
        /// The fields.
        what: String,
    },
    /// The sealed Secret has no seal.
    #[error("the sealed Secret `{0}` has no seal")]
    Unsealed(String),
    /// The Secret is sealed, and a plain Secret is needed.
    #[error("the Secret `{0}` is already sealed")]
    Sealed(String),
    /// The Secret is plain, and a sealed Secret is needed.
    #[error("the Secret `{0}` is not sealed")]
    Plain(String),
}
