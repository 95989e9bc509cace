//! Which KEKs may open a Secret, and which may be sealed to. Decisions only:
//! nothing here asks a person, reads a repository, or calls a KMS.
//!
//! A sealed file names its KEKs, and a rule beside it names others. Whoever can
//! write these could name their own. `docs/threat-model.md` has the model.

mod grant;
mod pattern;
mod policy;
mod trust;

pub use grant::{Grant, Scope, Use, Uses};
pub use pattern::Pattern;
pub use policy::{MayUse, Policy, Ruled, Verdict};
pub use trust::{Trust, TrustError};
