//! What the watches report, and what it means for the queue.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use envcrypt_cluster::{Change, ClusterError, Delivered, LiveResource};
use envcrypt_core::secret::{Namespace, Place};
use futures::StreamExt;

use super::{CONTESTED, Follower, REPAIRS, is_in};
use crate::index::is_current;
use crate::outcome::{Outcome, Retry};
use crate::pause::pause;
use crate::queue::Urgency;
use crate::rules::Plan;
use crate::sealing::Sealing;
use crate::status;

impl Follower {
    /// Starts the first watches. The plain Secrets come first, so that what is in order is known.
    pub(super) fn begin(&mut self) {
        let namespaces = self.namespaces();
        self.incomplete_resources.missing = namespaces.iter().cloned().collect();
        if !self.deliverer.watches_targets {
            return self.watch_resources();
        }
        self.incomplete_targets.missing = namespaces.iter().cloned().collect();
        for namespace in namespaces {
            let watched = self.deliverer.cluster.watch_delivered(namespace.as_ref());
            self.targets.push(watched.map(move |change| (namespace.clone(), change)).boxed());
        }
    }

    fn watch_resources(&mut self) {
        for namespace in self.namespaces() {
            let watched = self.deliverer.cluster.watch_resources(namespace.as_ref());
            self.resources.push(watched.map(move |change| (namespace.clone(), change)).boxed());
        }
    }

    /// The namespace of each watch.
    pub(super) fn namespaces(&self) -> Vec<Option<Namespace>> {
        match self.options.namespaces.as_slice() {
            [] => vec![None],
            named => {
                let named: BTreeSet<_> = named.iter().cloned().map(Some).collect();
                named.into_iter().collect()
            }
        }
    }

    pub(super) fn see(&mut self, namespace: Option<Namespace>, change: Change<LiveResource>) {
        match change {
            Change::Begins => self.incomplete_resources.begin(&namespace),
            Change::Listed(resource) => {
                self.incomplete_resources.add(&namespace, &resource.place);
                self.look(&resource);
            }
            Change::Applied(resource) => self.look(&resource),
            Change::Gone(place) => self.forget(&place),
            Change::Complete => self.complete_resources(&namespace),
            Change::Failed(error) => self.watch_failed(&error),
        }
    }

    fn complete_resources(&mut self, namespace: &Option<Namespace>) {
        let listed = self.incomplete_resources.complete(namespace);
        let is_gone = |place: &Place| is_in(place, namespace) && !listed.contains(place);
        let gone: Vec<Place> = self
            .index
            .resources()
            .map(|(place, _)| place)
            .filter(|p| is_gone(p))
            .cloned()
            .collect();
        gone.iter().for_each(|place| self.forget(place));
        self.failure = None;
        let missing = &mut self.incomplete_resources.missing;
        missing.remove(namespace);
        if missing.is_empty() && !self.said.is_synced.swap(true, Ordering::Relaxed) {
            let count = self.index.resources().count();
            tracing::info!(objects = count, waiting = self.queue.len(), "all objects are known");
        }
    }

    pub(super) fn see_target(&mut self, namespace: Option<Namespace>, change: Change<Delivered>) {
        match change {
            Change::Begins => self.incomplete_targets.begin(&namespace),
            Change::Listed(delivered) => {
                self.incomplete_targets.add(&namespace, &delivered.place);
                self.look_at_target(delivered);
            }
            Change::Applied(delivered) => self.look_at_target(delivered),
            Change::Gone(place) => self.lose_target(&place),
            Change::Complete => {
                let listed = self.incomplete_targets.complete(&namespace);
                let is_gone = |place: &&Place| is_in(place, &namespace) && !listed.contains(place);
                let gone: Vec<Place> =
                    self.index.targets().map(|(place, _)| place).filter(is_gone).cloned().collect();
                gone.iter().for_each(|place| self.lose_target(place));
                self.failure = None;
                let missing = &mut self.incomplete_targets.missing;
                if missing.remove(&namespace) && missing.is_empty() {
                    self.watch_resources();
                }
            }
            Change::Failed(error) => self.watch_failed(&error),
        }
    }

    /// Looks at an object, and decides without any request whether something is to be done.
    fn look(&mut self, resource: &LiveResource) {
        let place = &resource.place;
        if !self.index.see(resource) {
            return;
        }
        let target = self.index.target(place).map(|target| &target.version);
        let watched = self.deliverer.watches_targets;
        let outcome = match self.deliverer.rules.plan(resource) {
            Plan::Nothing => None,
            Plan::Report(outcome) => {
                if status::with(resource, &outcome) != resource.status {
                    return self.queue.add(place, Urgency::New, Instant::now());
                }
                if self.options.once {
                    let (namespace, name) = (&place.namespace, &place.name);
                    let (reason, message) = (outcome.reason, &outcome.message);
                    tracing::warn!(%namespace, %name, reason, "{message}");
                }
                Some(outcome)
            }
            Plan::Deliver(sealed)
                if !is_current(resource, &Sealing::of(&sealed), target, watched) =>
            {
                let is_new = resource.status.observed_generation != resource.generation;
                let urgency = if is_new { Urgency::New } else { Urgency::Verify };
                return self.queue.add(place, urgency, Instant::now());
            }
            Plan::Deliver(_) => Some(Outcome::ready("")),
        };
        let target = target.cloned();
        self.index.looked_at(resource, target);
        self.queue.remove(place);
        self.stands(place, outcome.map(|outcome| outcome.standing));
    }

    fn look_at_target(&mut self, delivered: Delivered) {
        let place = delivered.place.clone();
        let (needs, is_new) = self.index.see_target(delivered);
        if is_new && self.is_synced() && self.options.restarts {
            self.restarts.changed(&place.namespace, Instant::now());
        }
        match needs {
            true => self.verify(&place),
            // A standby learns of the work of another process.
            false if !self.leads && !self.index.is_changed(&place) => self.queue.remove(&place),
            false => {}
        }
    }

    fn lose_target(&mut self, place: &Place) {
        if self.index.lose_target(place) {
            self.verify(place);
        }
    }

    /// Looks at a plain Secret that changed. If someone changes it all the time, not at once.
    fn verify(&mut self, place: &Place) {
        let now = Instant::now();
        let contested = self.index.entry(place).and_then(|entry| {
            let (repairs, last) = entry.repairs;
            let is_lately = last.is_some_and(|last| last.elapsed() < CONTESTED);
            (is_lately && repairs >= REPAIRS).then(|| repairs - REPAIRS + 1)
        });
        match contested {
            Some(failures) => {
                let after = pause(Retry::Passing, failures, 0);
                self.queue.add_later(place, after, Retry::Passing, now);
            }
            None => self.queue.add(place, Urgency::Verify, now),
        }
    }

    pub(super) fn forget(&mut self, place: &Place) {
        self.queue.remove(place);
        let standing = self.index.forget(place);
        self.metrics.stands(&place.namespace, standing, None);
    }

    fn watch_failed(&mut self, error: &ClusterError) {
        self.failures += 1;
        let message = error.to_string();
        if self.failure.as_ref() != Some(&message) {
            let hint = error.hint().unwrap_or_default();
            tracing::warn!(error = %message, hint, "a watch failed, and is tried again");
            self.failure = Some(message);
        }
    }
}
