//! `policy`: the least rights of each role, for the cluster and for a KMS.

mod admission;
mod check;
mod controller;
mod people;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::policy::{self, Grant, Subject};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::secret::Namespace;

/// Print the least rights of each role, for the cluster and for a KMS.
///
/// The command prints what you apply yourself. It changes nothing, and it connects only with
/// --check.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let the controller deliver Secrets of two namespaces
  kubectl envcrypt policy controller -n prod -n stage | kubectl apply -f -

  # Check whether you have its rights
  kubectl envcrypt policy controller -n prod -n stage --check")]
pub struct PolicyArgs {
    #[command(subcommand)]
    role: Role,
}

#[derive(Subcommand)]
enum Role {
    Controller(controller::ControllerArgs),
    People(people::PeopleArgs),
    Admission(admission::AdmissionArgs),
}

pub async fn run(args: PolicyArgs, session: &Session) -> Result<(), Failure> {
    match args.role {
        Role::Controller(args) => controller::run(args, session).await,
        Role::People(args) => people::run(args, session).await,
        Role::Admission(args) => admission::run(args),
    }
}

/// The namespaces of `-n`, each once.
fn namespaces(names: &[String]) -> Result<Vec<Namespace>, Failure> {
    let mut distinct = Vec::new();
    for name in names {
        let namespace = name.parse()?;
        if !distinct.contains(&namespace) {
            distinct.push(namespace);
        }
    }
    Ok(distinct)
}

#[derive(Args)]
struct CheckArgs {
    /// Ask the cluster whether you, or the user of --as, have these rights
    #[arg(long)]
    check: bool,
}

/// Prints what gives the rights or, with --check, whether the user has them.
async fn print(
    grants: &[Grant],
    subjects: &[Subject],
    args: &CheckArgs,
    session: &Session,
) -> Result<(), Failure> {
    match args.check {
        true => check::run(grants, session).await,
        false => Ok(terminal::stdout(policy::manifest(grants, subjects).as_bytes())?),
    }
}
