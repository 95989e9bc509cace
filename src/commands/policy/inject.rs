//! `policy inject`: pods that open their own values, without a change of their manifests.

use clap::Args;

use super::namespaces;
use crate::candidates;
use crate::config::KekName;
use crate::failure::Failure;
use crate::policy::{self, Inject};
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;

/// Print a policy that puts `kubectl-envcrypt exec` before the commands of pods.
///
/// The API server runs it: a MutatingAdmissionPolicy, for Kubernetes 1.36 and later. It changes pods
/// with the label `envcrypt.dev/inject=true`, and in them each container that takes a variable from
/// a Secret. The program comes from an image volume. A pod is refused if such a container has no
/// `command`, or if a container takes all keys of a Secret with `envFrom`.
#[derive(Args)]
#[command(after_help = "Examples:
  # Open values in the pods of namespaces with the label envcrypt.dev/inject=true
  kubectl envcrypt policy inject --kek hashivault://prod \\
    --image registry.example.com/kubectl-envcrypt@sha256:… | kubectl apply -f -
  kubectl label namespace prod envcrypt.dev/inject=true

  # Give one namespace a key of its own
  kubectl envcrypt policy inject -n prod --policy-name inject-prod.envcrypt.dev \\
    --kek awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd \\
    --image registry.example.com/kubectl-envcrypt@sha256:… | kubectl apply -f -")]
pub struct InjectArgs {
    /// Namespace of the pods (can be repeated); without it, those with the label
    /// envcrypt.dev/inject=true
    #[arg(short, long, value_name = "NAMESPACE", add = candidates::namespaces())]
    namespace: Vec<String>,
    /// The only KEK that opens values (can be repeated)
    #[arg(long, value_name = "KEK", required = true, add = candidates::keks())]
    kek: Vec<KekName>,
    /// Image with the program at /kubectl-envcrypt
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// Accept only these variables for the login to the KMS (can be repeated, or comma-separated);
    /// without it, those that the KMS of each KEK needs
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    spec_env: Vec<String>,
    /// Name of the policies and of their bindings
    #[arg(long, value_name = "NAME", default_value = "inject.envcrypt.dev", value_parser = object_name)]
    policy_name: String,
}

/// A name that YAML reads as text.
fn object_name(text: &str) -> Result<String, String> {
    let is_valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
    let starts = text.starts_with(|c: char| c.is_ascii_lowercase());
    match starts && text.contains('.') && text.chars().all(is_valid) {
        true => Ok(text.to_owned()),
        false => Err("use lower-case letters, digits, `-` and at least one `.`".to_owned()),
    }
}

pub fn run(args: InjectArgs, session: &Session) -> Result<(), Failure> {
    let options = Inject {
        namespaces: namespaces(&args.namespace)?,
        keks: session.keks(&args.kek, MakeLocal::No)?,
        name: args.policy_name,
        image: args.image,
        spec_env: args.spec_env,
    };
    Ok(terminal::stdout(policy::inject(&options).as_bytes())?)
}
