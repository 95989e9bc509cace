//! `envcrypt-controller`: keeps the plain Secret of each `EnvcryptSecret` as it was sealed.

mod cli;
mod deliver;
mod fingerprint;
mod follow;
mod health;
mod index;
mod lists;
mod metrics;
mod opener;
mod outcome;
mod pause;
mod queue;
mod restart;
mod rules;
mod sealing;
mod signers;
mod status;
mod target;

use std::process::ExitCode;

use clap::Parser;
use envcrypt_daemon::process::{block_on, harden};

/// Wipes all memory when it is freed, also memory of libraries that do not know that it holds
/// values.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    harden();
    let cli = cli::Cli::parse();
    match block_on(cli.run()) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
