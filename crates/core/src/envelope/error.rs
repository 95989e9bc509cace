//! Why a Secret was not sealed or not opened.
//!
//! An error names keys and places. It never contains a byte of a value.

use std::fmt;

use thiserror::Error;

use super::MAX_SEALED_SIZE;
use crate::kek::{KekError, KekUri};
use crate::secret::{Key, Place};
use crate::signature::{SignatureError, SignerError};

/// A part of a sealed Secret that an error is about: one value, or the seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The Secret.
    pub place: Place,
    /// The key of the value, or `None` for the seal.
    pub key: Option<Key>,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.key {
            Some(key) => write!(f, "`{key}` of the Secret `{}`", self.place),
            None => write!(f, "the seal of the Secret `{}`", self.place),
        }
    }
}

/// What a reader refuses (`docs/format.md`, section 4).
///
/// The test vectors use the names that [`Refused::name`] returns.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// The text is not JSON or not a JWE of this format. For example, a member is unknown,
    /// missing, duplicate or of another type.
    #[error("it is not a sealed value")]
    Malformed,
    /// This member is not canonical base64url, or has the wrong size.
    #[error("its `{0}` is not canonical base64url of the right size")]
    Base64(&'static str),
    /// `typ` has another value.
    #[error("its `typ` is unknown: it has another format or a newer version of this format")]
    Typ,
    /// `enc` has another value.
    #[error("its `enc` is unknown")]
    Enc,
    /// `crit` has another value.
    #[error("its `crit` is unknown")]
    Crit,
    /// `kid` is not a valid URI of a KEK, or `alg` is not its scheme.
    #[error("its `alg` and `kid` do not name a valid KEK")]
    Kid,
    /// The value or the seal belongs to another place. The text is its binding.
    #[error("it was sealed for `{0}`")]
    Binding(Box<str>),
    /// `born` is after `iat`, or in a seal.
    #[error("its `born` is not a valid time")]
    Born,
    /// The DEK is not the one in the commitment.
    #[error("its `commitment` belongs to another data key")]
    Commitment,
    /// The tag or the padding is wrong.
    #[error("it was altered: its tag does not match")]
    Tag,
    /// There are more than 100 recipients.
    #[error("it has more than 100 KEKs")]
    TooManyRecipients,
    /// The sealed value, or all sealed values together, are larger than [`MAX_SEALED_SIZE`].
    #[error("it is larger than {MAX_SEALED_SIZE} bytes")]
    TooLarge,
    /// The Secret has no seal.
    #[error("the Secret has none: the annotation `envcrypt.dev/seal` is missing")]
    SealMissing,
    /// The seal is over other values, another type or another `immutable`.
    #[error("the values, the type or `immutable` of the Secret changed after it was sealed")]
    SealMismatch,
    /// The Secret has no signature.
    #[error("it has no signature")]
    SignatureMissing,
    /// The list of signatures, or a signature in it, does not have its form.
    #[error("its signatures cannot be read: {0}")]
    SignatureForm(SignatureError),
    /// A signature is over another state of the Secret.
    #[error("it was changed after `{0}` signed it")]
    SignatureMismatch(Box<str>),
    /// The key of a signature may not sign.
    #[error("its signature is by the key `{fingerprint}`: {why}")]
    SignatureSigner {
        /// The fingerprint of the key.
        fingerprint: Box<str>,
        /// Why the key does not count.
        why: SignerError,
    },
    /// Too few of those who may sign have signed.
    #[error("only {} signed it, and {} must", .0.by.join(", "), .0.needed)]
    SignatureQuorum(Box<Quorum>),
}

/// Those who signed a Secret, but are too few.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    /// Those who signed.
    pub by: Vec<String>,
    /// How many must sign.
    pub needed: usize,
}

