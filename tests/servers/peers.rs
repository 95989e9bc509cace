//! The real programs of others: what they wrote is read, and what is written they read.

mod migrating;
mod sealed_secrets;
mod sops;
