//! The built binary against real servers: AWS KMS behind an emulator, and a
//! control plane of etcd and kube-apiserver. `make test` builds them first.

mod age_cli;
mod apply;
mod aws;
mod cluster;
mod completion;
mod control_plane;
mod etcd;
mod fault_proxy;
mod kms;
mod krew;
mod programs;
mod reader;
mod readme;
#[path = "../cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the offline tests")]
mod sandbox;
mod server;
mod yaml;
