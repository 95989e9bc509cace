//! The rights that each role needs, in the cluster and in a KMS, as texts that people apply. It
//! connects to nothing.

mod admission;
mod error;
mod inject;
mod kms;
mod rbac;
mod role;
mod subject;
mod text;

pub use admission::{crd_guard, fence, sealed_only};
pub use error::PolicyError;
pub use inject::{Inject, inject};
pub use kms::{KekUse, Kms, KmsRights};
pub use rbac::{Grant, Scope, manifest};
pub use role::{Controller, Lease, controller, people, reader, sealer};
pub use subject::Subject;
