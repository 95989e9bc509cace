use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::envelope::{Scope, Sealer};
use crate::kek::{DataKey, KekUri, WrappedKey};
use crate::secret::{Meta, Place, SecretType};

/// A value of a test: its text, and the time at which it is sealed.
type Values<'a> = &'a [(&'a str, &'a str)];

fn key(name: &str) -> Key {
    name.parse().expect("a key")
}

fn kek(name: &str) -> KekUri {
    KekUri::age(&format!("age1{name}")).expect("a recipient")
}

fn plain(values: Values<'_>) -> PlainSecret {
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    let values =
        values.iter().map(|(name, text)| (key(name), SecretValue::new(text.as_bytes().to_vec())));
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    PlainSecret { meta, values: values.collect() }
}

fn sealer(keks: &[&str]) -> Sealer {
    let recipients =
        keks.iter().map(|name| WrappedKey { kek: kek(name), bytes: name.as_bytes().to_vec() });
    let place = plain(&[]).meta.place;
    Sealer::from_parts(place, Scope::Strict, DataKey::generate(), recipients.collect())
}

fn sealed(keks: &[&str], values: Values<'_>) -> SealedSecret {
    sealer(keks).seal(plain(values), 100).expect("it fits")
}

/// Sets values of a version, with new bytes.
fn set(secret: &SealedSecret, keks: &[&str], values: Values<'_>, gone: &[&str]) -> SealedSecret {
    let sealer = sealer(keks);
    let parts = sealer.seal_values(&plain(values).values, 200);
    let gone: Vec<Key> = gone.iter().map(|name| key(name)).collect();
    sealer.change(secret.clone(), parts, &gone, 200).expect("it fits")
}

/// Only rewraps: other recipients, the same bytes.
fn rewrapped(secret: &SealedSecret, keks: &[&str]) -> SealedSecret {
    let mut new = secret.clone();
    let recipients: Vec<_> = keks
        .iter()
        .map(|name| WrappedKey { kek: kek(name), bytes: format!("new {name}").into_bytes() })
        .collect();
    for jwe in new.values.values_mut().chain(&mut new.seal) {
        jwe.recipients.clone_from(&recipients);
    }
    new
}

fn disputed(merge: &Merge<'_>) -> Vec<String> {
    merge.disputed().map(MergePart::to_string).collect()
}

fn names(keks: Option<BTreeSet<KekId>>) -> Vec<String> {
    keks.expect("known").iter().map(|kek| kek.uri().to_string()).collect()
}

#[test]
fn each_key_comes_from_the_side_that_changed_it() {
    let base = sealed(&["k"], &[("a", "1"), ("b", "1"), ("c", "1"), ("d", "1")]);
    let ours = set(&base, &["k"], &[("a", "2"), ("new", "2")], &["c"]);
    let theirs = set(&base, &["k"], &[("b", "3"), ("other", "3")], &["d"]);
    let bases = [Some(base.clone())];
    let merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(disputed(&merge), [""; 0]);
    let Merged { secret, is_sealed } = merge.combine(&ours, &theirs, 300);
    assert!(!is_sealed);
    let from = |name: &str| secret.values.get(&key(name));
    assert_eq!(secret.values.len(), 4);
    for (name, side) in [("a", &ours), ("new", &ours), ("b", &theirs), ("other", &theirs)] {
        assert_eq!(from(name), side.values.get(&key(name)), "{name}");
    }
}

#[test]
fn a_change_on_one_side_keeps_its_seal_and_needs_no_kek() {
    let base = sealed(&["k"], &[("a", "1"), ("b", "1")]);
    let changed = set(&base, &["k"], &[("a", "2")], &[]);
    let bases = [Some(base.clone())];
    for (ours, theirs) in [(&base, &changed), (&changed, &base), (&changed, &changed)] {
        let merged = Merge::new(&bases, ours, theirs).combine(ours, theirs, 300);
        assert!(merged.is_sealed);
        assert_eq!(merged.secret, changed);
    }
    let renewed = rewrapped(&base, &["k"]);
    for (ours, theirs) in [(&base, &renewed), (&renewed, &base)] {
        let merged = Merge::new(&bases, ours, theirs).combine(ours, theirs, 300);
        assert!(merged.is_sealed);
        assert_eq!(merged.secret, renewed, "a rewrap is not lost");
    }
}

