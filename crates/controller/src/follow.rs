//! Follows the cluster: what changes is put into the queue, and delivered from it.
//!
//! One task owns all state. Deliveries run beside each other inside of it.

mod tell;
mod watches;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use envcrypt_cluster::{Change, ClusterError, Delivered, LiveResource};
use envcrypt_core::secret::{Namespace, Place};
use envcrypt_daemon::failure::Failure;
use envcrypt_daemon::process::stopped;
use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::{BoxStream, FuturesUnordered, SelectAll};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep_until, timeout};

use crate::deliver::{Deliverer, Report, Task};
use crate::health::Said;
use crate::index::Index;
use crate::lists::Lists;
use crate::metrics::{Delivery, Metrics};
use crate::outcome::{Retry, Standing};
use crate::pause::pause;
use crate::queue::Queue;
use crate::restart::{ALWAYS, Restarts, Where};

/// How many deliveries run at the same time.
const AT_ONCE: usize = 32;
/// How often the oldest one of the queue is searched for.
const MEASURE_AGAIN: Duration = Duration::from_secs(1);
/// How often the same event about the same object is written.
const NOTE_AGAIN: Duration = Duration::from_secs(60);
/// How many repairs of one object are made at once.
const REPAIRS: u32 = 5;
/// How long a repair counts.
const CONTESTED: Duration = Duration::from_secs(120);
/// The maximum number of events that are being written.
const NOTES: usize = 64;
/// How often `--once` tries again what someone else, or the API server, got in the way of.
const TRIES: u32 = 4;
/// How many failures of its watches `--once` bears.
const FAILURES: u32 = 5;
/// How long deliveries may take at the end.
const GRACE: Duration = Duration::from_secs(10);

/// What is followed.
pub struct Options {
    /// The namespaces; none means all.
    pub namespaces: Vec<Namespace>,
    /// Whether to end once everything was delivered once.
    pub once: bool,
    /// Whether workloads are restarted.
    pub restarts: bool,
}

/// A change that a watch reports, and the namespace of the watch.
type Watched<T> = (Option<Namespace>, Change<T>);

struct Follower {
    deliverer: Arc<Deliverer>,
    options: Options,
    metrics: Arc<Metrics>,
    said: Arc<Said>,
    index: Index,
    queue: Queue,
    running: FuturesUnordered<LocalBoxFuture<'static, Report>>,
    resources: SelectAll<BoxStream<'static, Watched<LiveResource>>>,
    targets: SelectAll<BoxStream<'static, Watched<Delivered>>>,
    /// The watches that are not complete yet.
    incomplete_resources: Lists,
    incomplete_targets: Lists,
    restarts: Restarts,
    passes: FuturesUnordered<LocalBoxFuture<'static, (Where, Option<Duration>, usize)>>,
    /// Events that are being written.
    notes: JoinSet<()>,
    /// The message of the last watch that failed.
    failure: Option<String>,
    /// How often a watch failed.
    failures: u32,
    leads: bool,
    /// When the oldest one of the queue was searched for last.
    measured: Instant,
}

/// Follows the cluster until it is stopped, or once.
///
/// # Errors
/// Returns a [`Failure`] if the Lease was lost.
pub async fn run(
    deliverer: Arc<Deliverer>,
    options: Options,
    metrics: Arc<Metrics>,
    said: Arc<Said>,
) -> Result<ExitCode, Failure> {
    let (mut leader, lease) = lead(deliverer.clone());
    let mut follower = Follower {
        deliverer,
        options,
        metrics,
        said,
        index: Index::default(),
        queue: Queue::default(),
        running: FuturesUnordered::new(),
        resources: SelectAll::new(),
        targets: SelectAll::new(),
        incomplete_resources: Lists::default(),
        incomplete_targets: Lists::default(),
        restarts: Restarts::default(),
        passes: FuturesUnordered::new(),
        notes: JoinSet::new(),
        failure: None,
        failures: 0,
        leads: false,
        measured: Instant::now(),
    };
    follower.begin();
    let stop = stopped();
    tokio::pin!(stop);
    loop {
        follower.start_deliveries();
        if follower.options.once && follower.failures >= FAILURES {
            let cause = follower.failure.take().unwrap_or_default();
            return Err(Failure::new("the cluster cannot be watched").cause(cause));
        }
        if follower.is_finished() {
            let code = follower.summary();
            follower.end(lease).await;
            return Ok(code);
        }
        let next = follower.next();
        tokio::select! {
            Some((namespace, change)) = follower.targets.next() => follower.see_target(namespace, change),
            Some((namespace, change)) = follower.resources.next() => follower.see(namespace, change),
            Some((place, again, count)) = follower.passes.next() => {
                follower.passed(place, again, count);
            }
            Some(report) = follower.running.next() => follower.finish(report),
            leads = leader.changed() => match leads.is_ok() && *leader.borrow() {
                true => follower.take_lead(),
                false => {
                    let failure = follower.lost();
                    follower.end(lease).await;
                    return Err(failure);
                }
            },
            () = until(next) => {}
            () = &mut stop => break,
        }
    }
    follower.end(lease).await;
    Ok(ExitCode::SUCCESS)
}

