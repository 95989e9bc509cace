use super::*;
use proptest::prelude::*;

use crate::envelope::{Scope, SealCheck, Sealer};
use crate::kek::{DataKey, KekUri, WrappedKey};
use crate::manifest::layout::file;
use crate::manifest::sealed_object;
use crate::secret::{Meta, Namespace, Place, PlainSecret, SecretType, SecretValue};

pub(in crate::manifest) fn recipient() -> Vec<WrappedKey> {
    let kek = KekUri::age("age1its").expect("a recipient");
    vec![WrappedKey { kek, bytes: b"wrapped".to_vec() }]
}

/// The same Secret, sealed anew with every call.
pub(in crate::manifest) fn sealed(name: &str) -> SealedSecret {
    let place =
        Place { namespace: "prod".parse().expect("valid"), name: name.parse().expect("valid") };
    let recipients = recipient();
    let sealer = Sealer::from_parts(place.clone(), Scope::Strict, DataKey::generate(), recipients);
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let value =
        |key: &str| (key.parse().expect("a key"), SecretValue::new(key.as_bytes().to_vec()));
    let plain = PlainSecret { meta, values: ["a", "b"].map(value).into() };
    sealer.seal(plain, 1).expect("it fits")
}

fn parts(secret: &SealedSecret) -> [String; 3] {
    let [a, b] = [0, 1].map(|i| encode(secret.values.values().nth(i).expect("two")));
    [a, b, json_text(secret.seal.as_ref().expect("sealed"))]
}