#[test]
fn what_both_sides_changed_is_disputed_until_the_plaintext_decides() {
    let (o, a, b) = (
        [("same", "1"), ("rotated", "1"), ("both", "1"), ("gone", "1"), ("edited", "1")],
        [("same", "2"), ("rotated", "1"), ("both", "2"), ("gone", "1"), ("edited", "2")],
        [("same", "2"), ("rotated", "3"), ("both", "3")],
    );
    let base = sealed(&["k"], &o);
    let (ours, theirs) = (sealed(&["k"], &a), sealed(&["k"], &b));
    let bases = [Some(base)];
    let mut merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(disputed(&merge).len(), 5);
    merge.compare(&[plain(&o)], &plain(&a), &plain(&b));
    assert_eq!(disputed(&merge), ["`both`", "`edited`"]);
    merge.decide(MergePart::Value(key("both")), Side::Theirs);
    merge.decide(MergePart::Value(key("edited")), Side::Theirs);
    let merged = merge.combine(&ours, &theirs, 300).secret;
    assert_eq!(merged.values.len(), 3);
    assert_eq!(merged.values[&key("rotated")], theirs.values[&key("rotated")]);
    assert_eq!(merged.values[&key("same")], ours.values[&key("same")]);
}

/// Merges two versions with the same values, in both directions.
fn of_the_same_values(values: Values<'_>, one: &SealedSecret, other: &SealedSecret) -> Merged {
    let merged = [(one, other), (other, one)].map(|(ours, theirs)| {
        let mut merge = Merge::new(&[None], ours, theirs);
        merge.compare(&[], &plain(values), &plain(values));
        assert_eq!(disputed(&merge), [""; 0]);
        merge.combine(ours, theirs, 300)
    });
    let [first, second] = merged;
    assert_eq!((&first.secret, first.is_sealed), (&second.secret, second.is_sealed));
    first
}

#[test]
fn of_the_same_value_the_one_that_was_sealed_later_stays() {
    let values = &[("a", "1")];
    let first = sealed(&["k"], values);
    let again = |now| sealer(&["k"]).seal_again(plain(values), &first, now).expect("it fits");
    let (earlier, later) = (again(150), again(200));
    let merged = of_the_same_values(values, &earlier, &later);
    assert_eq!(merged.secret, later);
    assert!(merged.is_sealed);
}

#[test]
fn a_merge_makes_no_value_younger() {
    let values = &[("a", "1")];
    let first = sealed(&["k"], values);
    let rotated = sealer(&["k"]).seal_again(plain(values), &first, 150).expect("it fits");
    let new = set(&first, &["k"], values, &[]);
    let merged = of_the_same_values(values, &rotated, &new);
    let value = &merged.secret.values[&key("a")];
    assert_eq!((value.born(), value.sealed_at), (100, 150));
    assert!(!merged.is_sealed, "the other seal is later");
}

#[test]
fn added_on_both_sides_both_are_kept_and_without_a_known_base_nothing_is_guessed() {
    let (ours, theirs) = (sealed(&["k"], &[("a", "1")]), sealed(&["k"], &[("b", "1")]));
    let merged = Merge::new(&[None], &ours, &theirs).combine(&ours, &theirs, 300);
    assert_eq!(merged.secret.values.len(), 2);
    let merge = Merge::new(&[], &ours, &theirs);
    assert_eq!(disputed(&merge), ["`a`", "`b`"]);
    for bases in [&[][..], &[None]] {
        let other = rewrapped(&ours, &["k", "removed"]);
        assert!(Merge::new(bases, &ours, &other).keks().is_none());
        assert_eq!(names(Merge::new(bases, &ours, &theirs).keks()), ["age:age1k"]);
    }
}

#[test]
fn with_several_bases_only_a_side_that_is_all_of_them_did_not_change() {
    let one = sealed(&["k"], &[("a", "1"), ("b", "1")]);
    let two = set(&one, &["k"], &[("a", "2")], &[]);
    let ours = set(&two, &["k"], &[("b", "9")], &[]);
    let theirs = set(&one, &["k"], &[("a", "3")], &[]);
    let bases = [Some(one), Some(two)];
    let mut merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(disputed(&merge), ["`a`"], "ours decided for the value of one of them");
    let (old, new) = (plain(&[("a", "1")]), plain(&[("a", "2")]));
    merge.compare(&[old, new], &plain(&[("a", "2")]), &plain(&[("a", "3")]));
    assert_eq!(disputed(&merge), ["`a`"], "in plaintext, too");
    merge.decide(MergePart::Value(key("a")), Side::Theirs);
    let merged = merge.combine(&ours, &theirs, 300).secret;
    assert_eq!(merged.values[&key("b")], ours.values[&key("b")]);
}

