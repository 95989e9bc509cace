//! Before Secrets of the cluster take another form: what, where, and who uses them.

use std::collections::{BTreeMap, BTreeSet};

use crate::cluster::{Cluster, ClusterError};
use crate::failure::{BatchError, Failure};
use crate::restart::show;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::secret::{Namespace, Place, SecretName};

/// How many names are shown.
const SHOWN: usize = 20;

/// Shows the Secrets and what uses them, and asks; for several, for a word.
/// `into` is what they become.
pub async fn confirm(
    session: &Session,
    cluster: &Cluster,
    places: &BTreeSet<Place>,
    into: &str,
) -> Result<(), Failure> {
    let prompt = session.prompt();
    if !prompt.is_available() {
        return Err(Failure::Usage(
            "`--replace` asks first, and there is no terminal: add `--yes`".into(),
        ));
    }
    let target = session.target()?;
    let context = target.context().map_or_else(String::new, |name| format!(", context `{name}`"));
    let count = places.len();
    terminal::stderr_line(&format!(
        "In the cluster `{}`{context}, {count} {} {into}:",
        target.server()?,
        if count == 1 { "Secret becomes" } else { "Secrets become" },
    ));
    places.iter().take(SHOWN).for_each(|place| terminal::stderr_line(&format!("  {place}")));
    if count > SHOWN {
        terminal::stderr_line(&format!("  and {} more", count - SHOWN));
    }
    show_consumers(cluster, places, into).await?;
    let question = "each is deleted and made anew; go on";
    let is_yes = match count {
        1 => prompt.confirm(question)?,
        _ => prompt.confirm_with("replace", question)?,
    };
    if is_yes { Ok(()) } else { Err(Failure::Batch(BatchError::Declined)) }
}

async fn show_consumers(
    cluster: &Cluster,
    places: &BTreeSet<Place>,
    into: &str,
) -> Result<(), Failure> {
    let mut names = BTreeMap::<&Namespace, BTreeSet<SecretName>>::new();
    for place in places {
        names.entry(&place.namespace).or_default().insert(place.name.clone());
    }
    let mut consumers = Vec::new();
    for (namespace, names) in names {
        match cluster.consumers(namespace, &names).await {
            Ok((found, unseen)) => {
                consumers.extend(found);
                if let Some(error) = unseen {
                    terminal::warn(&error.to_string());
                }
            }
            // Who may replace a Secret need not be let see workloads.
            Err(error @ ClusterError::Forbidden { .. }) => {
                terminal::warn(&format!("what uses them is not known: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !consumers.is_empty() {
        terminal::stderr_line(match into {
            "sealed" => {
                "These use them. From their next start on they read sealed text, which only `exec` opens:"
            }
            _ => "These use them:",
        });
        consumers.iter().for_each(show);
    }
    Ok(())
}
