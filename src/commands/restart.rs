//! `restart`: the workloads that use Secrets, whether or not a value has just changed.

use std::collections::HashSet;

use clap::Args;

use crate::access::opener::{OpenArgs, Opener};
use crate::candidates;
use crate::cluster::Sort;
use crate::failure::{Failure, SelectError};
use crate::restart::{RestartArgs, Restarter};
use crate::select::names::place_named;
use crate::select::selector::Selector;
use crate::session::Session;
use envcrypt_core::manifest::Object;

/// Restart the workloads that use Secrets, after showing them.
///
/// For a restart that was missed: `apply --restart` restarts only what uses a value that
/// it has just changed. Pods take new values when they start.
#[derive(Args)]
#[command(after_help = "Examples:
  # Whatever uses a Secret
  kubectl envcrypt restart db -n prod

  # Without asking, and wait until all of it runs anew
  kubectl envcrypt restart db web -n prod --yes --wait")]
pub struct RestartCommandArgs {
    /// Secrets of the cluster, sealed or plain
    #[arg(value_name = "NAME", required_unless_present = "selector", conflicts_with = "selector", add = candidates::secrets())]
    names: Vec<String>,
    /// Those that use sealed Secrets with these labels
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<Selector>,
    #[command(flatten)]
    how: HowArgs,
}

/// As `apply --restart` has them.
#[derive(Args)]
pub struct HowArgs {
    /// Restart them without asking
    #[arg(short = 'y', long)]
    yes: bool,
    /// Wait until they run anew, 10m at most unless a time is given
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "10m", require_equals = true, value_parser = crate::config::duration)]
    wait: Option<std::time::Duration>,
}

/// Runs it.
pub async fn run(args: RestartCommandArgs, session: &Session) -> Result<(), Failure> {
    let how = RestartArgs::of(args.how.yes, args.how.wait);
    how.check(session, false)?;
    let default = session.namespace()?;
    let cluster = session.cluster().await?;
    let mut places = HashSet::new();
    for name in &args.names {
        let place = place_named(&default, name)?;
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
