//! Merges two versions of a sealed Secret, part by part. It does no I/O and opens nothing.
//!
//! A part is compared by its digest, so a rewrap does not count as a change of the value. Where
//! both sides changed a part, [`Merge::compare`] can still decide it from the opened versions.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::{AuthorSignature, Jwe, SealedSecret, is_of_a_tool, is_too_late};
use crate::kek::KekId;
use crate::secret::{Key, PlainSecret, SecretValue};

/// One of the two versions that are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The version of the current branch.
    Ours,
    /// The version that is merged into it.
    Theirs,
}

/// A part of a Secret that the seal covers.
///
/// `Display` writes it for a message: a key stands in backticks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum MergePart {
    /// The value of a key, or its absence.
    Value(Key),
    /// The type after unwrapping.
    Type,
    /// `immutable`
    Immutable,
}

impl fmt::Display for MergePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(key) => write!(f, "`{key}`"),
            Self::Type => f.write_str("the type"),
            Self::Immutable => f.write_str("`immutable`"),
        }
    }
}

/// The merge of two versions of one Secret.
pub struct Merge<'a> {
    bases: &'a [Option<SealedSecret>],
    ours: &'a SealedSecret,
    theirs: &'a SealedSecret,
    /// Where each part is taken from. `None` if both sides changed it.
    parts: BTreeMap<MergePart, Option<Side>>,
}

/// Labels or annotations.
type Names = BTreeMap<String, String>;

fn labels(secret: &SealedSecret) -> &Names {
    &secret.meta.labels
}

fn annotations(secret: &SealedSecret) -> &Names {
    &secret.meta.annotations
}

/// A merged Secret.
pub struct Merged {
    /// The Secret.
    pub secret: SealedSecret,
    /// Whether the seal can stay. If not, it is the later seal of both sides, for the time of a new
    /// one.
    pub is_sealed: bool,
}

impl<'a> Merge<'a> {
    /// Compares both sides with their common version.
    ///
    /// `bases` has one item if the common version is known: the Secret, or `None` if there was no
    /// such Secret. It has several items if the common version was itself a merge, and no item if
    /// it cannot be read. In the last case, every difference is a change on both sides.
    #[must_use]
    pub fn new(
        bases: &'a [Option<SealedSecret>],
        ours: &'a SealedSecret,
        theirs: &'a SealedSecret,
    ) -> Self {
        let there = bases.iter().flatten();
        let secrets = there.chain([ours, theirs]);
        let keys: BTreeSet<&Key> = secrets.flat_map(|secret| secret.values.keys()).collect();
        let mut parts = BTreeMap::new();
        for key in keys {
            let of = |secret: &'a SealedSecret| secret.values.get(key);
            let base = bases.iter().map(|base| base.as_ref().and_then(of)).collect::<Vec<_>>();
            parts.insert(MergePart::Value(key.clone()), side_of(&base, of(ours), of(theirs)));
        }
        let kinds: Vec<_> = bases.iter().map(|b| b.as_ref().map(|b| &b.meta.kind)).collect();
        let kind = pick(&kinds, &Some(&ours.meta.kind), &Some(&theirs.meta.kind));
        parts.insert(MergePart::Type, kind);
        let immutable: Vec<_> =
            bases.iter().map(|b| b.as_ref().map(|b| b.meta.immutable)).collect();
        let immutable = pick(&immutable, &Some(ours.meta.immutable), &Some(theirs.meta.immutable));
        parts.insert(MergePart::Immutable, immutable);
        Self { bases, ours, theirs, parts }
    }

    /// Returns the parts that both sides changed, each in another way.
    pub fn disputed(&self) -> impl Iterator<Item = &MergePart> {
        self.parts.iter().filter(|(_, side)| side.is_none()).map(|(part, _)| part)
    }

    /// Returns the side that brings an older version back: it has another seal than the common
    /// version, and this seal is earlier.
    ///
    /// The merge would hide that, because it makes a new seal. `now` is in seconds since 1970.
    #[must_use]
    pub fn rolled_back(&self, now: u64) -> Option<Side> {
        let seals = || self.bases.iter().flatten().filter_map(|base| base.seal.as_ref());
        // A time that cannot be true comes from a wrong clock, and later seals do not continue it.
        let times = seals().map(|seal| seal.sealed_at).filter(|time| !is_too_late(*time, now));
        let last = times.max()?;
        let is_older = |side: &SealedSecret| {
            let seal = side.seal.as_ref();
            seal.is_some_and(|seal| {
                seal.sealed_at < last && seals().all(|base| base.digest() != seal.digest())
            })
        };
        match (is_older(self.ours), is_older(self.theirs)) {
            (_, true) => Some(Side::Theirs),
            (true, false) => Some(Side::Ours),
            (false, false) => None,
        }
    }

    /// Takes a part from one side.
    pub fn decide(&mut self, part: MergePart, side: Side) {
        self.parts.insert(part, Some(side));
    }

