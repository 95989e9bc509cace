//! Merges one Secret. Before a new seal is made, both sides must be whole, and each KEK that gets
//! new data keys must have the consent that `set` and `rewrap` need.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use futures::future::try_join;

use super::versions::{same_names, same_sealed};
use crate::access::choice;
use crate::access::holders::Holders;
use crate::access::opener::Opener;
use crate::author::{Signing, Signs};
use crate::failure::{AccessError, AuthorError, Failure, MergeError};
use crate::session::Session;
use envcrypt_core::envelope::{
    Holder, Merge, MergePart, OpenError, Rewrap, SealedSecret, Sealer, Side, now,
};
use envcrypt_core::kek::{DataKey, KekId, KekUri};
use envcrypt_core::secret::{Key, Place, PlainSecret, SecretValue};

/// A part that both sides changed.
pub struct Dispute<'a> {
    pub part: &'a MergePart,
    pub ours: &'a SealedSecret,
    pub theirs: &'a SealedSecret,
}

/// What becomes of a part that both sides changed.
pub enum Decision {
    /// The value of one side, or its absence.
    Side(Side),
    /// A new value.
    New(SecretValue),
    /// It stays a conflict.
    Open,
}

/// Someone who decides conflicts.
pub trait Decide {
    fn decide(&self, dispute: &Dispute<'_>) -> Result<Decision, Failure>;

    /// A side does not have the signatures that its rule asks for, and the person who merges would
    /// sign what it has. Returns whether they accept it. `other` is the other side.
    fn unsigned(
        &self,
        _side: Side,
        _secret: &SealedSecret,
        _other: &SealedSecret,
    ) -> Result<bool, Failure> {
        Ok(false)
    }

    /// A side brings an older version back. If this is no error, there is a decision about every
    /// difference of both sides.
    fn rolled_back(&self, place: &Place, side: Side) -> Result<(), Failure> {
        Err(MergeError::RolledBack { side, place: place.clone() }.into())
    }
}

/// The result for one Secret.
pub enum Outcome {
    /// A Secret with a valid seal.
    Whole(Box<SealedSecret>),
    /// Parts that nobody decided.
    Open(Vec<MergePart>),
}

/// Merges Secrets, one by one or many at once.
pub struct Merger<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    holders: Holders<'a>,
    signing: Signing<'a>,
    /// The file, for the rules of `.envcrypt.yaml`.
    path: Option<&'a Path>,
}

impl<'a> Merger<'a> {
    pub fn new(session: &'a Session, opener: &'a Opener<'a>, path: Option<&'a Path>) -> Self {
        let holders = Holders::new(session, opener);
        let signing = Signing::new(session, Signs::ByRule).without_flag();
        Self { session, opener, holders, signing, path }
    }

    /// Says once that other people must sign what was merged, too.
    pub fn tell_open(&self) {
        self.signing.tell_open(self.path);
    }

    /// Merges both sides of one Secret.
    pub async fn merge(
        &self,
        bases: &[Option<SealedSecret>],
        ours: &SealedSecret,
        theirs: &SealedSecret,
        decide: &impl Decide,
    ) -> Result<Outcome, Failure> {
        let mut bases = bases;
        if let Some(side) = Merge::new(bases, ours, theirs).rolled_back(now()) {
            decide.rolled_back(&ours.meta.place, side)?;
            // What a side did not change since the common version can be older than it.
            bases = &[];
        }
        let mut merge = Merge::new(bases, ours, theirs);
        let demand = self.signing.demand(&ours.meta.place, self.path)?;
        let names = merge.disputed_names();
        if demand.is_some() && !names.is_empty() {
            return Err(MergeError::Names { place: ours.meta.place.clone(), names }.into());
        }
        if let Some(mut secret) = without_kek(&merge, ours, theirs) {
            secret.keep_signatures(demand.as_ref());
            if self.signing.is_signed(&secret, self.path)? || is_known(&secret, ours, theirs) {
                return Ok(Outcome::Whole(Box::new(secret)));
            }
        }
        self.admit(Side::Ours, ours, theirs, decide)?;
        self.admit(Side::Theirs, theirs, ours, decide)?;
        self.look(&mut merge, bases, ours, theirs).await?;
        let (new, open) = decided(&mut merge, ours, theirs, decide)?;
        if !open.is_empty() {
            return Ok(Outcome::Open(open));
        }
        let place = &ours.meta.place;
        let keks = merge.keks().ok_or_else(|| MergeError::Keks(place.clone()))?;
        if keks.is_empty() {
            return Err(AccessError::NoKekLeft(place.to_string()).into());
        }
        let holders = self.holders.settle(ours, self.path, keks).await?;
        let (ours, theirs) =
            try_join(self.under(ours, &holders), self.under(theirs, &holders)).await?;
        let merged = merge.combine(&ours, &theirs, now());
        let secret = match merged.is_sealed && new.is_empty() {
            true => merged.secret,
            false => self.seal(merged.secret, &holders, &new).await?,
        };
        let secret = match self.signing.is_signed(&secret, self.path)? {
            true => secret,
            false => self.signing.sign(secret, self.path).await?,
        };
        Ok(Outcome::Whole(Box::new(secret)))
    }

