//! What is known of each object: a few hundred bytes, and no value.

use std::collections::HashMap;
use std::time::Instant;

use envcrypt_cluster::{Delivered, LiveResource, Version};
use envcrypt_core::secret::Place;

use crate::fingerprint::Known as Fingerprint;
use crate::outcome::{Retry, Standing};
use crate::sealing::Sealing;
use crate::status;

/// What is known of all objects.
#[derive(Default)]
pub struct Index {
    resources: HashMap<Place, Entry>,
    targets: HashMap<Place, Target>,
}

/// What is known of one plain Secret.
pub struct Target {
    /// Its version.
    pub version: Version,
    /// The digest at the last change of a value.
    pub changed: Option<String>,
}

/// What is known of one `EnvcryptSecret`.
#[derive(Default)]
pub struct Entry {
    /// What a change of it changes.
    now: Subject,
    /// What was looked at last, and the plain Secret then.
    tried: Option<(Subject, Option<Version>)>,
    /// The plain Secret as the status has it, if the status says that all is well.
    delivered: Option<Version>,
    /// How it stands.
    pub standing: Option<Standing>,
    /// Why it failed last, and how often for this reason since the last success.
    pub failed: Option<(Retry, u32)>,
    /// The values that were opened last.
    pub fingerprint: Option<Fingerprint>,
    /// How often it was repaired lately, and when last.
    pub repairs: (u32, Option<Instant>),
    /// The reason of the last event, and when it was written.
    pub noted: Option<(&'static str, Instant)>,
}

/// What makes another delivery necessary if it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Subject {
    uid: String,
    generation: i64,
    resync: Option<String>,
}

impl Subject {
    fn of(resource: &LiveResource) -> Self {
        Self {
            uid: resource.uid.clone(),
            generation: resource.generation,
            resync: resource.resync.clone(),
        }
    }
}

impl Index {
    /// Returns what is known of an object.
    pub fn entry(&mut self, place: &Place) -> Option<&mut Entry> {
        self.resources.get_mut(place)
    }

    /// Returns what is known of the plain Secret.
    pub fn target(&self, place: &Place) -> Option<&Target> {
        self.targets.get(place)
    }

    /// Returns all plain Secrets.
    pub fn targets(&self) -> impl Iterator<Item = (&Place, &Target)> {
        self.targets.iter()
    }

    /// Returns all objects.
    pub fn resources(&self) -> impl Iterator<Item = (&Place, &Entry)> {
        self.resources.iter()
    }

    /// Notes an `EnvcryptSecret`. Returns whether it changed since it was looked at.
    pub fn see(&mut self, resource: &LiveResource) -> bool {
        let target = self.targets.get(&resource.place).map(|target| &target.version);
        let entry = self.resources.entry(resource.place.clone()).or_default();
        entry.now = Subject::of(resource);
        entry.delivered = resource.status.target.clone().filter(|_| is_well(resource));
        entry.is_changed(target)
    }

    /// Notes that an object was looked at, and what its plain Secret was or became.
    pub fn looked_at(&mut self, resource: &LiveResource, target: Option<Version>) {
        // One that is gone meanwhile is not remembered.
        if let Some(entry) = self.resources.get_mut(&resource.place) {
            entry.tried = Some((Subject::of(resource), target));
        }
    }

    /// Returns whether an object changed since it was looked at.
    pub fn is_changed(&self, place: &Place) -> bool {
        let target = self.targets.get(place).map(|target| &target.version);
        self.resources.get(place).is_some_and(|entry| entry.is_changed(target))
    }

    /// Notes a plain Secret. Returns whether its object must look at it, and whether its values
    /// changed.
    pub fn see_target(&mut self, delivered: Delivered) -> (bool, bool) {
        let Delivered { place, version, changed } = delivered;
        let old = self.targets.get(&place);
        if old.is_some_and(|old| is_older(&version, &old.version)) {
            return (false, false);
        }
        let is_new = old.is_none_or(|old| old.changed != changed);
        let target = Target { version, changed };
        let needs = self.resources.get(&place).is_some_and(|entry| {
            let is_delivered =
                entry.delivered.as_ref() == Some(&target.version) && entry.is_well_tried();
            !is_delivered && entry.is_changed(Some(&target.version))
        });
        self.targets.insert(place, target);
        (needs, is_new)
    }

    /// Notes that a plain Secret is gone. Returns whether its object must look.
    pub fn lose_target(&mut self, place: &Place) -> bool {
        self.targets.remove(place).is_some()
            && self.resources.get(place).is_some_and(|entry| entry.is_changed(None))
    }

    /// Notes the plain Secret that was written, before the watch tells.
    pub fn wrote(&mut self, place: &Place, version: &Version) {
        let old = self.targets.remove(place);
        let is_older = old.as_ref().is_some_and(|old| is_older(version, &old.version));
        let target = match old {
            Some(old) if is_older => old,
            Some(old) => Target { version: version.clone(), changed: old.changed },
            None => Target { version: version.clone(), changed: None },
        };
        self.targets.insert(place.clone(), target);
    }

    /// Forgets an object. Returns how it stood.
    pub fn forget(&mut self, place: &Place) -> Option<Standing> {
        self.resources.remove(place).and_then(|entry| entry.standing)
    }
}

impl Entry {
    fn is_changed(&self, target: Option<&Version>) -> bool {
        self.tried
            .as_ref()
            .is_none_or(|(subject, tried)| *subject != self.now || tried.as_ref() != target)
    }

    /// Whether the last look was at the object as it is.
    fn is_well_tried(&self) -> bool {
        self.tried.as_ref().is_none_or(|(subject, _)| *subject == self.now)
    }
}

/// Whether the status says that this generation was delivered.
fn is_well(resource: &LiveResource) -> bool {
    let status = &resource.status;
    status.observed_generation == resource.generation
        && status.last_resync == resource.resync
        && status::ready(status).is_some_and(|(_, is_ready)| is_ready)
}

/// Returns whether nothing is to be done: the status says so, and the plain Secret is the one that
/// the status names. `target` is `None` if it does not exist, and `watched` says whether that is
/// known.
pub fn is_current(
    resource: &LiveResource,
    sealing: &Sealing,
    target: Option<&Version>,
    watched: bool,
) -> bool {
    is_well(resource)
        && sealing.was_opened(resource)
        && resource.status.target.is_some()
        && (!watched || target == resource.status.target.as_ref())
}

/// Whether one version of the same object is older. Resource versions are numbers in all API
/// servers, and may be compared since Kubernetes 1.35.
fn is_older(one: &Version, other: &Version) -> bool {
    let number = |version: &Version| version.resource_version.parse::<u64>().ok();
    one.uid == other.uid && number(one).zip(number(other)).is_some_and(|(one, other)| one < other)
}
