//! `envcrypt-controller` against a real kube-apiserver and etcd, with OpenBao as the KMS.

mod delivery;
mod failures;
pub mod scene;
mod threats;
