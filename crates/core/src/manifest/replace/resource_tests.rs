use proptest::prelude::*;

use super::tests::{recipient, sealed};
use super::*;
use crate::envelope::{Scope, SealCheck, Sealer};
use crate::kek::DataKey;
use crate::manifest::layout::file;
use crate::manifest::{Format, resource_object, write};
use crate::secret::{Namespace, SecretValue};

fn default() -> Namespace {
    "prod".parse().expect("valid")
}

fn first(text: &str) -> Object {
    let secrets = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let secret = secrets.into_iter().find_map(|document| match document {
        Document::Secret(object) => Some(*object),
        Document::Other(_) => None,
    });
    secret.expect("a Secret")
}

/// A file that nobody formatted, around the parts of a resource.
fn written(secret: &SealedSecret) -> String {
    let [a, b] = [0, 1].map(|i| json_text(secret.values.values().nth(i).expect("two")));
    let seal = json_text(secret.seal.as_ref().expect("sealed"));
    let json = |text: &str| serde_json::to_string(text).expect("text");
    format!(
        "\u{feff}# über alles\r\n---\r\nkind: 'EnvcryptSecret' # it\r\nspec:\r\n    suspend: true # for now\r\n\
         \x20   sealed: # by hand\r\n      seal: {}\r\n      values:\r\n        # second first\r\n\
         \x20       b: '{b}'   # b\r\n\r\n        \"a\": >-\r\n          {a}\r\n    template: {{labels: {{x: \"y\"}}}} # not sealed\r\n\
         apiVersion: envcrypt.dev/v1alpha1\r\nmetadata:\r\n  name: one # named\r\n  labels: {{}}\r\n# the end\r\n",
        json(&seal),
    )
}

#[test]
fn only_values_and_seal_of_a_resource_change_and_keep_their_quotes() {
    let (old, new) = (sealed("one"), sealed("one"));
    let changed = replace(&written(&old), &[(0, new.clone())].into()).expect("in place");
    assert_eq!(changed, written(&new));
    let read = first(&changed).sealed(&default(), SealCheck::Required).expect("sealed");
    assert_eq!((read.values, read.seal), (new.values, new.seal));
    assert_eq!(read.meta.labels, [("x".to_owned(), "y".to_owned())].into());
}

#[test]
fn json_stays_json_and_both_kinds_are_counted_as_they_are_read() {
    let (old, new) = (sealed("two"), sealed("two"));
    for format in [Format::Json, Format::Yaml] {
        let plain = crate::manifest::sealed_object(&sealed("one"));
        let text = write(&[plain, resource_object(&old)], format);
        let changed = replace(&text, &[(1, new.clone())].into()).expect("in place");
        let secrets = parse(changed.as_bytes()).expect("readable").into_iter();
        let objects: Vec<_> = secrets
            .map(|document| match document {
                Document::Secret(object) => object,
                Document::Other(_) => panic!("two Secrets"),
            })
            .collect();
        assert_eq!(objects[1].sealed(&default(), SealCheck::Required).expect("sealed"), new);
        assert!(!objects[0].is_resource() && objects[1].is_resource());
    }
}

#[test]
fn the_copy_of_client_side_apply_is_taken_out_and_the_type_stays_as_it_is_written() {
    let (old, new) = (sealed("one"), sealed("one"));
    let copy = format!("  annotations: {{{LAST_APPLIED_ANNOTATION}: '{{}}', note: x}}\r\n");
    let text = written(&old).replace("  labels: {}\r\n", &copy).replace(
        "      seal:",
        "      type: Opaque # all\r\n      immutable: false\r\n      seal:",
    );
    let changed = replace(&text, &[(0, new)].into()).expect("in place");
    assert!(changed.contains("  annotations: {note: x}\r\n"), "{changed}");
    assert!(changed.contains("type: Opaque # all\r\n      immutable: false\r\n"), "{changed}");
}

#[test]
fn the_type_and_immutable_are_written_where_they_are_missing_and_go_where_they_are_not() {
    let (old, mut new) = (sealed("one"), sealed("one"));
    (new.meta.kind, new.meta.immutable) = (SecretType::Tls, true);
    let changed = replace(&written(&old), &[(0, new.clone())].into()).expect("in place");
    let lines = "      type: kubernetes.io/tls\r\n      immutable: true\r\n      values:\r\n";
    assert!(changed.contains(lines), "{changed}");
    (new.meta.kind, new.meta.immutable) = (SecretType::Opaque, false);
    assert_eq!(replace(&changed, &[(0, new.clone())].into()).expect("in place"), written(&new));
}

