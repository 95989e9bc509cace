//! Encryption at rest: a real kube-apiserver and etcd, with `envcrypt-kms` as the KMS provider.

mod doctor;
mod keks;
mod outages;
mod page;
mod providers;
mod recover;
mod reencrypt;
mod rotate;
mod rotation;
mod takeover;
mod verify;
