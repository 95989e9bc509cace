//! Restarts the workloads that use Secrets whose values changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use crate::access::opener::Opener;
use crate::config::duration;
use crate::failure::{Failure, RestartError};
use crate::session::Session;
use crate::terminal;
use envcrypt_cluster::{Cluster, Consumer, Restart, Rollout};
use envcrypt_core::envelope::{SealCheck, SealedSecret};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::{Namespace, Place, PlainSecret, SecretName};

/// The pause between two checks of a rollout.
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Args)]
#[command(next_help_heading = "Restarting")]
pub struct RestartArgs {
    /// Show the workloads that use a Secret whose values changed, then restart them
    #[arg(long)]
    restart: bool,
    /// Restart them without a prompt
    #[arg(short = 'y', long, requires = "restart")]
    yes: bool,
    /// Wait until the new pods run, at most 10m unless you give a time
    #[arg(long, value_name = "TIME", requires = "restart", num_args = 0..=1, default_missing_value = "10m", require_equals = true, value_parser = duration)]
    wait: Option<Duration>,
}

impl RestartArgs {
    /// For a command that only restarts.
    pub fn of(yes: bool, wait: Option<Duration>) -> Self {
        Self { restart: true, yes, wait }
    }

    pub fn is_wanted(&self) -> bool {
        self.restart
    }

    /// Refuses before any work if a prompt is needed and there is no terminal.
    pub fn check(&self, session: &Session, is_dry_run: bool) -> Result<(), Failure> {
        match self.restart && !self.yes && !is_dry_run && !session.prompt().is_available() {
            true => Err(Failure::Usage(
                "the plugin prompts before it restarts workloads, and there is no terminal: add `--yes`"
                    .into(),
            )),
            false => Ok(()),
        }
    }
}

/// Notes which Secrets changed, and restarts what uses them.
pub struct Restarter<'a> {
    args: &'a RestartArgs,
    session: &'a Session,
    opener: &'a Opener<'a>,
    /// The workloads that use any of the Secrets. They are listed before any change, so that a
    /// missing permission shows in time.
    consumers: Vec<Consumer>,
    changed: RefCell<BTreeSet<Place>>,
}

impl<'a> Restarter<'a> {
    /// Finds the workloads that use these Secrets.
    pub async fn new(
        args: &'a RestartArgs,
        session: &'a Session,
        opener: &'a Opener<'a>,
        cluster: &Cluster,
        places: &HashSet<Place>,
    ) -> Result<Self, Failure> {
        let mut names = BTreeMap::<&Namespace, BTreeSet<SecretName>>::new();
        for place in places {
            names.entry(&place.namespace).or_default().insert(place.name.clone());
        }
        let mut consumers = Vec::new();
        for (namespace, names) in names {
            let (found, unseen) = cluster.consumers(namespace, &names).await?;
            consumers.extend(found);
            if let Some(error) = unseen {
                terminal::warn(&format!(
                    "{error}, so those that use a changed Secret are not shown"
                ));
            }
        }
        Ok(Self { args, session, opener, consumers, changed: RefCell::default() })
    }

    pub fn has_changes(&self) -> bool {
        !self.changed.borrow().is_empty()
    }

    /// Counts all of them as changed.
    pub fn note_all(&self, places: impl IntoIterator<Item = Place>) {
        self.changed.borrow_mut().extend(places);
    }

    /// Notes a Secret if its values changed; `before` is `None` if the Secret is new.
    pub async fn note(&self, place: &Place, before: Option<&Object>, after: &Object) {
        let is_same = match before {
            Some(before) => self.is_same(place, before, after).await,
            None => false,
        };
        if !is_same {
            self.changed.borrow_mut().insert(place.clone());
        }
    }

    /// Whether both have the same values. If they cannot be opened here, different bytes count as
    /// changed.
    async fn is_same(&self, place: &Place, before: &Object, after: &Object) -> bool {
        if before.data == after.data || is_same_sealing(before, after, &place.namespace) {
            return true;
        }
        let values = async |object: &Object| self.values(object, &place.namespace).await;
        match (values(before).await, values(after).await) {
            (Some(before), Some(after)) => {
                before.values.len() == after.values.len()
                    && before.values.iter().all(|(key, value)| after.holds(key, value))
            }
            _ => false,
        }
    }

    async fn values(&self, object: &Object, namespace: &Namespace) -> Option<PlainSecret> {
        if !object.is_sealed() {
            return object.plain(namespace).ok();
        }
        let secret: SealedSecret = object.sealed(namespace, SealCheck::Required).ok()?;
        match self.opener.can_open(&secret) {
            true => self.opener.open(&secret, None).await.ok(),
            false => None,
        }
    }

