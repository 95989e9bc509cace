//! `policy`: the least rights of each role, for the cluster and for a KMS.

mod admission;
mod check;
mod controller;
mod inject;
mod kms;
mod people;
mod reader;
mod sealer;
mod workload;

use clap::{Args, Subcommand};

use crate::failure::Failure;
use crate::policy::{self, Grant, Subject};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::secret::{Namespace, SecretName};

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
    Sealer(sealer::SealerArgs),
    Reader(reader::ReaderArgs),
    Workload(workload::WorkloadArgs),
    Controller(controller::ControllerArgs),
    People(people::PeopleArgs),
    Admission(admission::AdmissionArgs),
    Inject(inject::InjectArgs),
}

pub async fn run(args: PolicyArgs, session: &Session) -> Result<(), Failure> {
    match args.role {
        Role::Sealer(args) => sealer::run(args, session).await,
        Role::Reader(args) => reader::run(args, session).await,
        Role::Workload(args) => workload::run(args, session),
        Role::Controller(args) => controller::run(args, session).await,
        Role::People(args) => people::run(args, session).await,
        Role::Admission(args) => admission::run(args),
        Role::Inject(args) => inject::run(args, session),
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

/// The names of `--name`.
fn secret_names(names: &[String]) -> Result<Vec<String>, Failure> {
    let name = |name: &String| Ok(name.parse::<SecretName>()?.to_string());
    names.iter().map(name).collect()
}

#[derive(Args)]
struct CheckArgs {
    /// Ask the cluster whether you, or the user of --as, have these rights
    #[arg(long, conflicts_with = "output")]
    check: bool,
}

/// Prints what gives the rights or, with --check, whether the user has them.
async fn print(
    grants: &[Grant],
    subjects: &[Subject],
    is_check: bool,
    session: &Session,
) -> Result<(), Failure> {
    match is_check {
        true => check::run(grants, session).await,
        false => Ok(terminal::stdout(policy::manifest(grants, subjects).as_bytes())?),
    }
}

/// The name of a role, in RBAC and in the language of a KMS.
fn role_name(text: &str) -> Result<String, String> {
    let is_one = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    match !text.is_empty() && text.chars().all(is_one) {
        true => Ok(text.to_owned()),
        false => Err("use letters, digits, `.`, `_`, `:` and `-`".to_owned()),
    }
}
