//! Errors of [`Opener`](super::Opener) and [`Consents`](super::Consents).

use std::error::Error;
use std::path::PathBuf;

use thiserror::Error;

use super::TrustError;
use crate::envelope::{OpenError, RewrapError};
use crate::kek::{KekError, KekUri};
use crate::secret::Place;

/// Why a Secret may not be opened, or cannot be.
#[derive(Debug, Error)]
pub enum AccessError {
    /// Only other KEKs may open in this run.
    #[error("only other KEKs may open the Secret `{place}` in this run")]
    NotNamed {
        /// The Secret.
        place: Place,
        /// The KEKs of the Secret.
        keks: Vec<KekUri>,
    },
    /// The rule for the Secret names other KEKs.
    #[error("the rule in `{}` names no KEK of the Secret `{place}`", rules.display())]
    NotInRule {
        /// The Secret.
        place: Place,
        /// The file with the rule.
        rules: PathBuf,
        /// The KEKs of the Secret.
        keks: Vec<KekUri>,
    },
    /// Parts of the Secret have different KEKs: someone may have combined them.
    #[error("the values and the seal of the Secret `{0}` have different KEKs")]
    DifferentKeks(Place),
    /// The question for a consent was not answered.
    #[error("{0}")]
    Consent(Box<dyn Error + Send + Sync>),
    /// A consent cannot be saved.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A KEK cannot be used.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// The Secret was refused, or no KEK opened it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data keys were not wrapped under other KEKs.
    #[error(transparent)]
    Rewrap(#[from] RewrapError),
}
