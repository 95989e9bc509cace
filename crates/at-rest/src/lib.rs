//! Encryption at rest in a Kubernetes cluster.
//!
//! This is the library behind `kubectl envcrypt at-rest`. It does not read a command line, use a
//! terminal or connect to a cluster. Each module stands alone:
//!
//! - [`bolt`]: reads the files that bbolt writes for etcd.
//! - [`etcd`]: what etcd keeps in such a file.
//! - [`residue`]: finds plaintext in such a file that no key holds any more.
//! - [`stored`]: tells how a stored value is encrypted, and decrypts it.
//! - [`config`]: the EncryptionConfiguration of kube-apiserver.
//! - [`deploy`]: the files that run `envcrypt-kms` on a control plane.

#![warn(unreachable_pub)]

pub mod bolt;
pub mod config;
pub mod deploy;
pub mod etcd;
mod proto;
pub mod residue;
pub mod stored;
