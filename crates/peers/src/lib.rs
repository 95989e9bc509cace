//! The formats of SOPS (<https://getsops.io>) and of Sealed Secrets, to read and to write.
//!
//! This library does no I/O and calls no KMS. Whoever uses it brings the data keys, and so decides
//! which keys a file may name.

pub mod sealed_secrets;
pub mod sops;
mod survey;

pub use survey::{Encryption, Found, may_mention, survey};