#[test]
fn a_side_with_another_seal_that_is_earlier_than_that_of_the_base_is_rolled_back() {
    let old = sealed(&["k"], &[("a", "1"), ("b", "1")]);
    let base = set(&old, &["k"], &[("a", "2")], &[]);
    let new = sealer(&["k"]).change(base.clone(), BTreeMap::new(), &[], 300).expect("it fits");
    let rolled_back = |base: &SealedSecret, ours: &SealedSecret, theirs: &SealedSecret| {
        Merge::new(&[Some(base.clone())], ours, theirs).rolled_back(1000)
    };
    assert_eq!(rolled_back(&base, &new, &old), Some(Side::Theirs));
    assert_eq!(rolled_back(&base, &old, &new), Some(Side::Ours));
    assert_eq!(rolled_back(&base, &base, &old), Some(Side::Theirs));
    assert_eq!(rolled_back(&base, &base, &new), None);
    let same_time = sealer(&["k"]).seal(plain(&[("a", "1")]), 200).expect("it fits");
    assert_eq!(rolled_back(&base, &same_time, &new), None);
    assert_eq!(rolled_back(&base, &rewrapped(&base, &["x"]), &new), None);
    assert_eq!(Merge::new(&[None], &new, &old).rolled_back(1000), None);
    // One of several common versions is no rollback.
    let bases = [Some(old.clone()), Some(base.clone())];
    assert_eq!(Merge::new(&bases, &new, &old).rolled_back(1000), None);
    // A wrong clock sealed the common version.
    let late = sealer(&["k"]).change(old.clone(), BTreeMap::new(), &[], 1 << 40).expect("ok");
    assert_eq!(rolled_back(&late, &new, &base), None);
}

#[test]
fn a_seal_that_is_older_than_that_of_the_other_change_does_not_stay() {
    let base = sealed(&["k"], &[("a", "1"), ("b", "1")]);
    let ours = set(&base, &["k"], &[], &["b"]);
    let theirs = sealer(&["k"]).change(base.clone(), BTreeMap::new(), &[], 900).expect("it fits");
    let mut theirs = set(&theirs, &["k"], &[("b", "1")], &[]);
    let bases = [Some(base)];
    let mut merge = Merge::new(&bases, &ours, &theirs);
    merge.compare(&[plain(&[("b", "1")])], &plain(&[]), &plain(&[("b", "1")]));
    let merged = merge.combine(&ours, &theirs, 1000);
    assert!(!merged.is_sealed, "the set is ours, and the later seal is theirs");
    assert_eq!(merged.secret.values, ours.values);
    assert_eq!(merged.secret.seal, theirs.seal, "for the time of the new seal");
    // A time that cannot be true does not count.
    theirs = sealer(&["k"]).change(theirs, BTreeMap::new(), &[], 1 << 40).expect("it fits");
    let mut merge = Merge::new(&bases, &ours, &theirs);
    merge.compare(&[plain(&[("b", "1")])], &plain(&[]), &plain(&[("b", "1")]));
    let merged = merge.combine(&ours, &theirs, 1000);
    assert!(merged.is_sealed && merged.secret.seal == ours.seal);
}

#[test]
fn of_two_seals_of_the_same_time_none_stays_if_only_one_fits() {
    let base = sealed(&["k"], &[("a", "1")]);
    let ours = set(&base, &["k"], &[("a", "2")], &[]);
    let theirs = sealer(&["k"]).change(base.clone(), BTreeMap::new(), &[], 200).expect("it fits");
    let bases = [Some(base)];
    for (ours, theirs) in [(&ours, &theirs), (&theirs, &ours)] {
        let merged = Merge::new(&bases, ours, theirs).combine(ours, theirs, 300);
        assert!(!merged.is_sealed);
    }
}

#[test]
fn the_only_change_keeps_its_seal_after_a_common_version_of_a_wrong_clock() {
    let late = 1 << 20;
    let base = sealer(&["k"]).seal(plain(&[("a", "1")]), late).expect("it fits");
    let changed = set(&base, &["k"], &[("a", "2")], &[]);
    let bases = [Some(base.clone())];
    // Once the clock is there, the time of the common version looks true.
    for (ours, theirs) in [(&base, &changed), (&changed, &base)] {
        let merged = Merge::new(&bases, ours, theirs).combine(ours, theirs, late);
        assert!(merged.is_sealed);
        assert_eq!(merged.secret, changed);
    }
    // Without a known common version, the later seal counts.
    let mut merge = Merge::new(&[], &changed, &base);
    merge.decide(MergePart::Value(key("a")), Side::Ours);
    assert!(!merge.combine(&changed, &base, late).is_sealed);
}