/// Takes the Lease, and keeps it. The receiver sees `true` once it is held; the sender is dropped
/// once it is lost.
fn lead(deliverer: Arc<Deliverer>) -> (watch::Receiver<bool>, AbortHandle) {
    let (sender, receiver) = watch::channel(false);
    let task = tokio::spawn(async move {
        let log = |error: &ClusterError| {
            let hint = error.hint().unwrap_or_default();
            tracing::warn!(%error, hint, lease = "--lease", "the Lease cannot be used");
        };
        if let Some(lease) = &deliverer.lease {
            lease.acquire(&deliverer.cluster, log).await;
        }
        let _ = sender.send(true);
        match &deliverer.lease {
            Some(lease) => lease.keep(&deliverer.cluster, log).await,
            None => sender.closed().await,
        }
    });
    (receiver, task.abort_handle())
}

async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

impl Follower {
    fn take_lead(&mut self) {
        self.leads = true;
        self.metrics.leader.set(1);
        if self.options.restarts {
            for namespace in self.namespaces() {
                self.restarts.look(namespace, Instant::now());
            }
        }
        tracing::info!(waiting = self.queue.len(), "this process delivers");
    }

    fn lost(&self) -> Failure {
        self.metrics.leader.set(0);
        Failure::new("another process may deliver by now")
            .cause("the Lease was not renewed in time")
    }

    /// Starts deliveries, as many as may run at the same time.
    fn start_deliveries(&mut self) {
        // What is in order is known only once all is listed.
        while self.leads && self.is_synced() && self.running.len() < AT_ONCE {
            let Some(place) = self.queue.take(Instant::now()) else { break };
            let target = self.index.target(&place).map(|target| target.version.clone());
            let fingerprint = self.index.entry(&place).and_then(|entry| entry.fingerprint.clone());
            let deliverer = self.deliverer.clone();
            let task = Task { place, target, fingerprint };
            self.running.push(Box::pin(async move { deliverer.deliver(task).await }));
        }
        self.start_passes();
        self.measure();
    }

    /// Updates the metrics of the queue. The oldest one is searched for once a second: this runs
    /// after each change of the cluster, and thousands may wait.
    fn measure(&mut self) {
        let waiting = self.queue.len();
        self.metrics.queue.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        if waiting > 0 && self.measured.elapsed() < MEASURE_AGAIN {
            return;
        }
        self.measured = Instant::now();
        let oldest = self.queue.oldest().map_or(0, |since| since.elapsed().as_secs());
        self.metrics.oldest_waiting.set(i64::try_from(oldest).unwrap_or(i64::MAX));
    }

    /// Looks at workloads, where that is due.
    fn start_passes(&mut self) {
        while self.leads
            && self.is_synced()
            && let Some(place) = self.restarts.take(Instant::now())
        {
            let all = self.index.targets().filter(|(target, _)| is_in(target, &place));
            let changed =
                all.filter_map(|(place, target)| Some((place.clone(), target.changed.clone()?)));
            let pass = self.restarts.pass(self.deliverer.clone(), place.clone(), changed.collect());
            self.passes.push(Box::pin(pass));
        }
    }

    fn passed(&mut self, place: Where, again: Option<Duration>, count: usize) {
        self.metrics.restarts.inc_by(count as u64);
        let always = self.namespaces().contains(&place).then_some(ALWAYS);
        if let Some(again) = again.or(always) {
            self.restarts.look(place, Instant::now() + again);
        }
    }

    /// When something is to be done that no watch tells.
    fn next(&self) -> Option<Instant> {
        if !self.leads || !self.is_synced() {
            return None;
        }
        self.queue.next().into_iter().chain(self.restarts.next()).min()
    }

