//! What this machine saw first of each repository: its rules about signatures, and its lists of
//! signers. A later change is noticed.

mod pin;
mod store;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::failure::SignersError;
use envcrypt_core::signature::Signers;
pub use pin::{Pin, key, path_of};
use store::Store;

/// The pins of all repositories, and what one run found out. Each file is read once.
pub struct Pins {
    store: Store,
    known: HashMap<PathBuf, Option<Rc<Pin>>>,
    /// Repositories that this run saw for the first time.
    fresh: HashSet<PathBuf>,
    /// The directories that were compared with their pins.
    pub compared: HashMap<PathBuf, Result<(), SignersError>>,
    /// Changes to which the person said no.
    pub declined: HashSet<Vec<String>>,
    /// What differs between the pins of other copies of a new repository.
    pub copies: HashMap<PathBuf, Option<Vec<String>>>,
    /// The lists of signers, by file.
    pub lists: HashMap<PathBuf, (Rc<str>, Arc<Signers>)>,
}

impl Pins {
    /// Without a directory, pins last as long as the run.
    pub fn new(directory: Option<PathBuf>) -> Self {
        Self {
            store: Store::new(directory),
            known: HashMap::new(),
            fresh: HashSet::new(),
            compared: HashMap::new(),
            declined: HashSet::new(),
            copies: HashMap::new(),
            lists: HashMap::new(),
        }
    }

    /// The pin of the repository with this top, if there is one.
    pub fn of(&mut self, top: &Path) -> Result<Option<Rc<Pin>>, SignersError> {
        if let Some(known) = self.known.get(top) {
            return Ok(known.clone());
        }
        let pin = self.store.load(top)?.map(Rc::new);
        self.known.insert(top.to_owned(), pin.clone());
        Ok(pin)
    }

    /// Whether any repository is pinned.
    pub fn is_any(&self) -> bool {
        self.store.is_any()
    }

    /// The pins of other copies of a repository.
    pub fn copies_of(&self, traces: &Pin) -> Result<Vec<Pin>, SignersError> {
        let all = self.store.all()?;
        Ok(all.into_iter().filter(|pin| pin.is_copy_of(traces)).collect())
    }

    /// Forgets copies of a repository that do not exist any more.
    pub fn forget_gone(&self, traces: &Pin) -> Result<(), SignersError> {
        self.store.forget_gone(traces)
    }

    /// Whether this run saw the repository for the first time.
    pub fn is_fresh(&self, top: &Path) -> bool {
        self.fresh.contains(top)
    }

    /// Pins a new repository. Returns whether the pin lasts.
    pub fn begin(&mut self, top: &Path, pin: Pin) -> Result<bool, SignersError> {
        self.fresh.insert(top.to_owned());
        // What another process pinned meanwhile stays.
        self.change(top, |known| match known.is_empty() {
            true => *known = pin.clone(),
            false => known.add_new(pin.clone()),
        })
    }

    /// Changes the pin of a repository. Returns whether the change lasts: a configuration directory
    /// may be read-only, or there is none.
    pub fn change(&mut self, top: &Path, change: impl Fn(&mut Pin)) -> Result<bool, SignersError> {
        let saved = self.store.change(top, &change)?;
        let lasts = saved.is_some();
        let pin = match saved {
            Some(pin) => pin,
            None => {
                let mut pin = self.of(top)?.map(|pin| (*pin).clone()).unwrap_or_default();
                change(&mut pin);
                pin
            }
        };
        self.known.insert(top.to_owned(), Some(Rc::new(pin)));
        Ok(lasts)
    }
}
