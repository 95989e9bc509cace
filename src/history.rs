//! What did a repository hold at any time? Which files are in question, in which commits their
//! contents came and went, and what could not be searched.

mod commits;
mod fingerprint;
mod scope;
mod search;

pub use commits::Story;
pub use fingerprint::{Fingerprint, Fingerprints};
pub use scope::Scope;
pub use search::{History, search};
