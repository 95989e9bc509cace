//! `envcrypt-kms`: a Kubernetes KMS v2 plugin for any KMS.
//!
//! It runs on the nodes of a control plane, beside kube-apiserver, which calls it over a socket.

mod calls;
mod cli;
mod commands;
mod config;
mod engine;
mod failure;
mod http;
mod metrics;
mod peers;
mod server;

use std::process::ExitCode;

use clap::Parser;
use envcrypt_daemon::process::{block_on, harden};

/// Wipes all memory when it is freed, also memory of libraries that do not know that it holds
/// keys.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    harden();
    let cli = cli::Cli::parse();
    match block_on(cli::run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
