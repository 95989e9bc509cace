//! Encryption at rest: a real kube-apiserver and etcd, with `envcrypt-kms` as the KMS provider.

mod keks;
mod outages;
mod providers;
mod reencrypt;
mod rotation;
mod verify;
