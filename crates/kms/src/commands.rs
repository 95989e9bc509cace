//! The commands, one file each.

pub mod check;
pub mod inspect;
pub mod prepare;
pub mod probe;
pub mod serve;
