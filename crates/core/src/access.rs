//! Which KEKs may open a Secret, and which may be sealed to.
//!
//! A sealed file names its KEKs, and a rule beside it names others. Someone who can write these
//! files could name their own KEK. So a KEK needs a consent: `docs/threat-model.md` has the model.
//!
//! [`Policy`] decides. [`Consents`] asks for what is missing: a program that serves people asks
//! them, a server refuses ([`Nobody`]). [`Opener`] opens what may be opened.

mod consent;
mod error;
mod grant;
mod opener;
mod pattern;
mod policy;
mod trust;

pub use consent::{Answer, Consent, Consents, Nobody, Question};
pub use error::AccessError;
pub use grant::{Grant, Scope, Use, Uses};
pub use opener::{Opener, Rule};
pub use pattern::Pattern;
pub use policy::{MayUse, Policy, Ruled, Verdict};
pub use trust::{Trust, TrustError};
