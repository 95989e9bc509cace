//! `restart`: restarts the workloads that use Secrets, even if no value has just changed.

use std::collections::HashSet;

use clap::Args;

use crate::access::opener::{OpenArgs, Opener};
use crate::candidates;
use crate::failure::{Failure, SelectError};
use crate::guard::confirm_context;
use crate::restart::{RestartArgs, Restarter};
use crate::select::names::place_named;
use crate::select::selector::Selector;
use crate::session::Session;
use envcrypt_cluster::Sort;
use envcrypt_core::manifest::Object;

/// Show the workloads that use Secrets, then restart them.
///
/// Pods get new values only when they start. Use this command if you applied a change without a
/// restart: `apply --restart` restarts only the workloads that use a value that it has just
/// changed.
#[derive(Args)]
#[command(after_help = "Examples:
  # Restart the workloads that use a Secret
  kubectl envcrypt restart db -n prod

  # Restart without a prompt, and wait until the rollouts are complete
  kubectl envcrypt restart db web -n prod --yes --wait

  # Restart the workloads that use sealed Secrets with a label
  kubectl envcrypt restart -n prod -l team=payments")]
pub struct RestartCommandArgs {
    /// Names of Secrets in the cluster, sealed or plain
    #[arg(value_name = "NAME", required_unless_present = "selector", conflicts_with = "selector", add = candidates::secrets())]
    names: Vec<String>,
    /// Select sealed Secrets by their labels, for example app=web
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<Selector>,
    #[command(flatten)]
    how: HowArgs,
}

/// The flags of `apply --restart`.
#[derive(Args)]
pub struct HowArgs {
    /// Restart without a prompt
    #[arg(short = 'y', long)]
    yes: bool,
    /// Wait until the rollouts are complete, at most 10m unless TIME is given
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", require_equals = true, value_parser = crate::config::duration)]
    wait: Option<std::time::Duration>,
}

pub async fn run(args: RestartCommandArgs, session: &Session) -> Result<(), Failure> {
    let how = RestartArgs::of(args.how.yes, args.how.wait);
    how.check(session, false)?;
    let default = session.namespace()?;
    let named = args.names.iter().map(|name| place_named(&default, name));
    let named: Vec<_> = named.collect::<Result<_, _>>()?;
    confirm_context(session)?;
    let cluster = session.cluster().await?;
    let mut places = HashSet::new();
    for place in named {
        cluster.secret(&place).await?;
        places.insert(place);
    }
    if let Some(selector) = &args.selector {
        let take = async |objects: Vec<Object>| {
            places.extend(objects.iter().filter_map(|object| object.place(&default).ok()));
        };
        cluster.secrets(Sort::Sealed, Some(&default), Some(selector.as_str()), take).await?;
        if places.is_empty() {
            return Err(Failure::Select(SelectError::NothingSealed(format!(
                "the namespace `{default}`"
            ))));
        }
    }
    let opener = Opener::new(session, &OpenArgs::default())?;
    let restarter = Restarter::new(&how, session, &opener, &cluster, &places).await?;
    restarter.note_all(places);
    restarter.finish(&cluster, false).await
}
