//! Shows which Secrets of the cluster change their form, where, and what uses them, before they
//! change.

use std::collections::{BTreeMap, BTreeSet};

use crate::failure::{BatchError, Failure};
use crate::restart::show;
use crate::session::Session;
use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError};
use envcrypt_core::secret::{Namespace, Place, SecretName};

/// How many names are shown.
const SHOWN: usize = 20;

/// Shows the Secrets and what uses them, and prompts; for several Secrets, the person must type a
/// word. `into` is the new form.
pub async fn confirm(
    session: &Session,
    cluster: &Cluster,
    places: &BTreeSet<Place>,
    into: &str,
) -> Result<(), Failure> {
    let prompt = session.prompt();
    if !prompt.is_available() {
        return Err(Failure::Usage(
            "`--replace` prompts first, and there is no terminal: add `--yes`".into(),
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
    let question = "each Secret is deleted and created again; go on";
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
            // Someone who may replace a Secret may not be allowed to list workloads.
            Err(error @ ClusterError::Forbidden { .. }) => {
                terminal::warn(&format!("the workloads that use them are not known: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if !consumers.is_empty() {
        terminal::stderr_line(match into {
            "sealed" => {
                "These workloads use them. After their next start they read sealed values, which only `exec` opens:"
            }
            _ => "These workloads use them:",
        });
        consumers.iter().for_each(show);
    }
    Ok(())
}
