//! The objects that wait for a delivery: each once, and never two deliveries of one at a time.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use envcrypt_core::secret::{Namespace, Place, SecretName};

use crate::outcome::Retry;

/// The maximum number of deliveries of one namespace at the same time: some are left for others.
const SHARE: usize = 24;

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
    /// How many wait for each reason.
    reasons: HashMap<Retry, usize>,
    /// How many deliveries each namespace has now.
    shares: HashMap<Namespace, usize>,
    count: u64,
    taken: u64,
}

/// One queue for each namespace, in turn: a namespace with many objects delays no other.
#[derive(Default)]
struct Lane {
    waiting: HashMap<Namespace, VecDeque<SecretName>>,
    order: VecDeque<Namespace>,
    queued: HashMap<Place, Instant>,
    /// How many names wait, with those that were removed.
    names: usize,
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
        self.names += 1;
        // One that only stands by adds and removes for ever.
        if self.names > 2 * self.queued.len() + 64 {
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        let queued = &self.queued;
        self.waiting.retain(|namespace, names| {
            names.retain(|name| {
                let place = Place { namespace: namespace.clone(), name: name.clone() };
                queued.contains_key(&place)
            });
            !names.is_empty()
        });
        let waiting = &self.waiting;
        self.order.retain(|namespace| waiting.contains_key(namespace));
        self.names = self.waiting.values().map(VecDeque::len).sum();
    }

    /// Takes the next one of a namespace that `may` have another delivery.
    fn take(&mut self, may: impl Fn(&Namespace) -> bool) -> Option<Place> {
        for _ in 0..self.order.len() + self.names {
            let namespace = self.order.pop_front()?;
            if !may(&namespace) {
                self.order.push_back(namespace);
                continue;
            }
            let Some(waiting) = self.waiting.get_mut(&namespace) else { continue };
            let name = waiting.pop_front();
            self.names -= usize::from(name.is_some());
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
        *self.reasons.entry(retry).or_default() += 1;
    }

    /// Returns the next object to deliver. [`Queue::done`] must follow.
    pub fn take(&mut self, now: Instant) -> Option<Place> {
        while let Some(((at, _), (place, _))) = self.later.first_key_value()
            && *at <= now
        {
            let place = place.clone();
            self.cancel(&place);
            self.verify.add(&place, now);
        }
        self.taken += 1;
        let shares = &self.shares;
        let may = |namespace: &Namespace| shares.get(namespace).is_none_or(|now| *now < SHARE);
        // New objects come first, but never only new ones.
        let (first, second) = match self.taken % 4 {
            0 => (&mut self.verify, &mut self.new),
            _ => (&mut self.new, &mut self.verify),
        };
        let place = first.take(may).or_else(|| second.take(may))?;
        self.busy.insert(place.clone());
        *self.shares.entry(place.namespace.clone()).or_default() += 1;
        Some(place)
    }

    /// Notes that a delivery is over. Returns whether the object changed meanwhile.
    pub fn done(&mut self, place: &Place) -> Option<Urgency> {
        if self.busy.remove(place)
            && let Some(share) = self.shares.get_mut(&place.namespace)
        {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&place.namespace);
            }
        }
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
        self.reasons.get(&retry).copied().unwrap_or(0)
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
        let later = self.due.remove(place).and_then(|at| self.later.remove(&at));
        if let Some(count) = later.and_then(|(_, retry)| self.reasons.get_mut(&retry)) {
            *count -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place { namespace: namespace.parse().expect("valid"), name: name.parse().expect("valid") }
    }

    /// Takes everything, in the form `NAMESPACE/NAME`.
    fn all(queue: &mut Queue, now: Instant) -> Vec<String> {
        let mut taken = Vec::new();
        while let Some(place) = queue.take(now) {
            taken.push(place.to_string());
            queue.done(&place);
        }
        taken
    }

    #[test]
    fn namespaces_take_turns_and_new_objects_come_first() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.add(&place("v", "1"), Urgency::Verify, now);
        for name in ["1", "2", "3"] {
            queue.add(&place("a", name), Urgency::New, now);
        }
        queue.add(&place("b", "1"), Urgency::New, now);
        queue.add(&place("a", "1"), Urgency::Verify, now);
        // Every fourth is one to verify.
        assert_eq!(all(&mut queue, now), ["a/1", "b/1", "a/2", "v/1", "a/3"]);
    }

    #[test]
    fn one_that_is_busy_comes_again_and_is_never_taken_twice() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let one = place("a", "1");
        queue.add(&one, Urgency::New, now);
        assert!(queue.take(now).is_some());
        queue.add(&one, Urgency::Verify, now);
        assert!(queue.take(now).is_none());
        assert_eq!(queue.done(&one), Some(Urgency::Verify));
        assert_eq!(queue.done(&one), None);
    }

    #[test]
    fn a_namespace_leaves_room_for_others() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for number in 0..=SHARE {
            queue.add(&place("a", &format!("s{number}")), Urgency::New, now);
        }
        for _ in 0..SHARE {
            assert!(queue.take(now).is_some());
        }
        assert!(queue.take(now).is_none(), "one is left, and has to wait");
        queue.add(&place("b", "1"), Urgency::New, now);
        assert_eq!(queue.take(now), Some(place("b", "1")));
        queue.done(&place("a", "s0"));
        assert!(queue.take(now).is_some());
    }

    #[test]
    fn what_waits_is_tried_in_time_and_woken_by_its_reason() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let minute = Duration::from_secs(60);
        queue.add_later(&place("a", "kms"), minute, Retry::Kms, now);
        queue.add_later(&place("a", "api"), minute, Retry::Passing, now);
        assert_eq!(queue.waiting(Retry::Kms), 1);
        assert!(queue.take(now).is_none());
        queue.wake(Retry::Kms, now);
        assert_eq!(all(&mut queue, now), ["a/kms"]);
        assert_eq!((queue.waiting(Retry::Kms), queue.waiting(Retry::Passing)), (0, 1));
        assert_eq!(queue.next(), Some(now + minute));
        assert_eq!(all(&mut queue, now + minute), ["a/api"]);
        // A change comes before the time, and only once.
        queue.add_later(&place("a", "api"), minute, Retry::Passing, now);
        queue.add(&place("a", "api"), Urgency::New, now);
        assert_eq!(all(&mut queue, now + minute), ["a/api"]);
    }

    #[test]
    fn one_that_stands_by_stays_small() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for number in 0..10_000 {
            let place = place("a", &format!("s{}", number % 7));
            queue.add(&place, Urgency::New, now);
            queue.remove(&place);
        }
        assert!(queue.new.names <= 128 && queue.len() == 0);
        assert!(queue.take(now).is_none());
    }
}
