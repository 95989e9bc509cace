//! What came of a delivery, in the log and in events.

use std::time::Instant;

use envcrypt_cluster::LiveResource;

use super::{Follower, NOTE_AGAIN, NOTES};
use crate::deliver::Report;
use crate::metrics::Delivery;
use crate::outcome::{Outcome, Standing};
use crate::status;

impl Follower {
    /// Logs what came of a delivery, and writes an event about it.
    pub(super) fn tell(&mut self, report: &Report) {
        let Some(outcome) = &report.outcome else { return };
        let (namespace, name) = (&report.place.namespace, &report.place.name);
        let (reason, message) = match report.delivery {
            Some(Delivery::Unchanged) => return,
            Some(delivery) => said_of(delivery),
            None => (outcome.reason, outcome.message.as_str()),
        };
        let is_warning = report.delivery.is_none() && outcome.standing != Standing::Suspended;
        match is_warning {
            true => tracing::warn!(%namespace, %name, reason, "{message}"),
            false => tracing::info!(%namespace, %name, reason, "{message}"),
        }
        let Some(resource) = &report.resource else { return };
        if let Some((reason, message)) =
            report.remark.as_ref().filter(|_| report.delivery.is_some())
        {
            tracing::warn!(%namespace, %name, reason, "{message}");
            self.note(resource, true, reason, message);
        }
        let Some(entry) = self.index.entry(&report.place) else { return };
        let was_told =
            entry.noted.is_some_and(|(old, at)| old == reason && at.elapsed() < NOTE_AGAIN);
        let is_told = was_told || (is_warning && is_told_by(resource, outcome));
        if !is_told {
            entry.noted = Some((reason, Instant::now()));
            self.note(resource, is_warning, reason, message);
        }
    }

    /// Writes an event, beside everything else.
    fn note(&mut self, about: &LiveResource, is_warning: bool, reason: &'static str, text: &str) {
        let deliverer = self.deliverer.clone();
        while self.notes.try_join_next().is_some() {}
        // A flood of events helps nobody; the status tells all.
        if self.notes.len() < NOTES {
            let event = deliverer.event(about, is_warning, reason, text);
            self.notes.spawn(async move { deliverer.write(&event).await });
        }
    }
}

/// Whether the status already told this before the delivery.
fn is_told_by(resource: &LiveResource, outcome: &Outcome) -> bool {
    status::ready(&resource.status)
        .is_some_and(|(reason, is_ready)| !is_ready && reason == outcome.reason)
        && resource.status.observed_generation == resource.generation
}

fn said_of(delivery: Delivery) -> (&'static str, &'static str) {
    match delivery {
        Delivery::Created => ("Created", "made the Secret"),
        Delivery::Updated => ("Updated", "the Secret is as the EnvcryptSecret says now"),
        Delivery::Adopted => ("Adopted", "took over the Secret that was given"),
        Delivery::Repaired => ("Repaired", "the Secret was not as it was sealed, and is so again"),
        Delivery::Unchanged => ("Unchanged", "nothing was to be done"),
    }
}
