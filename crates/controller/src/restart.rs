//! Restarts the workloads that asked for it, once the values of a Secret of theirs changed.
//!
//! Each workload carries the Secrets for which it was restarted last. So nothing is missed while no
//! controller runs, and nothing restarts because a controller did.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use envcrypt_cluster::OptedIn;
use envcrypt_core::secret::{Namespace, Place};

use crate::deliver::Deliverer;

/// How long after a change the workloads are looked at: one delivery often follows another.
const SETTLES: Duration = Duration::from_secs(1);
/// How often all workloads are looked at, for new ones.
pub const ALWAYS: Duration = Duration::from_secs(300);
/// How many characters of a digest a workload carries.
const DIGITS: usize = 16;
/// The pause after an error.
const AGAIN: Duration = Duration::from_secs(10);

/// Where workloads are looked at: one namespace, or all.
pub type Where = Option<Namespace>;
/// The digest at the last change of each plain Secret.
pub type Changed = HashMap<Place, String>;

/// When workloads are looked at.
#[derive(Default)]
pub struct Restarts {
    wanted: BTreeMap<Where, Instant>,
    /// Since when a restart is due, for workloads that wait for further changes.
    due: Arc<Mutex<HashMap<(String, Place), Instant>>>,
}

impl Restarts {
    /// The values of a Secret of this namespace changed.
    pub fn changed(&mut self, namespace: &Namespace, now: Instant) {
        self.look(Some(namespace.clone()), now + SETTLES);
    }

    /// Looks at the workloads there at this time, or before.
    pub fn look(&mut self, place: Where, at: Instant) {
        let wanted = self.wanted.entry(place).or_insert(at);
        *wanted = at.min(*wanted);
    }

    /// Returns when workloads are looked at next.
    pub fn next(&self) -> Option<Instant> {
        self.wanted.values().min().copied()
    }

    /// Returns where to look now.
    pub fn take(&mut self, now: Instant) -> Option<Where> {
        let place = self.wanted.iter().find(|(_, at)| **at <= now)?.0.clone();
        self.wanted.remove(&place);
        Some(place)
    }

    /// Restarts the workloads there whose Secrets changed. The future returns where it looked, after
    /// which time to look again if that is necessary, and how many were restarted.
    pub fn pass(
        &self,
        deliverer: Arc<Deliverer>,
        place: Where,
        changed: Changed,
    ) -> impl Future<Output = (Where, Option<Duration>, usize)> + use<> {
        let due = self.due.clone();
        async move {
            let (mut again, mut count) = (None::<Duration>, 0);
            match deliverer.cluster.opted_in(place.as_ref()).await {
                Ok(workloads) => {
                    for workload in &workloads {
                        match restart(&deliverer, workload, &changed, &due).await {
                            Next::Done(is_restarted) => count += usize::from(is_restarted),
                            Next::Later(left) => {
                                again = Some(again.map_or(left, |again| again.min(left)));
                            }
                        }
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "the workloads cannot be listed");
                    again = Some(AGAIN);
                }
            }
            (place, again, count)
        }
    }
}

enum Next {
    /// Nothing is left to do; and whether it was restarted.
    Done(bool),
    /// It is looked at again after this time.
    Later(Duration),
}

async fn restart(
    deliverer: &Deliverer,
    workload: &OptedIn,
    changed: &Changed,
    due: &Mutex<HashMap<(String, Place), Instant>>,
) -> Next {
    let has = secrets(workload, changed);
    if workload.has.as_ref() == Some(&has) {
        return Next::Done(false);
    }
    // The first time, it is only noted.
    let restarts = workload.has.as_deref().is_some_and(|old| is_changed(old, &has));
    let name = (workload.title(), workload.place.clone());
    let after = workload.after.as_deref().and_then(|text| humantime::parse_duration(text).ok());
    if let Some(after) = after.filter(|_| restarts) {
        let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
        let since = *due.entry(name.clone()).or_insert_with(Instant::now);
        let left = after.saturating_sub(since.elapsed());
        if !left.is_zero() {
            return Next::Later(left);
        }
    }
    due.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
    if !deliverer.may_write() {
        return Next::Later(SETTLES);
    }
    match deliverer.cluster.note_secrets(workload, &has, restarts).await {
        Ok(()) if restarts => {
            let namespace = workload.place.namespace.as_str();
            tracing::info!(
                namespace,
                workload = workload.title(),
                "restarted: a Secret of it changed"
            );
            Next::Done(true)
        }
        Ok(()) => {
            tracing::debug!(workload = workload.title(), %has, "noted what a workload has");
            Next::Done(false)
        }
        Err(error) => {
            tracing::warn!(%error, workload = workload.title(), "a workload cannot be restarted");
            Next::Later(AGAIN)
        }
    }
}

/// The Secrets that a workload uses, each with the digest at the last change of a value, as text:
/// `a:DIGEST,b:DIGEST`.
fn secrets(workload: &OptedIn, changed: &Changed) -> String {
    let namespace = &workload.place.namespace;
    let secrets = workload.secrets.iter().filter_map(|name| {
        let place = Place { namespace: namespace.clone(), name: name.parse().ok()? };
        let changed: String = changed.get(&place)?.chars().take(DIGITS).collect();
        Some(format!("{name}:{changed}"))
    });
    secrets.collect::<Vec<_>>().join(",")
}

/// Whether a Secret that the workload had has other values now. One that is new needs no restart:
/// pods wait until all their Secrets exist.
fn is_changed(old: &str, new: &str) -> bool {
    let secrets = |text: &str| -> BTreeMap<String, String> {
        let pairs = text.split(',').filter_map(|pair| pair.split_once(':'));
        pairs.map(|(name, digest)| (name.to_owned(), digest.to_owned())).collect()
    };
    let old = secrets(old);
    secrets(new).iter().any(|(name, digest)| old.get(name).is_some_and(|old| old != digest))
}

#[cfg(test)]
mod tests {
    use super::is_changed;

    #[test]
    fn only_other_values_of_a_known_secret_restart() {
        for (old, new, expected) in [
            ("a:1,b:2", "a:1,b:2", false),
            ("a:1,b:2", "a:1,b:3", true),
            ("a:1", "a:1,b:3", false),
            ("a:1,b:2", "b:2", false),
            ("", "a:1", false),
            ("what", "a:1", false),
        ] {
            assert_eq!(is_changed(old, new), expected, "{old} {new}");
        }
    }
}