#[test]
fn a_resource_whose_parts_are_shared_is_not_changed() {
    let (old, new) = (sealed("one"), sealed("one"));
    let text = written(&old);
    for (from, to) in [
        ("sealed: # by hand", "sealed: &s # by hand"),
        ("values:\r\n", "values: &v\r\n"),
        ("template: {labels: {x: \"y\"}}", "template: {labels: {x: *b}}"),
        ("spec:\r\n", "spec: !!map\r\n"),
    ] {
        let text = text.replace(from, to).replace("b: '{", "b: &b '{");
        let error = replace(&text, &[(0, new.clone())].into()).err();
        assert!(matches!(error, Some(ManifestError::InPlace)), "{text}");
    }
}

/// A resource without values as any tool or hand may have written it.
fn layouts() -> impl Strategy<Value = String> {
    let sealed = prop_oneof![
        Just("  sealed: {}\n".to_owned()),
        Just("  sealed: {values: {}, type: Opaque} # flow\n".to_owned()),
        Just("  sealed:\n    # none yet\n    values: {}\n".to_owned()),
        Just("  \"sealed\":\n      immutable: false # yet\n      type: 'Opaque'\n\n".to_owned()),
        Just("  sealed: { immutable: false,\n    values: { } }\n".to_owned()),
    ];
    let rest = prop_oneof![
        Just(String::new()),
        Just("  template:\n    labels:\n      a: |\n        x\n      # between\n".to_owned()),
        Just("  suspend: true # yet\n\n  deletionPolicy: Retain\n".to_owned()),
    ];
    let spec = (sealed, rest).prop_map(|(a, b)| vec![a, b]);
    let spec = spec.prop_flat_map(|parts| Just(parts).prop_shuffle());
    let metadata = prop_oneof![
        Just("metadata:\n  name: a\n".to_owned()),
        Just("metadata: {name: a, annotations: {x: y}}\n".to_owned()),
        Just("metadata:\n    # named\n    name: 'a' # so\n    namespace: prod\n".to_owned()),
    ];
    let status = prop_oneof![
        Just(String::new()),
        Just("status:\n  digest: x # old\n  conditions:\n  - {type: Ready}\n".to_owned()),
    ];
    let head = Just("apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\n".to_owned());
    let spec = spec.prop_map(|parts| format!("spec:\n{}", parts.concat()));
    let fields = (spec, metadata, status, head).prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let fields = fields.prop_flat_map(|fields| Just(fields).prop_shuffle());
    (fields, any::<[bool; 3]>()).prop_map(|(fields, shape)| file(&fields, shape))
}

/// The lines without those that hold sealed values or the seal.
fn others(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.contains("protected"));
    lines.map(str::trim_end).filter(|line| !line.trim().is_empty()).collect()
}

proptest! {
    #[test]
    fn whatever_the_layout_only_values_and_seal_of_a_resource_change(text in layouts()) {
        let old = first(&text).sealed(&default(), SealCheck::Required).expect("sealed");
        let place = old.meta.place.clone();
        let sealer = Sealer::from_parts(place, Scope::Strict, DataKey::generate(), recipient());
        let value = |key: &str| (key.parse().expect("a key"), SecretValue::new(vec![1]));
        let sealed = |keys: &[&str]| {
            let values = keys.iter().map(|key| value(key)).collect();
            sealer.change(old.clone(), sealer.seal_values(&values, 1), &[], 1).expect("it fits")
        };
        // Each result is read again and compared there.
        let set = replace(&text, &[(0, sealed(&["a", "b"]))].into());
        prop_assert!(set.is_ok(), "set");
        let set = set.expect("checked");
        let again = replace(&set, &[(0, sealed(&["a", "b"]))].into()).expect("sealed again");
        prop_assert_eq!(others(&again), others(&set));
        let more = replace(&again, &[(0, sealed(&["b", "z"]))].into());
        prop_assert!(more.is_ok(), "more");
        let none = replace(&more.expect("checked"), &[(0, sealed(&[]))].into());
        prop_assert!(none.is_ok(), "unset");
    }
}
