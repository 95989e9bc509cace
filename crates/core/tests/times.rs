//! Times in the sealed format: they never go backwards, and a value keeps its own.

use std::collections::BTreeMap;

use proptest::prelude::*;

use envcrypt_core::envelope::{Deks, Scope, SealCheck, SealedSecret, Sealer};
use envcrypt_core::kek::{DataKey, WrappedKey};
use envcrypt_core::secret::{Key, Meta, Place, PlainSecret, SecretType, SecretValue};

const NOW: u64 = 1_700_000_000;
const DEK: [u8; 32] = [7; 32];

fn place() -> Place {
    Place { namespace: "prod".parse().expect("valid"), name: "db".parse().expect("valid") }
}

fn dek() -> DataKey {
    DataKey::from_slice(&DEK).expect("32 bytes")
}

fn sealer() -> Sealer {
    let kek = "age:age1abc".parse().expect("a KEK");
    let recipients = vec![WrappedKey { kek, bytes: b"wrapped".to_vec() }];
    Sealer::from_parts(place(), Scope::Strict, dek(), recipients)
}

fn value(text: &str) -> (Key, SecretValue) {
    (text.parse().expect("a key"), SecretValue::new(text.as_bytes().to_vec()))
}

fn sealed(now: u64) -> SealedSecret {
    let meta = Meta {
        place: place(),
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let values = ["a", "b"].map(value).into();
    sealer().seal(PlainSecret { meta, values }, now).expect("it fits")
}

fn seal_time(secret: &SealedSecret) -> u64 {
    secret.seal.as_ref().expect("a seal").sealed_at
}

fn open(secret: &SealedSecret) -> PlainSecret {
    secret.open(&Deks::from_keys([dek()]), SealCheck::Required).expect("it opens")
}

#[test]
fn a_new_seal_is_always_after_the_one_that_it_replaces() {
    for (last, now, next) in [
        (NOW, NOW + 50, NOW + 50),
        (NOW, NOW, NOW + 1),
        (NOW, NOW - 1000, NOW + 1),
        (NOW + 86_400, NOW, NOW + 86_401),
        // More than a day ahead: a wrong clock, or a forged time. It does not last.
        (NOW + 86_401, NOW, NOW),
        (u64::MAX, NOW, NOW),
    ] {
        let changed = sealer().change(sealed(last), BTreeMap::new(), &[], now).expect("it fits");
        assert_eq!(seal_time(&changed), next);
        let old = sealed(last);
        let again = sealer().seal_again(open(&old), &old, now).expect("it fits");
        assert_eq!(seal_time(&again), next);
    }
}

#[test]
fn a_value_that_is_sealed_again_keeps_the_time_of_its_birth() {
    let first = sealed(NOW);
    let second = sealer().seal_again(open(&first), &first, NOW + 100).expect("it fits");
    let new = sealer().seal_values(&[value("b")].into(), NOW + 200);
    let changed = sealer().change(second, new, &[], NOW + 200).expect("it fits");
    let last = sealer().seal_again(open(&changed), &changed, NOW + 300).expect("it fits");
    let times = |key: &str| {
        let jwe = &last.values[&key.parse::<Key>().expect("a key")];
        (jwe.born(), jwe.sealed_at)
    };
    assert_eq!(times("a"), (NOW, NOW + 300));
    assert_eq!(times("b"), (NOW + 200, NOW + 300));
    assert!(open(&last).holds(&"a".parse().expect("a key"), &value("a").1));
}

#[test]
fn the_same_value_that_is_set_again_keeps_the_time_of_its_birth() {
    let first = sealed(NOW);
    let born: BTreeMap<Key, u64> =
        first.values.iter().map(|(key, jwe)| (key.clone(), jwe.born())).collect();
    let values = ["b", "c"].map(value).into();
    let again = sealer().seal_values_again(&values, &born, NOW + 100);
    let times = |key: &str| {
        let jwe = &again[&key.parse::<Key>().expect("a key")];
        (jwe.born(), jwe.sealed_at)
    };
    assert_eq!(times("b"), (NOW, NOW + 100));
    assert_eq!(times("c"), (NOW + 100, NOW + 100), "a new key");
    // A time after the sealing comes from a wrong clock.
    let early = sealer().seal_values_again(&values, &born, NOW - 100);
    assert!(early.values().all(|jwe| jwe.born() == NOW - 100));
}

#[test]
fn a_value_that_was_never_sealed_before_has_no_other_time() {
    let sealed = |born| {
        let mut number = 0;
        let next_iv = || {
            number += 1;
            [number; 12]
        };
        let old = open(&sealed(NOW));
        sealer().seal_with(old, NOW, |_| born, next_iv).expect("it fits")
    };
    for born in [NOW, NOW + 1] {
        assert_eq!(sealed(Some(born)), sealed(None), "one form, byte for byte");
    }
    assert_ne!(sealed(Some(NOW - 1)), sealed(None));
}

proptest! {
    /// Whatever is done to a Secret, a value that nobody replaced is as old as it was.
    #[test]
    fn no_sequence_of_sealings_makes_a_value_younger(
        steps in proptest::collection::vec((0..3_u8, 0..1000_u64), 1..8)
    ) {
        let (mut secret, mut now) = (sealed(NOW), NOW);
        let key: Key = "a".parse().expect("a key");
        for (step, later) in steps {
            now += later;
            secret = match step {
                0 => sealer().seal_again(open(&secret), &secret, now).expect("it fits"),
                1 => {
                    let new = sealer().seal_values(&[value("b")].into(), now);
                    sealer().change(secret, new, &[], now).expect("it fits")
                }
                _ => {
                    let born = [(key.clone(), secret.values[&key].born())].into();
                    let time = secret.next_seal_time(now);
                    let same = sealer().seal_values_again(&[value("a")].into(), &born, time);
                    sealer().change(secret, same, &[], now).expect("it fits")
                }
            };
            prop_assert_eq!(secret.values[&key].born(), NOW);
            prop_assert!(open(&secret).holds(&key, &value("a").1));
        }
    }
}
