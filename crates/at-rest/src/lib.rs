//! Encryption at rest in a Kubernetes cluster.
//!
//! This is the library behind `kubectl envcrypt at-rest`. It does not read a command line, use a
//! terminal or connect to a cluster. Each module stands alone:
//!
//! - [`bolt`]: reads the files of etcd.
//! - [`stored`]: tells how a stored value is encrypted.
//! - [`config`]: the EncryptionConfiguration of kube-apiserver.
//! - [`deploy`]: the files that run `envcrypt-kms` on a control plane.

#![warn(unreachable_pub)]

pub mod bolt;
pub mod config;
pub mod deploy;
pub mod stored;
