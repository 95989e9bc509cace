//! `envcrypt-controller` against a real kube-apiserver and etcd, with OpenBao as the KMS.

mod delivery;
mod failures;
mod scene;
mod threats;

pub use scene::{Controller, Scene, program, wait};
