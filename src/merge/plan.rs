//! The Secrets that each of three texts gets before their lines are merged. The lines cannot
//! conflict where a Secret is merged, because it is the same in all texts.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use super::markers;
use super::secret::{Decide, Merger, Outcome};
use super::versions::{Found, Version, same, same_names};
use crate::batch::progress::AT_ONCE;
use crate::failure::{Failure, NotMerged};
use envcrypt_core::envelope::{Merge, SealedSecret};
use envcrypt_core::manifest::{ManifestError, Object};
use envcrypt_core::secret::Place;

/// Three versions of a file.
pub struct Versions {
    /// All that the common version can be: none if it cannot be read, several if it has conflicts
    /// itself. An item is `None` if there was no file.
    pub bases: Vec<Option<Version>>,
    /// The text of the common version, also if it cannot be read.
    pub base_text: String,
    pub ours: Version,
    pub theirs: Version,
}

/// The Secrets that each text gets.
#[derive(Default)]
pub struct Plan {
    /// Merged Secrets: the same for all texts.
    pub whole: BTreeMap<Place, SealedSecret>,
    /// Secrets with conflicts: what each text gets.
    ours: BTreeMap<Place, SealedSecret>,
    base: BTreeMap<Place, SealedSecret>,
    theirs: BTreeMap<Place, SealedSecret>,
    pub not_merged: Vec<NotMerged>,
}

/// Which texts get a key that a side added. Each side can have it at another line, so one way can
/// conflict where another one does not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Added {
    Everywhere,
    OnlyOurs,
    OnlyTheirs,
}

/// The result for one Secret, with all that its common version can be.
struct One {
    place: Place,
    bases: Vec<Option<SealedSecret>>,
    result: Result<Outcome, Failure>,
}

impl Versions {
    fn base(&self) -> Option<&Version> {
        self.bases.first()?.as_ref()
    }

    /// The common version, if there is only one. With several, what equals one of them can still be
    /// a change.
    fn only_base(&self) -> Option<&Version> {
        self.base().filter(|_| self.bases.len() == 1)
    }

    /// Merges the Secrets that both sides have, of those that `is_wanted` names.
    pub async fn plan(
        &self,
        merger: &Merger<'_>,
        decide: &impl Decide,
        is_wanted: impl Fn(&Place) -> bool,
    ) -> Plan {
        let places = self.ours.places().filter(|place| is_wanted(place));
        let shared = places.filter(|place| self.theirs.get(place).is_some());
        let each: Vec<_> = shared.map(|place| self.one(place, merger, decide)).collect();
        let results: Vec<_> = stream::iter(each).buffered(AT_ONCE).collect().await;
        let mut plan = Plan::default();
        for One { place, bases, result } in results.into_iter().flatten() {
            let (parts, failure) = match result {
                Ok(Outcome::Whole(secret)) => {
                    plan.whole.insert(place, *secret);
                    continue;
                }
                Ok(Outcome::Open(parts)) => {
                    self.disputed(&mut plan, &place, &bases);
                    (parts, None)
                }
                Err(failure) => (Vec::new(), Some(Box::new(failure))),
            };
            plan.not_merged.push(NotMerged { place, parts, failure });
        }
        plan
    }

    /// Merges one Secret. `None` if it is only text: it is the same on both sides, or cannot be
    /// read and only one side changed it.
    async fn one(&self, place: &Place, merger: &Merger<'_>, decide: &impl Decide) -> Option<One> {
        let (ours, theirs) = (self.ours.get(place)?, self.theirs.get(place)?);
        let is_clear =
            |base: &&Option<Version>| base.as_ref().is_none_or(|base| base.is_clear(place));
        let secret = |base: &Option<Version>| base.as_ref()?.secret(place).cloned();
        let bases: Vec<_> = self.bases.iter().filter(is_clear).map(secret).collect();
        let result = match (&ours.secret, &theirs.secret) {
            (Ok(ours), Ok(theirs)) if same(ours, theirs) => return None,
            (Ok(ours), Ok(theirs)) => merger.merge(&bases, ours, theirs, decide).await,
            (Err(error), _) | (_, Err(error)) => {
                let base = self.only_base().and_then(|base| base.get(place));
                let is_old = |side: &Found| base.is_some_and(|base| base.object == side.object);
                if ours.object == theirs.object || is_old(ours) || is_old(theirs) {
                    return None;
                }
                Err(Failure::Usage(error.to_string()))
            }
        };
        Some(One { place: place.clone(), bases, result })
    }

