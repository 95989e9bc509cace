//! `envcrypt-controller` against a real kube-apiserver and etcd, with OpenBao as the KMS.

mod collected;
mod delivery;
mod failures;
mod leaders;
mod restarts;
mod scene;
mod sequences;
mod threats;

pub use scene::{Controller, Scene, program, wait};