    /// Decides what the plaintext decides: a value that is the same on both sides, and a value that
    /// one side only sealed again.
    ///
    /// `bases` has all common versions, or none if one of them could not be opened.
    pub fn compare(&mut self, bases: &[PlainSecret], ours: &PlainSecret, theirs: &PlainSecret) {
        let Self { ours: sealed_ours, theirs: sealed_theirs, .. } = *self;
        let disputed = self.parts.iter_mut().filter(|(_, side)| side.is_none());
        for (part, side) in disputed {
            let MergePart::Value(key) = part else { continue };
            let values = (ours.values.get(key), theirs.values.get(key));
            // A value that neither a side nor its bases have is not disputed.
            let is_old = |value: Option<&SecretValue>| {
                let is_same =
                    |base: &PlainSecret| value.is_some_and(|value| base.holds(key, value));
                !bases.is_empty() && bases.iter().all(is_same)
            };
            *side = match values {
                (Some(ours), Some(theirs)) if ours.same_as(theirs) => {
                    // A merge makes no value younger.
                    let time = |secret: &SealedSecret| {
                        secret.values.get(key).map(|jwe| (Reverse(jwe.born()), jwe.sealed_at))
                    };
                    let is_later = time(sealed_theirs) > time(sealed_ours);
                    Some(if is_later { Side::Theirs } else { Side::Ours })
                }
                (ours, theirs) => match (is_old(ours), is_old(theirs)) {
                    (true, false) => Some(Side::Theirs),
                    (false, true) => Some(Side::Ours),
                    _ => None,
                },
            };
        }
    }

    /// Returns the KEKs of the merged Secret: what one side added or removed is added or removed.
    ///
    /// Returns `None` if the KEKs differ and the common version is not known, or there was none: one
    /// side may have removed the KEK that the other side has.
    #[must_use]
    pub fn keks(&self) -> Option<BTreeSet<KekId>> {
        let keys = |secret: &SealedSecret| secret.keys().into_iter().collect::<BTreeSet<_>>();
        let (ours, theirs) = (keys(self.ours), keys(self.theirs));
        if ours == theirs {
            return Some(ours);
        }
        let bases = self.bases.iter().map(|base| base.as_ref().map(keys));
        let bases = bases.collect::<Option<Vec<BTreeSet<KekId>>>>()?;
        let mut merged = BTreeSet::new();
        for kek in ours.union(&theirs) {
            let base: Vec<bool> = bases.iter().map(|base| base.contains(kek)).collect();
            let is_there = match pick(&base, &ours.contains(kek), &theirs.contains(kek))? {
                Side::Ours => ours.contains(kek),
                Side::Theirs => theirs.contains(kek),
            };
            if is_there {
                merged.insert(kek.clone());
            }
        }
        Some(merged)
    }

    /// Returns one version with all decided parts. Disputed parts and the seal stay as they are in
    /// `version`. So the result is not a valid Secret: it is for a text with conflicts.
    #[must_use]
    pub fn apply_to(&self, version: &SealedSecret) -> SealedSecret {
        self.take(self.ours, self.theirs, version)
    }

    /// Returns the labels and annotations that both sides changed, each in another way. Those of
    /// tools do not count.
    #[must_use]
    pub fn disputed_names(&self) -> Vec<String> {
        let (labels, annotations) = (self.names(labels), self.names(annotations));
        let disputed = labels.1.into_iter().chain(annotations.1);
        disputed.filter(|name| !is_of_a_tool(name)).collect()
    }

    /// The labels or the annotations of both sides, merged by name, and the names that both changed:
    /// these stay as in ours.
    fn names(&self, of: fn(&SealedSecret) -> &Names) -> (Names, Vec<String>) {
        let (mut merged, mut disputed) = (Names::new(), Vec::new());
        let all: BTreeSet<&String> = of(self.ours).keys().chain(of(self.theirs).keys()).collect();
        for name in all {
            let bases: Vec<_> =
                self.bases.iter().map(|base| base.as_ref().and_then(|b| of(b).get(name))).collect();
            let (ours, theirs) = (of(self.ours).get(name), of(self.theirs).get(name));
            let value = match pick(&bases, &ours, &theirs) {
                Some(Side::Theirs) => theirs,
                Some(Side::Ours) => ours,
                None => {
                    disputed.push(name.clone());
                    ours
                }
            };
            merged.extend(value.map(|value| (name.clone(), value.clone())));
        }
        (merged, disputed)
    }

