//! `policy admission`: what the API server itself refuses.

use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::policy::{Subject, crd_guard, fence, sealed_only};
use crate::terminal;

/// Print policies with which the API server refuses what nobody should write.
///
/// They are ValidatingAdmissionPolicies, for Kubernetes 1.30 and later, and need no webhook.
/// `fence` limits the controller to the Secrets that it delivers. `sealed-only` refuses plain
/// Secrets of people, in namespaces with the label `envcrypt.dev/sealed-only=true`. `crd-guard`
/// refuses to delete the CustomResourceDefinition, which would delete all delivered Secrets.
#[derive(Args)]
#[command(after_help = "Examples:
  # Apply all three policies
  kubectl envcrypt policy admission | kubectl apply -f -

  # Let cert-manager write plain Secrets too, where people must not
  kubectl envcrypt policy admission sealed-only \\
    --exempt serviceaccount:cert-manager:cert-manager | kubectl apply -f -
  kubectl label namespace prod envcrypt.dev/sealed-only=true")]
pub struct AdmissionArgs {
    /// Policies to print; without any, all
    #[arg(value_enum, value_name = "POLICY")]
    policies: Vec<Which>,
    /// Account of the controller: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can be
    /// repeated)
    #[arg(
        long,
        value_name = "SUBJECT",
        default_value = "serviceaccount:envcrypt-system:envcrypt-controller"
    )]
    subject: Vec<Subject>,
    /// Who else may write plain Secrets: user:NAME, group:NAME or serviceaccount:NAMESPACE:NAME (can
    /// be repeated)
    #[arg(long, value_name = "SUBJECT")]
    exempt: Vec<Subject>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Fence,
    SealedOnly,
    CrdGuard,
}

pub fn run(args: AdmissionArgs) -> Result<(), Failure> {
    let all = [Which::Fence, Which::SealedOnly, Which::CrdGuard];
    let is_named = |which: &Which| args.policies.is_empty() || args.policies.contains(which);
    let exempt = [&args.subject[..], &args.exempt].concat();
    let text = |which| match which {
        Which::Fence => fence(&args.subject),
        Which::SealedOnly => sealed_only(&exempt),
        Which::CrdGuard => crd_guard(),
    };
    let texts: Vec<String> = all.into_iter().filter(is_named).map(text).collect();
    Ok(terminal::stdout(texts.join("---\n").as_bytes())?)
}
