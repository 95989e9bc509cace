//! The rights that each role needs, in the cluster and in a KMS, as texts that people apply. It
//! connects to nothing.

mod rbac;
mod role;
mod subject;

pub use rbac::{Grant, Rule, Scope, manifest};
pub use role::{Controller, Lease, controller, people, reader, sealer};
pub use subject::Subject;
