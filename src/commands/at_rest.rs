//! `at-rest`: encryption at rest, for the administrator of a cluster.

mod config;
mod deploy;
mod recover;
mod reencrypt;
mod rotate;
mod verify;

use std::path::Path;

use clap::{Args, Subcommand};
use zeroize::Zeroizing;

use crate::failure::{AtRestError, Failure};
use crate::session::Session;

/// Set up encryption at rest, and prove what etcd holds.
#[derive(Args)]
#[command(after_help = "Examples:
  # Show how each Secret in etcd is encrypted
  kubectl envcrypt at-rest verify --kubectl-exec etcd-minikube

  # Store all Secrets again, with the provider that kube-apiserver uses now
  kubectl envcrypt at-rest reencrypt secrets")]
pub struct AtRestArgs {
    #[command(subcommand)]
    command: AtRestCommand,
}

#[derive(Subcommand)]
enum AtRestCommand {
    Deploy(Box<deploy::DeployArgs>),
    Config(config::ConfigArgs),
    Verify(verify::VerifyArgs),
    Reencrypt(reencrypt::ReencryptArgs),
    Rotate(Box<rotate::RotateArgs>),
    Recover(recover::RecoverArgs),
}

pub async fn run(args: AtRestArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        AtRestCommand::Deploy(args) => deploy::run(*args),
        AtRestCommand::Config(args) => config::run(args, session).await,
        AtRestCommand::Rotate(args) => rotate::run(*args, session).await,
        AtRestCommand::Verify(args) => verify::run(args, session).await,
        AtRestCommand::Recover(args) => recover::run(args, session).await,
        AtRestCommand::Reencrypt(args) => reencrypt::run(args, session).await,
    }
}

/// Reads an EncryptionConfiguration, which may hold keys.
fn read_configuration(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = crate::values::sources::read_value(path)?;
    let text = str::from_utf8(bytes.expose()).map(|text| Zeroizing::new(text.to_owned()));
    Ok(text.map_err(|_| AtRestError::NotText(path.to_owned()))?)
}
