//! Merges texts with sealed Secrets: the Secrets part by part, everything else line by line.

pub mod markers;
mod plan;
mod secret;
pub mod setup;
mod texts;
mod versions;

pub use secret::{Decide, Decision, Dispute, Merger};
pub use texts::{Conflicted, Merged, Texts};
pub use versions::Version;
