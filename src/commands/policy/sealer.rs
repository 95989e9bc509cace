//! `policy sealer`: seals, and opens nothing.

use clap::Args;

use super::kms::{KmsArgs, Whose};
use super::{CheckArgs, namespaces, print, secret_names};
use crate::candidates;
use crate::failure::Failure;
use crate::policy::{self, KekUse, Subject};
use crate::session::Session;

/// Print the rights to seal Secrets, without the right to open them.
///
/// To seal into files for Git, nobody needs rights in the cluster: print only those for the KMS. To
/// write to the cluster, the subject may create and patch EnvcryptSecrets.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let a user write EnvcryptSecrets of a namespace
  kubectl envcrypt policy sealer -n prod --subject user:jane@example.com | kubectl apply -f -

  # Let a role of AWS seal Secrets of a namespace
  kubectl envcrypt policy sealer -n prod -o aws \\
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd > policy.json

  # Check whether you have the rights in the cluster
  kubectl envcrypt policy sealer -n prod --check")]
pub struct SealerArgs {
    /// Namespace of the Secrets (can be repeated)
    #[arg(short, long, value_name = "NAMESPACE", required = true, add = candidates::namespaces())]
    namespace: Vec<String>,
    /// Who gets the rights: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be
    /// repeated); without it, only Roles are printed
    #[arg(long, value_name = "SUBJECT")]
    subject: Vec<Subject>,
    /// Secret that may be sealed (can be repeated); without it, all; RBAC cannot limit `create`
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Allow writing sealed Secrets of the kind Secret too; who may patch a Secret can read it
    #[arg(long)]
    secrets: bool,
    /// Name of the Roles and bindings, or of the policy of Vault
    #[arg(long, value_name = "NAME", default_value = "envcrypt-sealer", value_parser = super::role_name)]
    role_name: String,
    #[command(flatten)]
    kms: KmsArgs,
    #[command(flatten)]
    check: CheckArgs,
}

pub async fn run(args: SealerArgs, session: &Session) -> Result<(), Failure> {
    let (namespaces, names) = (namespaces(&args.namespace)?, secret_names(&args.name)?);
    let SealerArgs { role_name: name, subject: subjects, .. } = &args;
    let whose = Whose { name, uses: KekUse::Seal, names: &names, subjects, are_of_pods: false };
    if let Some(kms) = args.kms.kms() {
        return args.kms.print(kms, &namespaces, &whose, session);
    }
    print(
        &policy::sealer(name, &namespaces, &names, args.secrets),
        subjects,
        args.check.check,
        session,
    )
    .await
}
