//! Which KEKs may open a Secret, and which it is sealed to: what flags, rules, settings
//! and the person say, decided by [`envcrypt_core::access`].

pub mod choice;
pub mod holders;
pub mod opener;
