//! The command line.

use clap::{Parser, Subcommand};

use crate::commands::{check, inspect, prepare, probe, serve};
use crate::failure::Failure;

/// A Kubernetes KMS v2 plugin for any KMS.
///
/// kube-apiserver calls it over a socket to encrypt what it stores in etcd. Each value can be
/// opened with any one of the KEKs in the configuration.
#[derive(Parser)]
#[command(version, max_term_width = 100, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Check(check::Args),
    Probe(probe::Args),
    Inspect(inspect::Args),
    Prepare(prepare::Args),
}

/// Runs the command.
///
/// # Errors
/// Returns what ended the command early.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(args).await,
        Command::Check(args) => check::run(args).await,
        Command::Probe(args) => probe::run(args).await,
        Command::Inspect(args) => inspect::run(&args),
        Command::Prepare(args) => prepare::run(&args),
    }
}