    fn is_synced(&self) -> bool {
        self.said.is_synced.load(Ordering::Relaxed)
    }

    /// Takes the result of a delivery.
    fn finish(&mut self, report: Report) {
        let now = Instant::now();
        let place = report.place.clone();
        let again = self.queue.done(&place);
        if let Some(delivery) = report.delivery {
            self.metrics.delivery(delivery, report.began);
        }
        // If the watch told of something meanwhile, it knows better.
        let is_written = report.delivery.is_some() && self.deliverer.watches_targets;
        if let Some(version) = report.target.as_ref().filter(|_| is_written && again.is_none()) {
            self.index.wrote(&place, version);
        }
        match (&report.resource, again) {
            (Some(resource), _) => self.index.looked_at(resource, report.target.clone()),
            (None, None) if report.outcome.is_none() => return self.forget(&place),
            // Another one of this name was made meanwhile.
            (None, Some(urgency)) => return self.queue.add(&place, urgency, now),
            (None, None) => {}
        }
        if let Some(entry) = self.index.entry(&place) {
            entry.fingerprint.clone_from(&report.fingerprint);
            if report.delivery == Some(Delivery::Repaired) {
                let is_lately = entry.repairs.1.is_some_and(|last| last.elapsed() < CONTESTED);
                entry.repairs = (if is_lately { entry.repairs.0 + 1 } else { 1 }, Some(now));
            }
        }
        self.stands(&place, report.standing());
        match report.outcome.as_ref().map(|outcome| outcome.retry) {
            Some(Some(retry)) => self.try_again(&place, retry, now),
            Some(None) => {
                let failed = self.index.entry(&place).and_then(|entry| entry.failed.take());
                // The KMS answers again.
                if failed.is_some_and(|(retry, _)| retry == Retry::Kms) && report.delivery.is_some()
                {
                    self.queue.wake(Retry::Kms, now);
                }
            }
            None => {}
        }
        if let Some(urgency) = again.filter(|_| self.index.is_changed(&place)) {
            self.queue.add(&place, urgency, now);
        }
        self.tell(&report);
    }

    fn try_again(&mut self, place: &Place, retry: Retry, now: Instant) {
        let Some(entry) = self.index.entry(place) else { return };
        // Another reason begins anew.
        let before = entry.failed.filter(|(old, _)| *old == retry).map_or(0, |(_, count)| count);
        let failures = before.saturating_add(1);
        entry.failed = Some((retry, failures));
        let is_worth_it = matches!(retry, Retry::Conflict | Retry::Passing) && failures < TRIES;
        if self.options.once && !is_worth_it {
            return;
        }
        let after = pause(retry, failures, self.queue.waiting(retry));
        self.queue.add_later(place, after, retry, now);
    }

    fn stands(&mut self, place: &Place, standing: Option<Standing>) {
        let Some(entry) = self.index.entry(place) else { return };
        let old = std::mem::replace(&mut entry.standing, standing);
        self.metrics.stands(&place.namespace, old, standing);
    }

    /// With `--once`: whether everything was delivered once.
    fn is_finished(&self) -> bool {
        self.options.once
            && self.is_synced()
            && self.running.is_empty()
            && self.queue.len() == 0
            && self.queue.next().is_none()
    }

    fn summary(&self) -> ExitCode {
        let (mut ready, mut others) = (0_usize, 0_usize);
        for (place, entry) in self.index.resources() {
            match entry.standing {
                Some(Standing::Ready) => ready += 1,
                Some(Standing::Suspended) | None => {}
                Some(_) => {
                    others += 1;
                    tracing::error!(namespace = %place.namespace, name = %place.name, "not delivered");
                }
            }
        }
        if self.index.resources().next().is_none() {
            tracing::warn!("there is no EnvcryptSecret");
        }
        tracing::info!(ready, not_delivered = others, "everything was looked at once");
        if others == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// Ends the deliveries that are under way, and gives the Lease up.
    async fn end(mut self, lease: AbortHandle) {
        let rest = async {
            while self.running.next().await.is_some() {}
            while self.notes.join_next().await.is_some() {}
        };
        let _ = timeout(GRACE, rest).await;
        // Nothing renews the Lease while it is given up.
        lease.abort();
        if let Some(lease) = &self.deliverer.lease {
            lease.release(&self.deliverer.cluster).await;
        }
    }
}

fn is_in(place: &Place, namespace: &Option<Namespace>) -> bool {
    namespace.as_ref().is_none_or(|namespace| place.namespace == *namespace)
}