fn json(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// A file that nobody formatted, around the parts of a Secret.
fn written([a, b, seal]: &[String; 3]) -> String {
    format!(
        "\u{feff}# über alles\n---\nkind:   Deployment # kept\napiVersion: apps/v1\nspec: {{x: [1,   2]}}\n---\r\n\
         apiVersion: v1\r\nkind: \"Secret\"\r\nmetadata:\r\n  name: one # named\r\n  namespace: prod\r\n  annotations:\r\n\
         \x20   envcrypt.dev/seal: '{}'\r\n    other: yes please\r\ntype: envcrypt.dev/sealed\r\ndata:\r\n\
         \x20 b: {}   # second first\r\n\r\n  \"a\": >-\r\n    {a}\r\n# the end\r\n",
        seal.replace('\'', "''"),
        json(b),
    )
}

#[test]
fn only_values_and_seal_change_and_keep_their_quotes() {
    let (old, new) = (parts(&sealed("one")), sealed("one"));
    let text = written(&old);
    let changed = replace(&text, &[(0, new.clone())].into()).expect("in place");
    let expected = written(&parts(&new));
    assert_eq!(changed, expected);
}

#[test]
fn json_stays_json_and_lists_are_counted_as_they_are_read() {
    let (old, new) = (sealed("two"), sealed("two"));
    for format in [super::super::Format::Json, super::super::Format::Yaml] {
        let objects = [sealed_object(&sealed("one")), sealed_object(&old)];
        let text = super::super::write(&objects, format);
        let changed = replace(&text, &[(1, new.clone())].into()).expect("in place");
        let mut secrets = parse(changed.as_bytes()).expect("readable").into_iter();
        let Some(Document::Secret(object)) = secrets.nth(1) else { panic!("two Secrets") };
        let default: Namespace = "default".parse().expect("valid");
        let read = object.sealed(&default, SealCheck::Required).expect("sealed");
        assert!(read == new);
        let expected = super::super::write(&[sealed_object(&sealed("x"))], format);
        assert_eq!(changed.starts_with('{'), expected.starts_with('{'));
    }
}

/// Seals the first Secret of a text in place; sealed parts are shown by name.
fn sealed_in(text: &str) -> String {
    let default: Namespace = "prod".parse().expect("valid");
    let mut documents = parse(text.as_bytes()).expect("readable").into_iter();
    let Some(Document::Secret(object)) = documents.next() else { panic!("a Secret") };
    let plain = object.plain(&default).expect("plain");
    let recipients = recipient();
    let place = plain.meta.place.clone();
    let sealer = Sealer::from_parts(place, Scope::Strict, DataKey::generate(), recipients);
    let secret = sealer.seal(plain, 1).expect("it fits");
    let mut new = replace(text, &[(0, secret.clone())].into()).expect(text);
    for (key, jwe) in &secret.values {
        new = new.replace(&encode(jwe), &format!("<{key}>"));
    }
    let seal = json_text(secret.seal.as_ref().expect("sealed"));
    new.replace(&json(&seal), "<\"seal\">").replace(&seal, "<seal>")
}

#[test]
fn a_plain_secret_is_sealed_where_it_stands() {
    let head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n  namespace: prod\n";
    let sealed_head = format!(
        "{head}  annotations:\n    envcrypt.dev/seal: '<seal>'\ntype: envcrypt.dev/sealed\n"
    );
    for (rest, expected) in [
        ("data:\n  a: eA== # one\n\n  b: eQ==", "data:\n  a: <a> # one\n\n  b: <b>"),
        // Text that was in lines, and takes the place of `data`.
        (
            "stringData:\n  a: |\n    x # no comment\n    y\n  # two\n  b: >-\n    z\n",
            "data:\n  a: <a>\n  # two\n  b: >-\n    <b>\n",
        ),
        // Both: the text moves.
        (
            "data:\n  a: eA==\nstringData:\n  b: y # gone\n# the end\n",
            "data:\n  a: <a>\n  b: <b>\n# the end\n",
        ),
        ("data: {}\nstringData: {b: y}\n", "data: {b: <b>}\n"),
        ("data:\nstringData:\n  b: !!str 1\n", "data:\n  b: <b>\n"),
        ("immutable: false # yet\n", "immutable: false # yet\ntype: envcrypt.dev/sealed\n"),
    ] {
        let expected = match rest.starts_with("imm") {
            true => sealed_head.replace("type: envcrypt.dev/sealed\n", "") + expected,
            false => format!("{sealed_head}{expected}"),
        };
        assert_eq!(sealed_in(&format!("{head}{rest}")), expected, "{rest}");
    }
}

#[test]
fn every_way_of_writing_a_secret_can_be_sealed() {
    for (text, expected) in [
        (
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a"},"type":"kubernetes.io/basic-auth","stringData":{"password":"x\"y"}}"#,
            r#"{"apiVersion":"v1","kind":"Secret","metadata":{"name":"a", "namespace": "prod", "annotations": {"envcrypt.dev/type": "kubernetes.io/basic-auth", "envcrypt.dev/seal": <"seal">}},"type":"envcrypt.dev/sealed","data":{"password":"<password>"}}"#,
        ),
        (
            " {\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"prod\",\"annotations\":{}},\"type\":null,\"data\":{\"a\":null},\"stringData\":{\"b\":\"x\"}}",
            " {\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"namespace\":\"prod\",\"annotations\":{\"envcrypt.dev/seal\": <\"seal\">}},\"type\":\"envcrypt.dev/sealed\",\"data\":{\"a\":\"<a>\", \"b\": \"<b>\"}}",
        ),
        (
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Secret\",\n  \"metadata\": {\n    \"name\": \"a\",\n    \"annotations\": {\n      \"kubectl.kubernetes.io/last-applied-configuration\": \"x\"\n    }\n  },\n  \"data\": {\n    \"k\": \"eA==\"\n  }\n}\n",
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Secret\",\n  \"metadata\": {\n    \"name\": \"a\",\n    \"namespace\": \"prod\",\n    \"annotations\": {\n      \"envcrypt.dev/seal\": <\"seal\">\n    }\n  },\n  \"type\": \"envcrypt.dev/sealed\",\n  \"data\": {\n    \"k\": \"<k>\"\n  }\n}\n",
        ),
        (
            "apiVersion: v1\r\nkind: List\r\nitems:\r\n- stringData:\r\n    k: x\r\n  kind: Secret\r\n  apiVersion: v1\r\n  metadata:\r\n    name: a # it\r\n    annotations: # all\r\n      kubectl.kubernetes.io/last-applied-configuration: |\r\n        {}\r\n\r\n      note: yes\r\n- {apiVersion: v1, kind: Secret, metadata: {name: b}, data: {k: eA==}}\r\n",
            "apiVersion: v1\r\nkind: List\r\nitems:\r\n- type: envcrypt.dev/sealed\r\n  data:\r\n    k: <k>\r\n  kind: Secret\r\n  apiVersion: v1\r\n  metadata:\r\n    name: a # it\r\n    namespace: prod\r\n    annotations: # all\r\n\r\n      note: yes\r\n      envcrypt.dev/seal: '<seal>'\r\n- {apiVersion: v1, kind: Secret, metadata: {name: b}, data: {k: eA==}}\r\n",
        ),
    ] {
        assert_eq!(sealed_in(text), expected, "{text}");
    }
}

