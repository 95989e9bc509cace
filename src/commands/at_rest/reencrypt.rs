//! `at-rest reencrypt`: stores objects again, so that they are encrypted as kube-apiserver is told
//! now. No value leaves the API server.

use clap::Args;

use crate::batch::store_again::{PaceArgs, store_again};
use crate::failure::Failure;
use crate::guard::confirm_context;
use crate::session::Session;

/// Store objects again, with the provider that kube-apiserver uses now.
///
/// After a change of the EncryptionConfiguration, old objects stay as they are until someone writes
/// them. This command lets the API server write each one again. It sends and receives metadata
/// only: no value crosses the network. An object that is encrypted in the right way already is not
/// written. It is safe to run the command again, and to stop it at any time.
///
/// You need the verbs `list` and `patch` on each resource. Mutating admission webhooks see each
/// object as a change.
#[derive(Args)]
#[command(after_help = "Examples:
  # Encrypt all Secrets again after a change of the EncryptionConfiguration
  kubectl envcrypt at-rest reencrypt secrets

  # Do the same for ConfigMaps and a custom resource, with at most 50 requests a second
  kubectl envcrypt at-rest reencrypt configmaps widgets.example.com --qps 50

  # Encrypt everything again that *.* in the configuration means
  kubectl envcrypt at-rest reencrypt '*.*'")]
pub struct ReencryptArgs {
    /// Resources as the EncryptionConfiguration names them
    #[arg(value_name = "RESOURCE", default_value = "secrets")]
    resources: Vec<String>,
    #[command(flatten)]
    pace: PaceArgs,
}

pub async fn run(args: ReencryptArgs, session: &Session) -> Result<(), Failure> {
    confirm_context(session)?;
    store_again(&session.cluster().await?, &args.resources, &args.pace).await
}