    /// What a side has without a signature must not get that of the person who merges, unless they
    /// looked at it.
    fn admit(
        &self,
        side: Side,
        secret: &SealedSecret,
        other: &SealedSecret,
        decide: &impl Decide,
    ) -> Result<(), Failure> {
        let place = &secret.meta.place;
        match self.signing.admit(place, Some(secret), self.path) {
            Err(
                why @ (Failure::Open(OpenError::Unsigned { .. })
                | Failure::Author(AuthorError::Uncovered { .. })),
            ) => {
                if !decide.unsigned(side, secret, other)? {
                    return Err(MergeError::Unsigned { side, why: Box::new(why) }.into());
                }
                self.opener.accept(secret);
                Ok(())
            }
            admitted => admitted.map(drop),
        }
    }

    /// Opens both sides, to check that they are whole, and decides what their plaintext decides.
    async fn look(
        &self,
        merge: &mut Merge<'_>,
        bases: &[Option<SealedSecret>],
        ours: &SealedSecret,
        theirs: &SealedSecret,
    ) -> Result<(), Failure> {
        // Both are admitted before a KMS opens anything.
        self.opener.admit(ours, self.path).await?;
        self.opener.admit(theirs, self.path).await?;
        let (ours, theirs) =
            try_join(self.opener.open(ours, self.path), self.opener.open(theirs, self.path))
                .await?;
        if merge.disputed().next().is_some() {
            merge.compare(&self.bases(bases).await, &ours, &theirs);
        }
        Ok(())
    }

    /// The common versions, if all of them can be opened without a prompt. They only help.
    async fn bases(&self, bases: &[Option<SealedSecret>]) -> Vec<PlainSecret> {
        let mut plain = Vec::new();
        for base in bases {
            let Some(base) = base.as_ref().filter(|base| self.opener.can_open(base)) else {
                return Vec::new();
            };
            let Ok(opened) = self.opener.open(base, self.path).await else { return Vec::new() };
            plain.push(opened);
        }
        plain
    }

    /// One side under the merged KEKs.
    async fn under(
        &self,
        secret: &SealedSecret,
        holders: &[Holder],
    ) -> Result<SealedSecret, Failure> {
        if secret.is_under(holders) {
            return Ok(secret.clone());
        }
        let wanted = Rewrap { targets: holders, renew: false };
        let (secret, _) = self.opener.rewrap(secret, self.path, &wanted).await?;
        Ok(secret)
    }

    /// Adds new values, and makes a new seal.
    async fn seal(
        &self,
        secret: SealedSecret,
        holders: &[Holder],
        new: &BTreeMap<Key, SecretValue>,
    ) -> Result<SealedSecret, Failure> {
        let keks: Vec<KekUri> = holders.iter().map(|holder| holder.kek.clone()).collect();
        let (place, scope) = (secret.meta.place.clone(), choice::scope(&secret)?);
        let ring = self.session.ring()?;
        let sealer = Sealer::prepare(ring, &keks, DataKey::generate(), place, scope).await?;
        let values = sealer.seal_values(new, secret.next_seal_time(now()));
        Ok(sealer.change(secret, values, &[], now())?)
    }
}

/// The merged Secret, if no KEK is needed: one side has everything that the other side has.
fn without_kek(
    merge: &Merge<'_>,
    ours: &SealedSecret,
    theirs: &SealedSecret,
) -> Option<SealedSecret> {
    if merge.disputed().next().is_some() {
        return None;
    }
    let merged = merge.combine(ours, theirs, now());
    (merged.is_sealed && is_under(&merged.secret, &merge.keks()?)).then_some(merged.secret)
}

/// Whether the merged Secret differs from a side only in its signatures, and both sides have the
/// same values under the same seal. Then nothing is new that a person would have to sign.
fn is_known(merged: &SealedSecret, ours: &SealedSecret, theirs: &SealedSecret) -> bool {
    let is_side = |side: &SealedSecret| same_sealed(merged, side) && same_names(merged, side);
    same_sealed(ours, theirs) && (is_side(ours) || is_side(theirs))
}

fn is_under(secret: &SealedSecret, keks: &BTreeSet<KekId>) -> bool {
    let holder = |kek: &KekId| Holder { kek: kek.uri().clone(), named: false };
    secret.is_under(&keks.iter().map(holder).collect::<Vec<_>>())
}

/// Lets someone decide each dispute. Returns new values, and the parts that stay open.
fn decided(
    merge: &mut Merge<'_>,
    ours: &SealedSecret,
    theirs: &SealedSecret,
    decide: &impl Decide,
) -> Result<(BTreeMap<Key, SecretValue>, Vec<MergePart>), Failure> {
    let (mut new, mut open) = (BTreeMap::new(), Vec::new());
    for part in merge.disputed().cloned().collect::<Vec<_>>() {
        match decide.decide(&Dispute { part: &part, ours, theirs })? {
            Decision::Side(side) => merge.decide(part, side),
            Decision::New(value) => {
                if let MergePart::Value(key) = &part {
                    new.insert(key.clone(), value);
                }
                merge.decide(part, Side::Ours);
            }
            Decision::Open => open.push(part),
        }
    }
    Ok((new, open))
}

impl Dispute<'_> {
    pub fn place(&self) -> &Place {
        &self.ours.meta.place
    }
}