#[test]
fn keys_come_and_go() {
    let (old, new) = (sealed("one"), sealed("one"));
    let text = written(&parts(&old));
    let mut less = new.clone();
    less.values.retain(|key, _| key.as_str() == "b");
    let changed = replace(&text, &[(0, less.clone())].into()).expect("in place");
    assert!(!changed.contains("\"a\":") && changed.contains("   # second first\r\n\r\n# the end"));
    let more = replace(&changed, &[(0, new.clone())].into()).expect("in place");
    assert!(more.contains("# the end") && more.contains("\r\n  a: ey"), "{more}");
    less.values.clear();
    let none = replace(&text, &[(0, less)].into()).expect("in place");
    assert!(none.ends_with("data: {}\r\n# the end\r\n"), "{none}");
    replace(&none, &[(0, new)].into()).expect("in place");
}

/// A plain Secret as any tool or hand may have written it: fields in some order,
/// in lines or in braces, with comments, quotes and either line break.
fn layouts() -> impl Strategy<Value = String> {
    let values = prop_oneof![
        Just("data:\n  a: eA==\n  \"b\": 'eQ=='   # two\n".to_owned()),
        Just("stringData:\n  a: |\n    x\n\n    # y\n\n  # between\n  b: \"z\\\"\"\n".to_owned()),
        Just(
            "data: {a: eA==, 'b': \"eQ==\"} # flow\nstringData:\n    c: >-\n      x\n      y\n"
                .to_owned()
        ),
        Just("stringData: { a: x }\n\ndata:\n".to_owned()),
        Just("data:\n  # first\n  a: !!str eA==\n".to_owned()),
        Just("data: ~\nstringData: {}\n".to_owned()),
        Just(String::new()),
    ];
    let metadata = prop_oneof![
        Just("metadata:\n  name: a\n".to_owned()),
        Just("metadata: {name: a, labels: {x: y}}\n".to_owned()),
        Just("metadata:\n    # named\n    name: 'a' # so\n    annotations:\n      note: ü # two\n    labels: {}\n".to_owned()),
        Just("metadata:\n  annotations: {}\n  name: a\n  namespace: prod\n".to_owned()),
    ];
    let kind = prop_oneof![
        Just(String::new()),
        Just("type: Opaque\n".to_owned()),
        Just("type: \"Opaque\" # plain\n\n".to_owned()),
        Just("immutable: false\n".to_owned()),
    ];
    let head = Just("apiVersion: v1\nkind: Secret\n".to_owned());
    let fields = (values, metadata, kind, head).prop_map(|(a, b, c, d)| vec![a, b, c, d]);
    let fields = fields.prop_flat_map(|fields| Just(fields).prop_shuffle());
    (fields, any::<[bool; 3]>()).prop_map(|(fields, shape)| file(&fields, shape))
}

