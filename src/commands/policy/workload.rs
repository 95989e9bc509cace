//! `policy workload`: opens its own Secrets, in its own pod.

use clap::Args;

use super::kms::{KmsArgs, Whose};
use super::{namespaces, secret_names};
use crate::candidates;
use crate::failure::Failure;
use crate::policy::{KekUse, PolicyError, Subject};
use crate::session::Session;

/// Print the rights of a pod that opens its own Secrets with `exec`.
///
/// The pod needs no rights in the cluster, because the kubelet gives it its Secrets. It decrypts
/// with the KEKs of its namespace.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let the pods of a service account open Secrets of their namespace
  kubectl envcrypt policy workload -n prod --subject serviceaccount:prod:web \\
    --kek hashivault://prod -o vault > web.hcl

  # Let the pods of each namespace open the Secrets of that namespace, with one policy for EKS
  kubectl envcrypt policy workload --pod-identity -o aws \\
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd > policy.json")]
pub struct WorkloadArgs {
    /// Namespace of the pods (can be repeated)
    #[arg(short, long, value_name = "NAMESPACE", required_unless_present = "pod_identity", conflicts_with = "pod_identity", add = candidates::namespaces())]
    namespace: Vec<String>,
    /// Service account of the pods: serviceaccount:NAMESPACE:NAME (can be repeated)
    #[arg(long, value_name = "SUBJECT")]
    subject: Vec<Subject>,
    /// Secret that may be opened (can be repeated); without it, all
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Name of the policy of Vault
    #[arg(long, value_name = "NAME", default_value = "envcrypt-workload", value_parser = super::role_name)]
    role_name: String,
    /// Print one policy for the pods of all namespaces: EKS Pod Identity tells AWS the namespace of
    /// each pod
    #[arg(long)]
    pod_identity: bool,
    #[command(flatten)]
    kms: KmsArgs,
}

pub fn run(args: WorkloadArgs, session: &Session) -> Result<(), Failure> {
    let (namespaces, names) = (namespaces(&args.namespace)?, secret_names(&args.name)?);
    let WorkloadArgs { role_name: name, subject: subjects, .. } = &args;
    let whose = Whose { name, uses: KekUse::Open, names: &names, subjects, are_of_pods: true };
    if args.pod_identity {
        return args.kms.print_for_pods(&whose, session);
    }
    let kms = args.kms.kms().ok_or(PolicyError::NothingInCluster)?;
    args.kms.print(kms, &namespaces, &whose, session)
}
