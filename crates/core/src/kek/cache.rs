//! The DEKs that were unwrapped, so that each one is unwrapped only once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::OnceCell;

use super::lifetime::Keep;
use super::{Context, DataKey, KekId};

/// A DEK, and the KEK that unwrapped it.
#[derive(Clone)]
pub struct Unwrapped {
    /// The DEK.
    pub key: Arc<DataKey>,
    /// The KEK, without its version.
    pub by: KekId,
    /// The version of the KEK, if the KMS reports it only when it unwraps.
    pub version: Option<String>,
}

/// The commitment to a DEK, and its context. For another context, the KMS must decide again.
type Name = ([u8; 32], Context);

/// The place of one DEK. If many tasks need the DEK at the same time, it is unwrapped once.
pub(super) type Slot = Arc<OnceCell<Unwrapped>>;

/// The unwrapped DEKs, for as long as `keep` allows.
pub(super) struct Cache {
    keep: Keep,
    slots: HashMap<Name, Kept>,
}

/// One slot, when it was made, and when it was used last.
struct Kept {
    since: Instant,
    used: Instant,
    slot: Slot,
}

impl Cache {
    pub(super) fn new(keep: Keep) -> Self {
        Self { keep, slots: HashMap::new() }
    }

    /// Returns the slot of a DEK. Creates the slot if there is none.
    pub(super) fn slot(&mut self, commitment: [u8; 32], context: &Context) -> Slot {
        let now = Instant::now();
        let name = (commitment, context.clone());
        if let Keep::For { most, .. } = self.keep {
            self.sweep();
            if self.slots.len() >= most.max(1) && !self.slots.contains_key(&name) {
                let idle = self.slots.iter().min_by_key(|(_, kept)| kept.used);
                let idle = idle.map(|(name, _)| name.clone());
                idle.and_then(|name| self.slots.remove(&name));
            }
        }
        let new = || Kept { since: now, used: now, slot: Slot::default() };
        let kept = self.slots.entry(name).or_insert_with(new);
        kept.used = now;
        kept.slot.clone()
    }

    /// Removes the DEKs that are too old.
    pub(super) fn sweep(&mut self) {
        if let Keep::For { age, .. } = self.keep {
            self.slots.retain(|_, kept| kept.since.elapsed() < age);
        }
    }

    /// Removes a slot that was not filled: a DEK that does not unwrap must not push out another.
    ///
    /// A slot that another caller still fills stays: then the slot has more than two owners.
    pub(super) fn remove(&mut self, commitment: [u8; 32], context: &Context, slot: &Slot) {
        let name = (commitment, context.clone());
        let is_it = |there: &Kept| Arc::ptr_eq(&there.slot, slot);
        if slot.get().is_none()
            && Arc::strong_count(slot) <= 2
            && self.slots.get(&name).is_some_and(is_it)
        {
            self.slots.remove(&name);
        }
    }

    /// Returns every DEK with its name.
    pub(super) fn kept(&self) -> Vec<([u8; 32], Context, Unwrapped)> {
        let filled = |((commitment, context), kept): (&Name, &Kept)| {
            Some((*commitment, context.clone(), kept.slot.get()?.clone()))
        };
        self.slots.iter().filter_map(filled).collect()
    }

    /// Removes all DEKs. A DEK that is in use is wiped when its last user drops it.
    pub(super) fn clear(&mut self) {
        self.slots.clear();
    }

    /// Returns the number of DEKs.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn fill(cache: &mut Cache, count: u8) -> Vec<Slot> {
        (0..count).map(|n| cache.slot([n; 32], &Context::default())).collect()
    }

    #[test]
    fn a_run_keeps_every_key_and_has_one_slot_for_each() {
        let mut cache = Cache::new(Keep::Always);
        let slots = fill(&mut cache, 200);
        assert_eq!(cache.len(), 200);
        assert!(Arc::ptr_eq(&slots[7], &cache.slot([7; 32], &Context::default())));
        let elsewhere = Context::new(Some("prod"), None);
        assert!(!Arc::ptr_eq(&slots[7], &cache.slot([7; 32], &elsewhere)));
    }

    #[test]
    fn a_server_keeps_so_many_and_the_one_that_was_not_used_for_longest_goes_first() {
        let keep = Keep::For { age: Duration::from_secs(60), most: 3 };
        let mut cache = Cache::new(keep);
        let slots = fill(&mut cache, 5);
        assert_eq!(cache.len(), 3);
        assert!(Arc::ptr_eq(&slots[4], &cache.slot([4; 32], &Context::default())));
        assert!(!Arc::ptr_eq(&slots[0], &cache.slot([0; 32], &Context::default())));
        // The new one took the place of another than the one that was just used.
        assert!(Arc::ptr_eq(&slots[4], &cache.slot([4; 32], &Context::default())));
        cache.clear();
        assert_eq!(cache.len(), 0);
    }

    #[test]
    fn a_slot_that_stays_empty_is_removed() {
        let mut cache = Cache::new(Keep::Always);
        let slots = fill(&mut cache, 2);
        cache.remove([0; 32], &Context::default(), &slots[0]);
        cache.remove([1; 32], &Context::default(), &slots[0]);
        assert_eq!(cache.len(), 1);
        assert!(Arc::ptr_eq(&slots[1], &cache.slot([1; 32], &Context::default())));
    }

    #[test]
    fn a_slot_that_is_filled_or_that_another_caller_still_fills_stays() {
        let mut cache = Cache::new(Keep::Always);
        let slots = fill(&mut cache, 2);
        let by = crate::kek::KekUri::aws("alias/a").expect("an alias").id();
        let unwrapped = Unwrapped { key: Arc::new(DataKey::generate()), by, version: None };
        assert!(slots[0].set(unwrapped.clone()).is_ok());
        let other = cache.slot([1; 32], &Context::default());
        for (index, slot) in slots.iter().enumerate() {
            cache.remove([index as u8; 32], &Context::default(), slot);
        }
        assert_eq!(cache.len(), 2);
        assert!(Arc::ptr_eq(&other, &slots[1]));
        let kept = cache.kept();
        assert_eq!(kept.len(), 1, "only what is filled");
        assert_eq!((kept[0].0, &kept[0].1), ([0; 32], &Context::default()));
        assert!(Arc::ptr_eq(&kept[0].2.key, &unwrapped.key));
    }

    #[test]
    fn a_server_forgets_what_is_too_old() {
        let mut cache = Cache::new(Keep::For { age: Duration::ZERO, most: 100 });
        fill(&mut cache, 10);
        assert_eq!(cache.len(), 1, "only the one that was just made");
    }
}
