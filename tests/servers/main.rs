//! The built binary against real servers: a control plane of etcd and
//! kube-apiserver, and every KMS or what plays it. `make test` builds them first.

mod adapters;
mod age_cli;
mod age_plugins;
mod ages;
mod api_proxy;
mod apply;
mod at_rest;
mod aws;
mod azure;
mod clouds;
mod cluster;
mod completion;
mod control_plane;
mod controller;
mod controller_deploy;
mod controller_manager;
mod crd;
mod deploy;
mod etcd;
mod everyday;
mod fault_proxy;
mod gcp;
mod git;
mod guard;
mod hashivault;
mod history;
mod k8skms;
mod kms;
mod kms_server;
mod krew;
mod lifetimes;
mod odd_manifests;
mod peers;
mod plugin;
mod policy;
mod programs;
mod reader;
mod readme;
mod recorder;
mod replace;
mod requests;
mod resources;
mod rewrap;
#[path = "../cli/sandbox.rs"]
#[allow(dead_code, reason = "shared with the offline tests")]
mod sandbox;
#[path = "../cli/sealed.rs"]
#[allow(dead_code, reason = "shared with the offline tests")]
mod sealed;
mod server;
mod several;
mod signatures;
mod signing;
mod third_party;
mod vault;
mod workloads;
mod yaml;
