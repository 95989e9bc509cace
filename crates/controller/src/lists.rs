//! What the lists of the watches have, until each is complete.

use std::collections::{BTreeSet, HashSet};

use envcrypt_core::secret::{Namespace, Place};

/// The lists that are under way: the namespace, and what was listed.
#[derive(Default)]
pub struct Lists {
    listed: Vec<(Option<Namespace>, HashSet<Place>)>,
    /// The watches that were never complete.
    pub missing: BTreeSet<Option<Namespace>>,
}

impl Lists {
    /// Begins the list of a watch anew.
    pub fn begin(&mut self, namespace: &Option<Namespace>) {
        self.listed.retain(|(name, _)| name != namespace);
        self.listed.push((namespace.clone(), HashSet::new()));
    }

    /// Notes one of the list.
    pub fn add(&mut self, namespace: &Option<Namespace>, place: &Place) {
        if let Some((_, listed)) = self.listed.iter_mut().find(|(name, _)| name == namespace) {
            listed.insert(place.clone());
        }
    }

    /// Ends the list of a watch. Returns what was listed.
    pub fn complete(&mut self, namespace: &Option<Namespace>) -> HashSet<Place> {
        let at = self.listed.iter().position(|(name, _)| name == namespace);
        at.map(|at| self.listed.swap_remove(at).1).unwrap_or_default()
    }
}