    /// A Secret that both sides changed, each in another way.
    pub fn changed_on_both_sides(&self) -> Option<Place> {
        fn object<'v>(version: &'v Version, place: &Place) -> Option<&'v Object> {
            version.get(place).map(|found| &found.object)
        }
        let is_changed = |place: &&Place| {
            let base = self.only_base().and_then(|base| object(base, place));
            let (ours, theirs) = (object(&self.ours, place), object(&self.theirs, place));
            theirs.is_some() && ours != theirs && ours != base && theirs != base
        };
        self.ours.places().find(is_changed).cloned()
    }

    /// Plans the texts of a Secret with conflicts: each text keeps its own value there.
    fn disputed(&self, plan: &mut Plan, place: &Place, bases: &[Option<SealedSecret>]) {
        let (Some(ours), Some(theirs)) = (self.ours.secret(place), self.theirs.secret(place))
        else {
            return;
        };
        let merge = Merge::new(bases, ours, theirs);
        if let Some(base) = self.base().and_then(|base| base.secret(place)) {
            plan.base.insert(place.clone(), merge.apply_to(base));
        }
        plan.ours.insert(place.clone(), merge.apply_to(ours));
        plan.theirs.insert(place.clone(), merge.apply_to(theirs));
    }

    /// The three texts with the Secrets of the plan: ours, base, theirs.
    ///
    /// # Errors
    /// Returns [`ManifestError::InPlace`] if a Secret is written in a way that cannot be changed.
    pub fn rewritten(&self, plan: &Plan, added: Added) -> Result<[String; 3], ManifestError> {
        let old = plan.whole.iter().map(|(place, secret)| {
            let mut secret = secret.clone();
            if let Some(base) = self.base().and_then(|base| base.secret(place)) {
                secret.values.retain(|key, _| base.values.contains_key(key));
            }
            (place.clone(), secret)
        });
        let old: BTreeMap<_, _> = old.collect();
        // A Secret that is not in the common version has the same order of keys in both texts.
        let is_new = |place: &Place| self.base().is_none_or(|base| base.get(place).is_none());
        let text = |version: &Version, conflicts: &BTreeMap<_, _>, has_added: bool| {
            let whole = if has_added { &plan.whole } else { &old };
            alike(version, whole.iter().chain(conflicts), [&self.ours, &self.theirs], is_new)
        };
        let base = match self.only_base() {
            Some(base) => text(base, &plan.base, added == Added::Everywhere)?,
            None => self.base_text.clone(),
        };
        Ok([
            text(&self.ours, &plan.ours, added != Added::OnlyTheirs)?,
            base,
            text(&self.theirs, &plan.theirs, added != Added::OnlyOurs)?,
        ])
    }
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.not_merged.is_empty()
    }

    /// A Secret that a merged text does not have as planned.
    pub fn misfit(&self, text: &[u8]) -> Option<Place> {
        let version = std::str::from_utf8(text).ok().and_then(|text| Version::read(text).ok());
        let Some(version) = version else { return self.whole.keys().next().cloned() };
        let fits = |(place, secret): &(&Place, &SealedSecret)| {
            // A signature is over labels and annotations, too.
            let is_signed = !secret.signatures.is_empty();
            version.secret(place).is_some_and(|there| {
                same(there, secret) && (!is_signed || same_names(there, secret))
            })
        };
        self.whole.iter().find(|found| !fits(found)).map(|(place, _)| place.clone())
    }

    /// Whether a text with conflicts shows each Secret that is not merged: each side of it has its
    /// own version. `ours` and `theirs` are the texts that were merged.
    pub fn is_shown(&self, text: &[u8], [ours, theirs]: [&str; 2]) -> bool {
        let sides = std::str::from_utf8(text).ok().and_then(markers::sides);
        let Some(sides) = sides else { return false };
        self.has_own(&sides.ours, ours) && self.has_own(&sides.theirs, theirs)
    }

    fn has_own(&self, side: &str, text: &str) -> bool {
        let (Ok(side), Ok(text)) = (Version::read(side), Version::read(text)) else { return false };
        let not_merged = self.not_merged.iter().map(|secret| &secret.place);
        self.whole.keys().chain(not_merged).all(|place| match (side.get(place), text.get(place)) {
            (Some(there), Some(own)) => match (&there.secret, &own.secret) {
                (Ok(there), Ok(own)) => same(there, own),
                _ => there.object == own.object,
            },
            _ => false,
        })
    }
}

/// A text with its Secrets. In the Secrets that `is_alike` names, keys that only one of `both`
/// texts has come last, so that both texts get the same order.
///
/// # Errors
/// Returns [`ManifestError::InPlace`] if a Secret is written in a way that cannot be changed.
pub fn alike<'s>(
    version: &Version,
    secrets: impl Iterator<Item = (&'s Place, &'s SealedSecret)> + Clone,
    both: [&Version; 2],
    is_alike: impl Fn(&Place) -> bool,
) -> Result<String, ManifestError> {
    let mut shared = BTreeMap::new();
    for (place, secret) in secrets.clone().filter(|(place, _)| is_alike(place)) {
        let [Some(one), Some(other)] = both.map(|version| version.secret(place)) else { continue };
        let mut secret = secret.clone();
        secret.values.retain(|k, _| one.values.contains_key(k) && other.values.contains_key(k));
        if !secret.values.is_empty() {
            shared.insert(place, secret);
        }
    }
    if shared.is_empty() {
        return version.with(secrets);
    }
    let text = version.with(shared.iter().map(|(place, secret)| (*place, secret)))?;
    Version::read(&text)?.with(secrets)
}
