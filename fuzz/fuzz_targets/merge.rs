//! Two versions of a Secret merge as a simple model of three-way merges says, and no matter which
//! side is called ours.
//!
//! The input is a list of small changes to the three versions. Bytes of real Secrets would almost
//! never have a version in common.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use envcrypt_core::envelope::{Merge, MergePart, Scope, SealedSecret, Sealer, Side};
use envcrypt_core::kek::{DataKey, KekUri, WrappedKey};
use envcrypt_core::secret::{Key, Meta, Place, PlainSecret, SecretType, SecretValue};
use libfuzzer_sys::fuzz_target;

const KEYS: usize = 4;
const NOW: u64 = 1_800_000_000;

/// Versions of one Secret: all with the same keys, each with other bytes, times and KEKs.
static POOL: LazyLock<Vec<SealedSecret>> = LazyLock::new(|| (0..8).map(version).collect());

fn version(number: u8) -> SealedSecret {
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    let kek = |name: u8| format!("age:age1{}", char::from(b'a' + name)).parse::<KekUri>();
    let wrapped = |kek| WrappedKey { kek, bytes: vec![number] };
    let recipients =
        [number % 2, 2 + number / 4].into_iter().map(|name| wrapped(kek(name).expect("a KEK")));
    let dek = DataKey::from_slice(&[number; 32]).expect("32 bytes");
    let sealer = Sealer::from_parts(place.clone(), Scope::Strict, dek, recipients.collect());
    let value = |index| (key(index), SecretValue::new(vec![number; index]));
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let plain = PlainSecret { meta, values: (0..KEYS).map(value).collect() };
    sealer.seal(plain, 1_700_000_000 + u64::from(number)).expect("it fits")
}

fn key(index: usize) -> Key {
    format!("k{index}").parse().expect("a key")
}

fuzz_target!(|input: &[u8]| {
    let Some((first, changes)) = input.split_first() else { return };
    let start = POOL[usize::from(first % 8)].clone();
    let mut versions = [start.clone(), start.clone(), start];
    for change in changes.chunks_exact(2).take(32) {
        apply(&mut versions[usize::from(change[0] % 3)], change[0] / 3, change[1]);
    }
    let [base, ours, theirs] = versions;
    // There is one common version, none, or it cannot be read.
    let bases = match first / 8 % 4 {
        0 => Vec::new(),
        1 => vec![None],
        2 => vec![Some(base.clone()), Some(POOL[usize::from(first / 32)].clone())],
        _ => vec![Some(base)],
    };
    check(&bases, &ours, &theirs);
});

fn apply(secret: &mut SealedSecret, what: u8, how: u8) {
    let from = &POOL[usize::from(how % 8)];
    let index = usize::from(how / 8) % KEYS;
    match what % 8 {
        0..=2 => drop(secret.values.insert(key(index), from.values[&key(index)].clone())),
        3 => drop(secret.values.remove(&key(index))),
        4 => secret.seal = from.seal.clone(),
        5 => secret.meta.immutable = how.is_multiple_of(2),
        6 => drop(secret.meta.labels.insert(format!("l{index}"), (how % 8).to_string())),
        _ => {
            if let Some(jwe) = secret.values.get_mut(&key(index)) {
                // As a rewrap: other recipients of the same bytes.
                jwe.recipients.clone_from(&from.values[&key(index)].recipients);
            }
        }
    }
}

fn check(bases: &[Option<SealedSecret>], ours: &SealedSecret, theirs: &SealedSecret) {
    let mut merge = Merge::new(bases, ours, theirs);
    let mirrored = Merge::new(bases, theirs, ours);
    let disputed: Vec<MergePart> = merge.disputed().cloned().collect();
    assert!(mirrored.disputed().eq(&disputed), "the sides are not alike");
    assert_eq!(merge.keks(), mirrored.keks());
    let wanted: [_; KEYS] = std::array::from_fn(|i| expected(bases, ours, theirs, &key(i)));
    for (index, wanted) in wanted.iter().enumerate() {
        let is_disputed = disputed.contains(&MergePart::Value(key(index)));
        assert_eq!(is_disputed, wanted.is_none());
    }
    let (one, other) = (merge.apply_to(ours), merge.apply_to(theirs));
    for index in 0..KEYS {
        let key = key(index);
        let is_disputed = disputed.contains(&MergePart::Value(key.clone()));
        let sides = (one.values.get(&key), other.values.get(&key));
        assert!(is_disputed || sides.0 == sides.1, "both texts have the merged value");
        let is_own = sides == (ours.values.get(&key), theirs.values.get(&key));
        assert!(!is_disputed || is_own, "a disputed value was changed");
    }
    for part in disputed {
        merge.decide(part, Side::Theirs);
    }
    combined(&merge, wanted, ours, theirs);
}

/// The side of a value by a model that compares only sealed bytes. `None` if it is disputed.
fn expected(
    bases: &[Option<SealedSecret>],
    ours: &SealedSecret,
    theirs: &SealedSecret,
    key: &Key,
) -> Option<[u8; 32]> {
    let of = |secret: &SealedSecret| secret.values.get(key).map_or([0; 32], |jwe| jwe.digest());
    let bases: Vec<_> = bases.iter().map(|base| base.as_ref().map_or([0; 32], of)).collect();
    let is_old = |side| !bases.is_empty() && bases.iter().all(|base| *base == side);
    match (of(ours), of(theirs)) {
        (ours, theirs) if ours == theirs => Some(ours),
        (ours, theirs) if is_old(ours) => Some(theirs),
        (ours, theirs) if is_old(theirs) => Some(ours),
        _ => None,
    }
}

fn combined(
    merge: &Merge<'_>,
    wanted: [Option<[u8; 32]>; KEYS],
    ours: &SealedSecret,
    theirs: &SealedSecret,
) {
    let merged = merge.combine(ours, theirs, NOW);
    for (index, wanted) in wanted.into_iter().enumerate() {
        let key = key(index);
        let value = merged.secret.values.get(&key);
        let digest = value.map_or([0; 32], |jwe| jwe.digest());
        let decided = || theirs.values.get(&key).map_or([0; 32], |jwe| jwe.digest());
        assert_eq!(digest, wanted.unwrap_or_else(decided), "{key}");
        let is_of_a_side = [ours, theirs].iter().any(|side| side.values.get(&key) == value);
        assert!(is_of_a_side, "{key} is of neither side");
    }
    // A seal that stays is one of a side that has the same parts.
    if merged.is_sealed {
        let is_side = |side: &&SealedSecret| {
            side.seal.as_ref().map(|seal| seal.digest())
                == merged.secret.seal.as_ref().map(|seal| seal.digest())
        };
        let of = |secret: &SealedSecret| {
            secret.values.iter().map(|(key, jwe)| (key.clone(), jwe.digest())).collect::<Vec<_>>()
        };
        let side = [ours, theirs].into_iter().find(|side| {
            is_side(side)
                && of(side) == of(&merged.secret)
                && side.meta.immutable == merged.secret.meta.immutable
        });
        assert!(side.is_some(), "the seal does not fit");
    }
}
