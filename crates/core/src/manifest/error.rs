//! Why a manifest was refused. A parser's own message may quote what it met,
//! so only places are told.

use thiserror::Error;

use super::TreeError;
use crate::envelope::{Part, Refused};
use crate::secret::{NameError, TypeError};

/// Why a manifest was refused.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// Not UTF-8.
    #[error("it is not UTF-8 text")]
    NotText,
    /// Neither YAML nor JSON, or too deep, or a key stands there twice.
    #[error(transparent)]
    Syntax(#[from] TreeError),
    /// YAML or JSON, but no object with `apiVersion` and `kind`.
    #[error("document {document} is no Kubernetes object")]
    NotObject {
        /// Counted from 1.
        document: usize,
    },
    /// A Secret with fields that a Secret has not, or of other types.
    #[error("document {document} does not have a Secret's fields")]
    Shape {
        /// Counted from 1.
        document: usize,
    },
    /// A value of `data` or `stringData` that YAML takes for something else than text.
    #[error("document {document}: the value of `{key}` is not text: put it in quotes")]
    NotValue {
        /// Counted from 1.
        document: usize,
        /// Its key.
        key: String,
    },
    /// A Secret without a name.
    #[error("document {document} has no `metadata.name`")]
    NoName {
        /// Counted from 1.
        document: usize,
    },
    /// A name, namespace or key that the API server would refuse.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A type that is none.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A value that is not base64.
    #[error("{0} is not base64")]
    Base64(Part),
    /// A sealed Secret with `stringData`, which would stay in the clear.
    #[error("the sealed Secret `{0}` has `stringData`, which is in the clear")]
    StringData(String),
    /// A sealed Secret whose last-applied annotation holds values.
    #[error(
        "the sealed Secret `{0}` carries plaintext in its annotation `kubectl.kubernetes.io/last-applied-configuration`"
    )]
    LastApplied(String),
    /// A sealed value or the seal has another form.
    #[error("{spot} cannot be read: {refused}")]
    Refused {
        /// Which part.
        spot: Part,
        /// Why.
        refused: Refused,
    },
    /// A value cannot be replaced where it stands.
    #[error("it is written in a way that cannot be changed in place")]
    InPlace,
    /// A plain Secret was expected.
    #[error("the Secret `{0}` is sealed already")]
    Sealed(String),
    /// A sealed Secret was expected.
    #[error("the Secret `{0}` is not sealed")]
    Plain(String),
}
