//! `policy people`: EnvcryptSecrets for the cluster's own roles.

use clap::Args;

use super::print;
use crate::failure::Failure;
use crate::policy;
use crate::session::Session;

/// Print ClusterRoles that add EnvcryptSecrets to the roles view, edit and admin.
///
/// Kubernetes adds them to its own roles by their labels. An EnvcryptSecret holds only sealed
/// values. Nobody gets its status, which only the controller writes.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let everyone who may view or edit a namespace do the same with its EnvcryptSecrets
  kubectl envcrypt policy people | kubectl apply -f -")]
pub struct PeopleArgs {
    /// Ask the cluster whether you, or the user of --as, have these rights
    #[arg(long)]
    check: bool,
}

pub async fn run(args: PeopleArgs, session: &Session) -> Result<(), Failure> {
    print(&policy::people(), &[], args.check, session).await
}
