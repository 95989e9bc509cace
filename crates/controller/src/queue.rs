//! The objects that wait for a delivery: each once, and never two deliveries of one at a time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use envcrypt_core::secret::{Namespace, Place, SecretName};

use crate::outcome::Retry;

/// How urgent a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Someone changed the object.
    New,
    /// The plain Secret may have changed.
    Verify,
}

/// The objects that wait for a delivery.
#[derive(Default)]
pub struct Queue {
    new: Lane,
    verify: Lane,
    /// Those that are delivered now.
    busy: HashSet<Place>,
    /// Those that changed while they were delivered.
    again: HashMap<Place, Urgency>,
    /// Those that are tried again, by the time.
    later: BTreeMap<(Instant, u64), (Place, Retry)>,
    due: HashMap<Place, (Instant, u64)>,
    count: u64,
}

/// One queue for each namespace, in turn: a namespace with many objects delays no other.
#[derive(Default)]
struct Lane {
    waiting: HashMap<Namespace, VecDeque<SecretName>>,
    order: VecDeque<Namespace>,
    queued: HashMap<Place, Instant>,
}

impl Lane {
    fn add(&mut self, place: &Place, now: Instant) {
        if self.queued.contains_key(place) {
            return;
        }
        self.queued.insert(place.clone(), now);
        let waiting = self.waiting.entry(place.namespace.clone()).or_default();
        if waiting.is_empty() {
            self.order.push_back(place.namespace.clone());
        }
        waiting.push_back(place.name.clone());
    }

    fn take(&mut self) -> Option<Place> {
        while let Some(namespace) = self.order.pop_front() {
            let Some(waiting) = self.waiting.get_mut(&namespace) else { continue };
            let name = waiting.pop_front();
            match waiting.is_empty() {
                true => drop(self.waiting.remove(&namespace)),
                false => self.order.push_back(namespace.clone()),
            }
            let Some(name) = name else { continue };
            let place = Place { namespace, name };
            // One that was removed is skipped here.
            if self.queued.remove(&place).is_some() {
                return Some(place);
            }
        }
        None
    }
}

impl Queue {
    /// Adds an object, if it does not wait already.
    pub fn add(&mut self, place: &Place, urgency: Urgency, now: Instant) {
        if self.busy.contains(place) {
            self.again.insert(place.clone(), urgency);
            return;
        }
        self.cancel(place);
        let is_new = self.new.queued.contains_key(place);
        match urgency {
            Urgency::New => {
                self.verify.queued.remove(place);
                self.new.add(place, now);
            }
            Urgency::Verify if !is_new => self.verify.add(place, now),
            Urgency::Verify => {}
        }
    }

    /// Removes an object that needs nothing any more.
    pub fn remove(&mut self, place: &Place) {
        self.cancel(place);
        self.new.queued.remove(place);
        self.verify.queued.remove(place);
        self.again.remove(place);
    }

    /// Tries an object again after this time, if nothing happens before.
    pub fn add_later(&mut self, place: &Place, after: Duration, retry: Retry, now: Instant) {
        self.cancel(place);
        self.count += 1;
        let at = (now + after, self.count);
        self.later.insert(at, (place.clone(), retry));
        self.due.insert(place.clone(), at);
    }

    /// Returns the next object to deliver. [`Queue::done`] must follow.
    pub fn take(&mut self, now: Instant) -> Option<Place> {
        while let Some(entry) = self.later.first_entry().filter(|entry| entry.key().0 <= now) {
            let (place, _) = entry.remove();
            self.due.remove(&place);
            self.verify.add(&place, now);
        }
        let place = self.new.take().or_else(|| self.verify.take())?;
        self.busy.insert(place.clone());
        Some(place)
    }

    /// Notes that a delivery is over. Returns whether the object changed meanwhile.
    pub fn done(&mut self, place: &Place) -> Option<Urgency> {
        self.busy.remove(place);
        self.again.remove(place)
    }

    /// Tries all objects again now that wait for this reason.
    pub fn wake(&mut self, retry: Retry, now: Instant) {
        let is_one = |entry: &(&(Instant, u64), &(Place, Retry))| entry.1.1 == retry;
        let places: Vec<Place> =
            self.later.iter().filter(is_one).map(|(_, (place, _))| place.clone()).collect();
        for place in places {
            self.cancel(&place);
            self.verify.add(&place, now);
        }
    }

    /// Returns how many objects wait to be tried again for this reason.
    pub fn waiting(&self, retry: Retry) -> usize {
        self.later.values().filter(|(_, why)| *why == retry).count()
    }

    /// Returns when the next object is tried again.
    pub fn next(&self) -> Option<Instant> {
        self.later.first_key_value().map(|((at, _), _)| *at)
    }

    /// Returns the number of objects that wait or are delivered now.
    pub fn len(&self) -> usize {
        self.new.queued.len() + self.verify.queued.len() + self.busy.len()
    }

    /// Returns since when the oldest one waits.
    pub fn oldest(&self) -> Option<Instant> {
        self.new.queued.values().chain(self.verify.queued.values()).min().copied()
    }

    fn cancel(&mut self, place: &Place) {
        if let Some(at) = self.due.remove(place) {
            self.later.remove(&at);
        }
    }
}
