//! Which KEKs may open a Secret, and to which it is sealed. Collects what flags, rules, settings
//! and the person say; [`envcrypt_core::access`] decides.

pub mod choice;
mod consent;
pub mod holders;
pub mod opener;
pub mod round_trip;
pub mod sealing;
