//! Why something was not sealed, or not opened. Keys and places are named,
//! never a byte of a value.

use std::fmt;

use thiserror::Error;

use super::MAX_SEALED_SIZE;
use crate::kek::{KekError, KekUri};
use crate::secret::{Key, Place};

/// Which part of a sealed Secret is spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The Secret.
    pub place: Place,
    /// The key; `None` for the seal over the set.
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

/// What a reader refuses: format.md, section 4. The names are those of the vectors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refused {
    /// Not a JWE of this form: not JSON, or a member unknown, missing or twice.
    #[error("it is not a sealed value")]
    Malformed,
    /// A member is not canonical base64url, or not of its size.
    #[error("its `{0}` is not canonical base64url of the right size")]
    Base64(&'static str),
    /// `typ` is another.
    #[error("its `typ` is unknown: it is of a newer format, or not of this one")]
    Typ,
    /// `enc` is another.
    #[error("its `enc` is unknown")]
    Enc,
    /// `crit` is another.
    #[error("its `crit` is unknown")]
    Crit,
    /// The KEK's URI is none, or `alg` is not its scheme.
    #[error("its `alg` and `kid` name no KEK")]
    Kid,
    /// It belongs elsewhere.
    #[error("it was sealed for `{0}`")]
    Binding(String),
    /// The DEK is not the one that the header commits to.
    #[error("its `commitment` is to another data key")]
    Commitment,
    /// The tag is wrong, or the padding.
    #[error("it was altered: its tag does not match")]
    Tag,
    /// Over 100 recipients.
    #[error("it is under over 100 KEKs")]
    TooManyRecipients,
    /// Over 1 MiB.
    #[error("it is over {MAX_SEALED_SIZE} bytes")]
    TooLarge,
    /// There is no seal over the set.
    #[error("it is missing")]
    SealMissing,
    /// The set is not the one that was sealed.
    #[error("values, type or immutability were changed since it was made")]
    SealMismatch,
}

impl Refused {
    /// Its name in the test vectors.
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
            Self::Commitment => "commitment",
            Self::Tag => "tag",
            Self::TooManyRecipients => "too-many-recipients",
            Self::TooLarge => "too-large",
            Self::SealMissing => "seal-missing",
            Self::SealMismatch => "seal-mismatch",
        }
    }
}

/// Why a sealed Secret was not opened.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A part of it was refused.
    #[error("{spot} cannot be opened: {refused}")]
    Refused {
        /// Which part.
        spot: Part,
        /// Why.
        refused: Refused,
    },
    /// No KEK gave its DEK.
    #[error("the Secret `{place}` cannot be opened")]
    Kek {
        /// The Secret.
        place: Place,
        /// What each KEK said that was asked.
        refusals: Vec<KekError>,
    },
    /// A KEK that it names did not give its DEKs.
    #[error("the Secret `{place}` names `{kek}`, which did not show that it holds its data keys")]
    NotHeld {
        /// The Secret.
        place: Place,
        /// The KEK.
        kek: KekUri,
        /// What it said, if it was asked.
        refusals: Vec<KekError>,
    },
    /// This machine trusts none of its KEKs.
    #[error("the Secret `{place}` names no KEK that this machine trusts in `{}`: `{}`", .place.namespace, .keks.join("`, `"))]
    Untrusted {
        /// The Secret.
        place: Place,
        /// The KEKs that it names.
        keks: Vec<String>,
    },
}

/// Why a Secret was not sealed.
#[derive(Debug, Error)]
pub enum SealError {
    /// Nobody could open it.
    #[error("the Secret `{0}` would be under no KEK at all")]
    NoKek(Place),
    /// Sealed, it would not fit into a Secret.
    #[error(
        "the Secret `{place}` would hold {size} bytes once sealed, over the {MAX_SEALED_SIZE} that a Secret may hold"
    )]
    TooLarge {
        /// The Secret.
        place: Place,
        /// In bytes; a lower bound.
        size: usize,
    },
    /// A post-quantum KEK beside one that a quantum computer breaks.
    #[error(
        "`{weak}` would undo what `{strong}` is for: a quantum computer could open the Secret with it"
    )]
    MixedQuantum {
        /// The post-quantum one.
        strong: KekUri,
        /// The other.
        weak: KekUri,
    },
    /// A KEK refused.
    #[error(transparent)]
    Kek(Box<KekError>),
}

impl SealError {
    /// Refuses KEKs of which one undoes what another is for, as age does.
    ///
    /// # Errors
    /// [`SealError::MixedQuantum`]
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
