//! `envcrypt-controller` against a real kube-apiserver and etcd, with OpenBao as the KMS.

mod delivery;
mod failures;
mod leaders;
mod scene;
mod threats;