    /// Returns the merged Secret. No part may be disputed.
    ///
    /// `ours` and `theirs` are the two versions, possibly rewrapped. The seal of one side is kept
    /// if it fits, and the other side has no later one. `now` is in seconds since 1970.
    #[must_use]
    pub fn combine<'s>(
        &self,
        ours: &'s SealedSecret,
        theirs: &'s SealedSecret,
        now: u64,
    ) -> Merged {
        debug_assert!(self.disputed().next().is_none());
        let mut secret = self.take(ours, theirs, ours);
        secret.meta.labels = self.names(labels).0;
        secret.meta.annotations = self.names(annotations).0;
        let digest = secret.digest();
        let (fits, others): (Vec<_>, Vec<_>) =
            [ours, theirs].into_iter().partition(|side| side.digest() == digest);
        let seals = |sides: &[&'s SealedSecret]| -> Vec<&'s Jwe> {
            sides.iter().filter_map(|side| side.seal.as_ref()).collect()
        };
        let (fitting, other) = (seals(&fits), seals(&others));
        let last = [&fitting[..], &other].concat().into_iter().max_by_key(|seal| time(seal, now));
        secret.seal = self.seal(&fitting, now);
        // The seal of a merge is never older than that of a side, or it would look rolled back.
        let is_last = |seal: &Jwe| {
            other.iter().all(|other| self.is_old(other) || time(seal, now) > time(other, now))
        };
        let is_sealed = secret.seal.as_ref().is_some_and(is_last);
        if !is_sealed {
            secret.seal = last.cloned();
        }
        secret.signatures = signatures(&secret, [ours, theirs]);
        secret.keep_signatures(None);
        Merged { secret, is_sealed }
    }

    /// Whether a seal is that of every common version.
    fn is_old(&self, seal: &Jwe) -> bool {
        let mut bases = self.bases.iter().map(|base| base.as_ref()?.seal.as_ref());
        let is_same = |base: Option<&Jwe>| base.is_some_and(|base| base.digest() == seal.digest());
        !self.bases.is_empty() && bases.all(is_same)
    }

    /// The later seal. If both sides have the same one, only its KEKs can differ.
    fn seal(&self, seals: &[&Jwe], now: u64) -> Option<Jwe> {
        if let [ours, theirs] = *seals
            && ours.digest() == theirs.digest()
        {
            let bases = self.bases.iter().map(|base| base.as_ref().and_then(|b| b.seal.as_ref()));
            let bases: Vec<_> = bases.collect();
            return match side_of(&bases, Some(ours), Some(theirs)) {
                Some(Side::Theirs) => Some(theirs.clone()),
                _ => Some(ours.clone()),
            };
        }
        seals.iter().max_by_key(|seal| time(seal, now)).copied().cloned()
    }

    fn take(
        &self,
        ours: &SealedSecret,
        theirs: &SealedSecret,
        undecided: &SealedSecret,
    ) -> SealedSecret {
        let mut new = undecided.clone();
        for (part, side) in &self.parts {
            let from = match side {
                Some(Side::Ours) => ours,
                Some(Side::Theirs) => theirs,
                None => continue,
            };
            match part {
                MergePart::Value(key) => match from.values.get(key) {
                    Some(jwe) => drop(new.values.insert(key.clone(), jwe.clone())),
                    None => drop(new.values.remove(key)),
                },
                MergePart::Type => new.meta.kind = from.meta.kind.clone(),
                MergePart::Immutable => new.meta.immutable = from.meta.immutable,
            }
        }
        new
    }
}

/// The signatures that a merged Secret can have: those of each side with its seal and its values.
fn signatures(merged: &SealedSecret, sides: [&SealedSecret; 2]) -> Vec<AuthorSignature> {
    let is_same = |side: &&SealedSecret| side.fingerprint() == merged.fingerprint();
    let mut signatures: Vec<AuthorSignature> = Vec::new();
    for signature in sides.into_iter().filter(is_same).flat_map(|side| &side.signatures) {
        if !signatures.contains(signature) {
            signatures.push(signature.clone());
        }
    }
    signatures
}

/// The time of a seal, to compare it with another one. A time that cannot be true comes from a wrong
/// clock, and is before all others.
fn time(seal: &Jwe, now: u64) -> (bool, u64) {
    (!is_too_late(seal.sealed_at, now), seal.sealed_at)
}

/// The side of a sealed part. Parts with the same digest can still have different recipients: the
/// side that changed them counts.
fn side_of(bases: &[Option<&Jwe>], ours: Option<&Jwe>, theirs: Option<&Jwe>) -> Option<Side> {
    let digests = |jwe: Option<&Jwe>| jwe.map(Jwe::digest);
    let (a, b) = (digests(ours), digests(theirs));
    if a != b {
        let bases: Vec<_> = bases.iter().map(|base| digests(*base)).collect();
        return pick(&bases, &a, &b);
    }
    Some(pick(bases, &ours, &theirs).unwrap_or(Side::Ours))
}

/// The side that changed, if it is only one. With several common versions, a side that equals only
/// some of them decided between them.
fn pick<T: PartialEq>(bases: &[T], ours: &T, theirs: &T) -> Option<Side> {
    if ours == theirs {
        return Some(Side::Ours);
    }
    let is_old = |side: &T| !bases.is_empty() && bases.iter().all(|base| base == side);
    match (is_old(ours), is_old(theirs)) {
        (true, false) => Some(Side::Theirs),
        (false, true) => Some(Side::Ours),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