impl Refused {
    /// Returns the name of the refusal in the test vectors.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Base64(_) => "base64",
            Self::Typ => "typ",
            Self::Enc => "enc",
            Self::Crit => "crit",
            Self::Kid => "kid",
            Self::Binding(_) => "binding",
            Self::Born => "born",
            Self::Commitment => "commitment",
            Self::Tag => "tag",
            Self::TooManyRecipients => "too-many-recipients",
            Self::TooLarge => "too-large",
            Self::SealMissing => "seal-missing",
            Self::SealMismatch => "seal-mismatch",
            Self::SignatureMissing => "signature-missing",
            Self::SignatureForm(_) => "signature-form",
            Self::SignatureMismatch(_) => "signature-mismatch",
            Self::SignatureSigner { .. } => "signature-signer",
            Self::SignatureQuorum(_) => "signature-quorum",
        }
    }
}

/// Why a sealed Secret was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The reader refused a part of it.
    #[error("{spot} cannot be opened: {refused}")]
    Refused {
        /// The refused part.
        spot: Part,
        /// Why the reader refused it.
        refused: Refused,
    },
    /// Its signatures are not those that a rule asks for.
    #[error("the Secret `{place}` is not signed as it must be: {refused}")]
    Unsigned {
        /// The Secret.
        place: Place,
        /// Which signature is missing, or does not count.
        refused: Refused,
    },
    /// No KEK unwrapped a DEK.
    #[error("the Secret `{place}` cannot be opened")]
    Kek {
        /// The Secret.
        place: Place,
        /// The refusal of each KEK that was used.
        refusals: Vec<KekError>,
    },
    /// A KEK of the Secret did not prove that it already has the DEKs.
    #[error("the Secret `{place}` names `{kek}`, which did not prove that it has the data keys")]
    NotHeld {
        /// The Secret.
        place: Place,
        /// The KEK.
        kek: KekUri,
        /// The refusals of the KEK. It is empty if the KEK was not used.
        refusals: Vec<KekError>,
    },
    /// This machine does not trust any KEK of the Secret. No KEK was used.
    #[error("the Secret `{place}` has no KEK that this machine trusts in the namespace `{}`: `{}`", .place.namespace, .keks.join("`, `"))]
    Untrusted {
        /// The Secret.
        place: Place,
        /// The KEKs of the Secret.
        keks: Vec<String>,
    },
}

/// Why a Secret was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// No KEK would be left that opens the Secret.
    #[error("no KEK would be left for the Secret `{0}`")]
    NoKek(Place),
    /// The sealed values are larger than [`MAX_SEALED_SIZE`] together.
    #[error(
        "the Secret `{place}` would have {size} bytes once sealed; a Secret can have at most {MAX_SEALED_SIZE} bytes"
    )]
    TooLarge {
        /// The Secret.
        place: Place,
        /// The size of the sealed values in bytes, or a lower bound of it.
        size: usize,
    },
    /// A post-quantum KEK is combined with a KEK that a quantum computer can break.
    #[error(
        "`{weak}` cannot be combined with the post-quantum KEK `{strong}`: a quantum computer could open the Secret with `{weak}`"
    )]
    MixedQuantum {
        /// The post-quantum KEK.
        strong: KekUri,
        /// The KEK that a quantum computer can break.
        weak: KekUri,
    },
    /// A KEK did not wrap the DEK.
    #[error(transparent)]
    Kek(Box<KekError>),
}

impl SealError {
    /// Refuses to combine a post-quantum KEK with a KEK that a quantum computer can break.
    ///
    /// age has the same rule for its recipients.
    ///
    /// # Errors
    /// Returns [`SealError::MixedQuantum`] with the first KEK of each kind.
    pub fn check_mix<'k>(keks: impl Iterator<Item = &'k KekUri> + Clone) -> Result<(), Self> {
        let strong = keks.clone().find(|kek| kek.is_post_quantum());
        match strong.zip(keks.clone().find(|kek| kek.is_classical_public_key())) {
            Some((strong, weak)) => {
                Err(Self::MixedQuantum { strong: strong.clone(), weak: weak.clone() })
            }
            None => Ok(()),
        }
    }
}
