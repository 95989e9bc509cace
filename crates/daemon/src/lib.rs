//! What the servers of this project have in common: how they protect themselves, what they log,
//! and where they serve metrics and health.

#![warn(unreachable_pub)]

pub mod failure;
pub mod health;
pub mod process;