#[test]
fn labels_and_annotations_are_merged_by_name_and_those_of_tools_are_never_disputed() {
    type Change<'a> = &'a [(&'a str, &'a str)];
    let with = |base: &SealedSecret, labels: Change<'_>, annotations: Change<'_>| {
        let mut new = base.clone();
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        new.meta.labels.extend(labels.iter().map(owned));
        new.meta.annotations.extend(annotations.iter().map(owned));
        new
    };
    let base = with(&sealed(&["k"], &[("a", "1")]), &[("team", "a")], &[("note", "a")]);
    let ours = with(&base, &[("team", "b")], &[("of-ours", "1")]);
    let theirs = with(&base, &[("of-theirs", "1")], &[("note", "b")]);
    let bases = [Some(base.clone())];
    let merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(merge.disputed_names(), [""; 0]);
    let both =
        with(&base, &[("team", "b"), ("of-theirs", "1")], &[("note", "b"), ("of-ours", "1")]);
    assert_eq!(merge.combine(&ours, &theirs, 300).secret, both);
    let tool = "argocd.argoproj.io/instance";
    let ours = with(&base, &[("team", "b"), (tool, "b")], &[("note", "b")]);
    let theirs = with(&base, &[("team", "c"), (tool, "c")], &[("note", "c")]);
    assert_eq!(Merge::new(&bases, &ours, &theirs).disputed_names(), ["team", "note"]);
}

#[test]
fn keks_that_one_side_added_or_removed_are_added_or_removed() {
    let base = sealed(&["x", "y"], &[("a", "1")]);
    let (ours, theirs) = (rewrapped(&base, &["x", "y", "z"]), rewrapped(&base, &["x"]));
    let bases = [Some(base)];
    for (one, other) in [(&ours, &theirs), (&theirs, &ours)] {
        let keks = names(Merge::new(&bases, one, other).keks());
        assert_eq!(keks, ["age:age1x", "age:age1z"]);
    }
}

#[test]
fn type_and_immutable_are_parts_too() {
    let base = sealed(&["k"], &[("a", "1")]);
    let (mut ours, mut theirs) = (base.clone(), base.clone());
    ours.meta.kind = "kubernetes.io/basic-auth".parse().expect("a type");
    theirs.meta.immutable = true;
    let bases = [Some(base)];
    let merged = Merge::new(&bases, &ours, &theirs).combine(&ours, &theirs, 300);
    assert_eq!(merged.secret.meta.kind, ours.meta.kind);
    assert!(merged.secret.meta.immutable && !merged.is_sealed);
    theirs.meta.kind = "example.com/other".parse().expect("a type");
    let merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(disputed(&merge), ["the type"]);
}

#[test]
fn a_text_with_conflicts_has_what_is_decided_on_both_sides() {
    let base = sealed(&["k"], &[("a", "1"), ("b", "1")]);
    let ours = set(&base, &["k"], &[("a", "2"), ("b", "2")], &[]);
    let theirs = set(&base, &["k"], &[("b", "3"), ("c", "3")], &[]);
    let bases = [Some(base)];
    let merge = Merge::new(&bases, &ours, &theirs);
    assert_eq!(disputed(&merge), ["`b`"]);
    for side in [&ours, &theirs] {
        let text = merge.apply_to(side);
        assert_eq!(text.values[&key("a")], ours.values[&key("a")]);
        assert_eq!(text.values[&key("b")], side.values[&key("b")]);
        assert_eq!(text.values[&key("c")], theirs.values[&key("c")]);
        assert_eq!(text.seal, side.seal);
    }
}

/// Three versions that share bytes: `None` for a key that is not there, and a number for each
/// sealing of it.
fn versions() -> impl Strategy<Value = [SealedSecret; 3]> {
    let keys = ["a", "b", "c"];
    let version = || prop::array::uniform3(prop::option::of(0..3_usize));
    let all = [("a", "1"), ("b", "2"), ("c", "3")];
    prop::array::uniform3(version()).prop_map(move |picked| {
        let sealings = [(); 3].map(|()| sealed(&["k"], &all));
        picked.map(|version| {
            let mut secret = sealed(&["k"], &[]);
            for (name, sealing) in keys.iter().zip(version) {
                if let Some(sealing) = sealing {
                    let jwe = sealings[sealing].values[&key(name)].clone();
                    secret.values.insert(key(name), jwe);
                }
            }
            secret
        })
    })
}

proptest! {
    #[test]
    fn a_merge_is_the_same_from_both_sides([base, ours, theirs] in versions()) {
        let bases = [Some(base.clone())];
        let (one, other) = (Merge::new(&bases, &ours, &theirs), Merge::new(&bases, &theirs, &ours));
        prop_assert_eq!(disputed(&one), disputed(&other));
        for name in ["a", "b", "c"].map(key) {
            let value = |secret: &SealedSecret| secret.values.get(&name).map(Jwe::digest);
            let (o, a, b) = (value(&base), value(&ours), value(&theirs));
            let part = MergePart::Value(name.clone());
            let is_disputed = one.disputed().any(|found| *found == part);
            prop_assert_eq!(is_disputed, a != b && a != o && b != o);
            let (x, y) = (value(&one.apply_to(&ours)), value(&other.apply_to(&ours)));
            prop_assert_eq!(x, y);
            let expected = if a == b || b == o { a } else if a == o { b } else { a };
            prop_assert_eq!(x, expected);
        }
    }
}