    /// Shows what uses the changed Secrets, prompts, restarts, and waits.
    pub async fn finish(&self, cluster: &Cluster, is_dry_run: bool) -> Result<(), Failure> {
        if self.changed.borrow().is_empty() {
            terminal::note(
                "no value changed, so nothing is restarted; to restart anyway, run `kubectl envcrypt restart NAME`",
            );
            return Ok(());
        }
        let consumers: Vec<_> = self.consumers.iter().filter(|c| self.uses_changed(c)).collect();
        if consumers.is_empty() {
            terminal::note(
                "no Deployment, StatefulSet, DaemonSet, CronJob or Job uses a changed Secret",
            );
            return Ok(());
        }
        terminal::stderr_line("these workloads use the Secrets:");
        consumers.iter().for_each(|consumer| show(consumer));
        let can = |consumer: &&Consumer| {
            matches!(consumer.restart, Restart::Possible | Restart::OnDelete)
        };
        let chosen: Vec<&Consumer> = consumers.into_iter().filter(can).collect();
        if chosen.is_empty() || is_dry_run || !self.confirm(chosen.len())? {
            return Ok(());
        }
        self.restart(cluster, &chosen).await
    }

    fn uses_changed(&self, consumer: &Consumer) -> bool {
        let changed = self.changed.borrow();
        let mut changed = changed.iter().filter(|place| place.namespace == consumer.namespace);
        changed.any(|place| consumer.uses.contains_key(place.name.as_str()))
    }

    fn confirm(&self, count: usize) -> Result<bool, Failure> {
        let what = if count == 1 { "it".to_owned() } else { format!("all {count}") };
        match self.args.yes || self.session.prompt().confirm(&format!("restart {what}"))? {
            true => Ok(true),
            false => {
                terminal::note(
                    "nothing was restarted; to restart later, run `kubectl envcrypt restart NAME`",
                );
                Ok(false)
            }
        }
    }

    async fn restart(&self, cluster: &Cluster, chosen: &[&Consumer]) -> Result<(), Failure> {
        // With kubectl's whole seconds, two restarts within one second would be only one.
        let now = Timestamp::now().as_millisecond();
        let now = Timestamp::from_millisecond(now).unwrap_or_default();
        let mut failed = 0;
        let mut restarted = Vec::new();
        for consumer in chosen {
            match cluster.restart(consumer, &now.to_string()).await {
                Ok(()) => {
                    // If nobody reads the output, the other workloads are still restarted.
                    let _ = terminal::stdout(format!("{consumer} restarted\n").as_bytes());
                    restarted.push(*consumer);
                }
                Err(error) => {
                    failed += 1;
                    Failure::from(error).report().into_iter().for_each(|report| report.print());
                }
            }
        }
        if let Some(limit) = self.args.wait {
            wait(cluster, restarted, limit).await?;
        }
        match failed {
            0 => Ok(()),
            failed => {
                Err(Failure::Restart(RestartError::NotRestarted { failed, all: chosen.len() }))
            }
        }
    }
}

/// Whether both are sealed with the same bytes, under any KEKs.
fn is_same_sealing(before: &Object, after: &Object, namespace: &Namespace) -> bool {
    let sealed = |object: &Object| object.sealed(namespace, SealCheck::Required).ok();
    match (sealed(before), sealed(after)) {
        (Some(before), Some(after)) => {
            before.values.len() == after.values.len()
                && before.values.keys().all(|key| before.same_sealing(&after, key))
        }
        _ => false,
    }
}

/// Waits for the rollouts, and reports each when it is done.
async fn wait(
    cluster: &Cluster,
    mut restarted: Vec<&Consumer>,
    limit: Duration,
) -> Result<(), Failure> {
    // Pods of an `OnDelete` workload stay until someone deletes them.
    restarted.retain(|consumer| consumer.restart == Restart::Possible);
    // A limit that the clock cannot hold means no limit.
    let end = Instant::now().checked_add(limit);
    while !restarted.is_empty() {
        let mut waiting = Vec::new();
        for consumer in restarted {
            match cluster.rollout(consumer).await? {
                Rollout::Done => {
                    let _ = terminal::stdout(format!("{consumer} rolled out\n").as_bytes());
                }
                Rollout::UnderWay => waiting.push(consumer),
                Rollout::Stuck => {
                    return Err(Failure::Restart(RestartError::RolloutStuck(consumer.to_string())));
                }
            }
        }
        if let Some(consumer) =
            waiting.first().filter(|_| end.is_some_and(|end| Instant::now() >= end))
        {
            return Err(Failure::Restart(RestartError::RolloutSlow(consumer.to_string())));
        }
        restarted = waiting;
        if !restarted.is_empty() {
            sleep(PAUSE).await;
        }
    }
    Ok(())
}

/// Prints a line with a workload, what it uses, and how it takes new values.
pub fn show(consumer: &Consumer) {
    let uses = consumer.uses.iter().map(|(name, ways)| {
        format!("{name} ({})", ways.iter().copied().collect::<Vec<_>>().join(", "))
    });
    let remark = match consumer.restart {
        Restart::Possible => "",
        Restart::OnDelete => "; its pods restart only when someone deletes them",
        Restart::Paused => "; it is paused, so it is not restarted",
        Restart::NextRun => "; its next run uses the new values",
        Restart::Never => "; a Job cannot be restarted",
    };
    let uses = uses.collect::<Vec<_>>().join(", ");
    terminal::stderr_line(&format!("  {consumer} -n {}: {uses}{remark}", consumer.namespace));
}