proptest! {
    #[test]
    fn whatever_the_layout_a_secret_is_sealed_and_changed_alone(text in layouts()) {
        let text = if text.contains("- #") { text.replace("- #", "-\n  #") } else { text };
        let default: Namespace = "prod".parse().expect("valid");
        let objects = parse(text.as_bytes()).expect("readable").into_iter();
        let mut secrets = objects.filter_map(|document| match document {
            Document::Secret(object) => Some(object),
            Document::Other(_) => None,
        });
        let plain = secrets.next().expect("one").plain(&default).expect("plain");
        let recipients = vec![WrappedKey { kek: KekUri::age("age1its").expect("one"), bytes: vec![1] }];
        let place = plain.meta.place.clone();
        let sealer = Sealer::from_parts(place, Scope::Strict, DataKey::generate(), recipients);
        let value = |key: &str| (key.parse().expect("a key"), SecretValue::new(vec![1]));
        let sealed = Sealer::from_parts(plain.meta.place.clone(), Scope::Strict, DataKey::generate(), vec![]);
        let first = sealed.seal(plain, 1).expect("it fits");
        let first = sealer.change(first, BTreeMap::new(), &[], 1).expect("it fits");
        // Each result is read again and compared there.
        let text = replace(&text, &[(0, first.clone())].into());
        prop_assert!(text.is_ok(), "sealed");
        let more = sealer.change(first, sealer.seal_values(&["b", "z"].map(value).into(), 1), &[], 1).expect("it fits");
        let text = replace(&text.expect("checked"), &[(0, more.clone())].into());
        prop_assert!(text.is_ok(), "set");
        let gone: Vec<_> = more.values.keys().cloned().collect();
        let none = sealer.change(more, BTreeMap::new(), &gone, 1).expect("it fits");
        prop_assert!(replace(&text.expect("checked"), &[(0, none)].into()).is_ok(), "unset");
    }
}

#[test]
fn what_cannot_be_replaced_alone_is_an_error() {
    let (old, new) = (sealed("one"), sealed("one"));
    let [a, b, seal] = parts(&old);
    let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: prod, annotations: {envcrypt.dev/seal: ";
    let aliased = format!(
        "{head}{}, copy: *x}}}}\ntype: envcrypt.dev/sealed\ndata: {{a: {a}, b: {b}}}\n",
        json(&seal)
    )
    .replace("name: one", "name: &x one")
    .replace("envcrypt.dev/seal: ", "envcrypt.dev/seal: &x ");
    let plain = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: prod, annotations: {x: y}}\n";
    let hidden = [
        "<<: {data: {a: aHVudGVyMg==}}\n",
        "<<: [{stringData: {a: hunter2}}]\n",
        "! <<: {data: {a: aHVudGVyMg==}}\n",
        "x: &p hunter2\nstringData: {a: *p}\n",
        "stringData: &all {a: hunter2}\n",
        "stringData: {a: &p hunter2}\n",
    ];
    let hidden = hidden.map(|rest| format!("{plain}{rest}"));
    let others = [aliased, String::new(), "a: [".to_owned()];
    for text in others.into_iter().chain(hidden) {
        let error = replace(&text, &[(0, new.clone())].into()).err();
        assert!(matches!(error, Some(ManifestError::InPlace)), "{text}");
    }
}

#[test]
fn type_and_immutable_follow_the_sealed_secret() {
    let mut secret = sealed("one");
    secret.meta.kind = "kubernetes.io/basic-auth".parse().expect("a type");
    secret.meta.immutable = true;
    let plain =
        crate::manifest::write(&[sealed_object(&sealed("one"))], crate::manifest::Format::Yaml);
    let text = replace(&plain, &[(0, secret.clone())].into()).expect("in place");
    assert!(text.contains("    envcrypt.dev/type: kubernetes.io/basic-auth\n"), "{text}");
    assert!(text.contains("\nimmutable: true\n"), "{text}");
    let back = sealed("one");
    let text = replace(&text, &[(0, back.clone())].into()).expect("in place");
    assert!(!text.contains("envcrypt.dev/type") && !text.contains("immutable"), "{text}");
    // A type that is the same already stays as it is written.
    let written =
        text.replace("  annotations:\n", "  annotations:\n    envcrypt.dev/type: Opaque\n");
    let same = replace(&written, &[(0, sealed("one"))].into()).expect("in place");
    assert!(same.contains("    envcrypt.dev/type: Opaque\n"), "{same}");
}
