use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::kek::{Context, DataKey};
use crate::secret::{Place, PlainSecret, SecretType, SecretValue};

const NOW: u64 = 1_700_000_000;

fn key(name: &str) -> Key {
    name.parse().expect("a key")
}

fn place(namespace: &str, name: &str) -> Place {
    Place { namespace: namespace.parse().expect("ok"), name: name.parse().expect("ok") }
}

fn kek(name: &str) -> KekUri {
    KekUri::aws(&format!("arn:aws:kms:eu-west-1:1:key/{name}")).expect("an ARN")
}

fn sealer(place: &Place, scope: Scope, keks: &[&str]) -> Sealer {
    let recipients = keks.iter().map(|name| WrappedKey { kek: kek(name), bytes: vec![1] });
    let dek = DataKey::from_slice(&[7; 32]).expect("32 bytes");
    Sealer::from_parts(place.clone(), scope, dek, recipients.collect())
}

fn plain(place: &Place, values: &[(&str, &[u8])]) -> PlainSecret {
    let values =
        values.iter().map(|(name, value)| (key(name), SecretValue::new(value.to_vec()))).collect();
    let meta = Meta {
        place: place.clone(),
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    PlainSecret { meta, values }
}

fn sealed_at(place: &Place, scope: Scope, keks: &[&str]) -> SealedSecret {
    let plain = plain(place, &[("a", b"same"), ("b", b"same")]);
    sealer(place, scope, keks).seal(plain, NOW).expect("it fits")
}

fn sealed(keks: &[&str]) -> SealedSecret {
    sealed_at(&place("prod", "db"), Scope::Strict, keks)
}

fn deks() -> Deks {
    Deks::from_keys([DataKey::from_slice(&[7; 32]).expect("32 bytes")])
}

/// The name of what is refused, and the key that the error names.
fn refusal(result: Result<(), OpenError>) -> (&'static str, Option<String>) {
    match result.expect_err("refused") {
        OpenError::Refused { spot, refused } => {
            (refused.name(), spot.key.map(|key| key.to_string()))
        }
        other => panic!("{other}"),
    }
}

#[test]
fn no_iv_is_used_twice_under_one_data_key() {
    let place = place("prod", "db");
    let again = sealed(&["k"]);
    let changed = sealer(&place, Scope::Strict, &["k"])
        .change(sealed(&["k"]), BTreeMap::new(), &[], NOW)
        .expect("it fits");
    let sealer = sealer(&place, Scope::Strict, &["k"]);
    let single = sealer.seal_values(&plain(&place, &[("a", b"same"), ("b", b"same")]).values, NOW);
    let parts = again.parts().chain(changed.parts()).map(|(_, jwe)| jwe).chain(single.values());
    let ivs: Vec<String> = parts
        .map(|jwe| {
            let json: Value = serde_json::from_slice(&jwe.to_json()).expect("JSON");
            json["iv"].as_str().expect("an IV").to_owned()
        })
        .collect();
    assert_eq!(ivs.len(), 8);
    assert_eq!(ivs.iter().collect::<HashSet<_>>().len(), 8, "{ivs:?}");
}

#[test]
fn a_kms_is_told_the_namespace_and_the_name_as_far_as_the_scope_has_them() {
    for (scope, context) in [
        (Scope::Strict, Context::new(Some("prod"), Some("db"))),
        (Scope::Namespace, Context::new(Some("prod"), None)),
        (Scope::Cluster, Context::new(None, None)),
    ] {
        let secret = sealed_at(&place("prod", "db"), scope, &["k"]);
        assert!(secret.parts().all(|(_, jwe)| jwe.binding.context() == context), "{scope}");
    }
}

#[test]
fn every_part_must_belong_to_the_place_and_only_the_seal_can_be_skipped() {
    let good = sealed(&["k"]);
    let elsewhere = sealed_at(&place("prod", "web"), Scope::Strict, &["k"]);
    let mut other_value = good.clone();
    other_value.values.insert(key("b"), elsewhere.values[&key("b")].clone());
    for check in [SealCheck::Required, SealCheck::Skipped] {
        assert!(good.check_place(check).is_ok());
        let refused = refusal(other_value.check_place(check));
        assert_eq!(refused, ("binding", Some("b".to_owned())), "{check:?}");
    }
    let other_seal = SealedSecret { seal: elsewhere.seal, ..good.clone() };
    assert_eq!(refusal(other_seal.check_place(SealCheck::Required)), ("binding", None));
    assert!(other_seal.open(&deks(), SealCheck::Required).is_err());
    let no_seal = SealedSecret { seal: None, ..good };
    assert_eq!(refusal(no_seal.check_place(SealCheck::Required)), ("seal-missing", None));
    for secret in [other_seal, no_seal] {
        assert!(secret.open(&deks(), SealCheck::Skipped).is_ok());
    }
}

#[test]
fn what_does_not_fit_into_a_secret_is_not_sealed_and_is_known_before() {
    let place = place("prod", "db");
    let half = vec![b'x'; MAX_SEALED_SIZE / 2];
    let seal = |values: &[(&str, &[u8])]| {
        sealer(&place, Scope::Strict, &["k"]).seal(plain(&place, values), NOW)
    };
    assert!(seal(&[("a", &half)]).is_ok());
    let refused = seal(&[("a", &half), ("b", &half)]);
    assert!(matches!(refused, Err(SealError::TooLarge { size, .. }) if size > MAX_SEALED_SIZE));
    assert!(sealed_size_at_least([half.len(); 2].into_iter()) > MAX_SEALED_SIZE);
}

#[test]
fn the_size_of_a_sealed_value_is_known_without_encoding_it() {
    let place = place("prod", "db");
    for size in [0, 1, 62, 63, 64, 1000, 10_000] {
        let value = vec![b'x'; size];
        let secret = sealer(&place, Scope::Strict, &["k", "l"])
            .seal(plain(&place, &[("a", &value)]), NOW)
            .expect("it fits");
        let jwe = &secret.values[&key("a")];
        assert_eq!(jwe.json_size(), jwe.to_json().len(), "{size}");
        // Base64 needs four bytes for three.
        let least = sealed_size_at_least([size].into_iter());
        assert!(least * 3 >= size * 4 && least <= jwe.json_size(), "{size}: {least}");
    }
}

#[test]
fn a_kek_that_one_part_lacks_is_not_named_by_the_secret() {
    let mut secret = sealed(&["k", "l"]);
    assert!(secret.names(&kek("k").id()) && secret.names(&kek("l").id()));
    assert!(!secret.names(&kek("m").id()));
    secret.seal = sealed(&["k"]).seal;
    assert!(secret.names(&kek("k").id()) && !secret.names(&kek("l").id()));
}

#[test]
fn parts_of_different_scopes_have_no_scope_together() {
    let place = place("prod", "db");
    for scope in [Scope::Strict, Scope::Namespace, Scope::Cluster] {
        assert_eq!(sealed_at(&place, scope, &["k"]).scope(), Some(scope));
    }
    let mut mixed = sealed(&["k"]);
    mixed.seal = sealed_at(&place, Scope::Cluster, &["k"]).seal;
    assert_eq!(mixed.scope(), None);
}

#[test]
fn a_sealing_is_the_same_under_other_keks_and_another_one_of_the_same_value_is_not() {
    let (first, second, a) = (sealed(&["k"]), sealed(&["k"]), key("a"));
    let mut rewrapped = first.clone();
    for jwe in rewrapped.values.values_mut().chain(&mut rewrapped.seal) {
        jwe.recipients = vec![WrappedKey { kek: kek("l"), bytes: vec![2] }];
    }
    assert!(first.same_sealing(&rewrapped, &a) && !first.same_sealing(&second, &a));
    assert!(!first.same_sealing(&first, &key("missing")), "neither has it");
    assert_eq!(first.fingerprint(), rewrapped.fingerprint());
    let changes: [&dyn Fn(&mut SealedSecret); 5] = [
        &|s| drop(s.values.remove(&a)),
        &|s| drop(s.values.insert(a.clone(), second.values[&a].clone())),
        &|s| s.seal.clone_from(&second.seal),
        &|s| s.meta.immutable = true,
        &|s| s.meta.kind = SecretType::BasicAuth,
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut changed = first.clone();
        change(&mut changed);
        assert_ne!(changed.fingerprint(), first.fingerprint(), "change {index}");
    }
}
