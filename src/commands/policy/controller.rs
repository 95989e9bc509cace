//! `policy controller`: delivers plain Secrets.

use clap::{Args, ValueEnum};

use super::kms::{KmsArgs, Whose};
use super::{CheckArgs, namespaces, print};
use crate::candidates;
use crate::failure::Failure;
use crate::policy::{self, Controller, KekUse, Lease, Subject};
use crate::session::Session;

/// Print the rights of envcrypt-controller.
///
/// With -n, the controller gets a Role in each namespace and no ClusterRole: start it with the same
/// --namespace flags. Without -n, it may write the Secrets of all namespaces.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let the controller deliver Secrets of two namespaces
  kubectl envcrypt policy controller -n prod -n stage | kubectl apply -f -

  # Let it deliver Secrets of all namespaces, and restart workloads
  kubectl envcrypt policy controller --restart | kubectl apply -f -

  # Let it open the Secrets of one namespace, with the key that a rule names there
  kubectl envcrypt policy controller -n prod -o aws > policy.json")]
pub struct ControllerArgs {
    /// Namespace that the controller serves (can be repeated); without it, all
    #[arg(short, long, value_name = "NAMESPACE", add = candidates::namespaces())]
    namespace: Vec<String>,
    /// Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be repeated)
    #[arg(
        long,
        value_name = "SUBJECT",
        default_value = "serviceaccount:envcrypt-system:envcrypt-controller"
    )]
    subject: Vec<Subject>,
    /// Name of the Roles and bindings, or of the policy of Vault
    #[arg(long, value_name = "NAME", default_value = "envcrypt-controller", value_parser = super::role_name)]
    role_name: String,
    /// Whether the controller repairs plain Secrets that others change
    #[arg(long, value_enum, default_value = "on", value_name = "WHEN")]
    drift: Drift,
    /// Allow the controller to restart workloads that use a changed Secret
    #[arg(long)]
    restart: bool,
    /// Lease of the controller: NAMESPACE/NAME, or off
    #[arg(long, value_name = "LEASE", default_value = "envcrypt-system/envcrypt-controller", value_parser = lease)]
    lease: LeaseChoice,
    #[command(flatten)]
    kms: KmsArgs,
    #[command(flatten)]
    check: CheckArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Drift {
    On,
    Off,
}

#[derive(Clone)]
struct LeaseChoice(Option<Lease>);

fn lease(text: &str) -> Result<LeaseChoice, String> {
    match text {
        "off" => Ok(LeaseChoice(None)),
        text => text.parse().map(|lease| LeaseChoice(Some(lease))),
    }
}

pub async fn run(args: ControllerArgs, session: &Session) -> Result<(), Failure> {
    let ControllerArgs { role_name: name, subject: subjects, .. } = &args;
    let namespaces = namespaces(&args.namespace)?;
    if let Some(kms) = args.kms.kms() {
        let whose = Whose { name, uses: KekUse::Open, names: &[], subjects, are_of_pods: true };
        return args.kms.print(kms, &namespaces, &whose, session);
    }
    let options = Controller {
        namespaces,
        watches_drift: args.drift == Drift::On,
        restarts: args.restart,
        lease: args.lease.0.clone(),
    };
    print(&policy::controller(name, &options), subjects, args.check.check, session).await
}
