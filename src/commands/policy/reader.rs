//! `policy reader`: opens Secrets of the cluster.

use clap::Args;

use super::kms::{KmsArgs, Whose};
use super::{CheckArgs, namespaces, print, secret_names};
use crate::candidates;
use crate::failure::Failure;
use crate::policy::{self, KekUse, Subject};
use crate::session::Session;

/// Print the rights to read and open sealed Secrets.
///
/// The subject may get the Secrets in the cluster, and decrypt with their KEKs. To open files of
/// Git, only the rights for the KMS are needed.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let a group read one sealed Secret of the cluster
  kubectl envcrypt policy reader -n prod --name db --subject group:dba | kubectl apply -f -

  # Let a role of AWS open Secrets of a namespace
  kubectl envcrypt policy reader -n prod -o aws \\
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd > policy.json")]
pub struct ReaderArgs {
    /// Namespace of the Secrets (can be repeated)
    #[arg(short, long, value_name = "NAMESPACE", required = true, add = candidates::namespaces())]
    namespace: Vec<String>,
    /// Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be
    /// repeated); without it, only Roles are printed
    #[arg(long, value_name = "SUBJECT")]
    subject: Vec<Subject>,
    /// Secret that may be opened (can be repeated); without it, all, and in the cluster plain ones
    /// too
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Name of the Roles and bindings, or of the policy of Vault
    #[arg(long, value_name = "NAME", default_value = "envcrypt-reader", value_parser = super::role_name)]
    role_name: String,
    #[command(flatten)]
    kms: KmsArgs,
    #[command(flatten)]
    check: CheckArgs,
}

pub async fn run(args: ReaderArgs, session: &Session) -> Result<(), Failure> {
    let (namespaces, names) = (namespaces(&args.namespace)?, secret_names(&args.name)?);
    let ReaderArgs { role_name: name, subject: subjects, .. } = &args;
    let whose = Whose { name, uses: KekUse::Open, names: &names, subjects, are_of_pods: false };
    if let Some(kms) = args.kms.kms() {
        return args.kms.print(kms, &namespaces, &whose, session);
    }
    print(&policy::reader(name, &namespaces, &names), subjects, args.check.check, session).await
}
