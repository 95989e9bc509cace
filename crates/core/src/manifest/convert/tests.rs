use proptest::prelude::*;

use super::*;
use crate::envelope::SealedSecret;
use crate::manifest::layout::file;
use crate::manifest::replace::tests::sealed;
use crate::manifest::{Document, Format, parse, sealed_object, write};
use crate::secret::SecretType;

fn default() -> Namespace {
    "prod".parse().expect("valid")
}

fn objects(text: &str) -> Vec<Object> {
    let documents = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let secret = |document| match document {
        Document::Secret(object) => Some(*object),
        Document::Other(_) => None,
    };
    documents.into_iter().filter_map(secret).collect()
}

/// Converts every Secret of a text.
fn all(text: &str) -> Converted {
    let converted = |object: &Object| object.converted(&default(), false).expect("converted");
    let new = objects(text).iter().map(converted).enumerate().collect();
    convert(text, &new).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn secret() -> SealedSecret {
    let mut secret = sealed("db");
    secret.meta.kind = SecretType::BasicAuth;
    secret.meta.immutable = true;
    secret.meta.labels = [("app".to_owned(), "yes".to_owned())].into();
    secret.meta.annotations = [("note".to_owned(), "it's".to_owned())].into();
    secret
}

/// Shows the sealed parts of a text by their names.
fn shown(text: &str, secret: &SealedSecret) -> String {
    let mut text = text.to_owned();
    let seal = secret.seal.as_ref().expect("a seal");
    let parts = secret.values.iter().map(|(key, jwe)| (key.as_str(), jwe)).chain([("seal", seal)]);
    for (name, jwe) in parts {
        let json = String::from_utf8(jwe.to_json()).expect("UTF-8");
        let quoted = serde_json::to_string(&json).expect("text");
        text = text.replace(&BASE64_STANDARD.encode(&json), &format!("<{name}>"));
        text = text.replace(&quoted, &format!("\"<{name}>\"")).replace(&json, &format!("<{name}>"));
    }
    text
}

#[test]
fn both_forms_hold_the_same_and_nothing_is_lost_on_the_way_back() {
    let secret = secret();
    let object = sealed_object(&secret);
    let mut own = sealed_object(&secret);
    let annotations = own.metadata.annotations.get_or_insert_default();
    annotations.insert("envcrypt.dev/resync".into(), "1".into());
    annotations
        .insert(LAST_APPLIED_ANNOTATION.into(), serde_json::to_string(&object).expect("JSON"));
    own.metadata.other.insert("uid".into(), "1".into());
    own.metadata.other.insert("finalizers".into(), serde_json::json!(["x"]));
    for object in [object, own] {
        let resource = object.converted(&default(), false).expect("converted");
        assert_eq!((object.form(), resource.form()), (Form::Secret, Form::Resource));
        let read = resource.sealed(&default(), SealCheck::Required).expect("sealed");
        assert_eq!(read, secret);
        assert!(!resource.metadata.other.contains_key("uid"));
        let back = resource.converted(&default(), false).expect("converted");
        let mut expected = object;
        expected.metadata.other.remove("uid");
        expected.metadata.annotations.as_mut().expect("a seal").remove(LAST_APPLIED_ANNOTATION);
        assert!(back == expected, "{}", *write(&[back], Format::Yaml));
    }
}

#[test]
fn a_resource_is_converted_only_as_a_whole() {
    let secret = secret();
    let mut object = sealed_object(&secret).converted(&default(), false).expect("converted");
    object.status = Some(serde_json::json!({ "digest": "x" }));
    let spec = object.spec.as_mut().expect("a resource");
    (spec.deletion_policy, spec.suspend) = (DeletionPolicy::Retain, true);
    spec.template.annotations.insert("envcrypt.dev/digest".into(), "x".into());
    object.metadata.labels =
        Some([("app", "no"), ("own", "x")].map(|(k, v)| (k.into(), v.into())).into());
    object.metadata.annotations =
        Some([("note".into(), "it's".into()), ("wave".into(), "1".into())].into());
    let error = object.converted(&default(), false).err().expect("refused").to_string();
    assert_eq!(
        error,
        "the EnvcryptSecret `prod/db` has parts that a Secret cannot hold: `spec.deletionPolicy: Retain`, `spec.suspend: true`, `metadata.labels` app, `metadata.labels` own, `metadata.annotations` wave, `spec.template.annotations` envcrypt.dev/digest"
    );
    let forced = object.converted(&default(), true).expect("forced");
    assert!(forced == sealed_object(&secret));
}

#[test]
fn only_a_sealed_secret_with_a_seal_is_converted() {
    let mut unsealed = secret();
    unsealed.seal = None;
    let text = write(&[sealed_object(&unsealed)], Format::Yaml);
    let error = objects(&text)[0].converted(&default(), true).err();
    // Without a seal, the Secret is read, but a resource needs one.
    assert!(matches!(error, Some(ManifestError::Unsealed(_))));
    let plain = "{apiVersion: v1, kind: Secret, metadata: {name: a}, data: {a: eA==}}";
    let error = objects(plain)[0].converted(&default(), true).err();
    assert!(matches!(error, Some(ManifestError::Plain(_))));
}

#[test]
fn comments_go_where_their_lines_go() {
    let secret = secret();
    let value =
        |key: &str| BASE64_STANDARD.encode(secret.values[&key.parse().expect("a key")].to_json());
    let seal = serde_json::to_string(
        &String::from_utf8(secret.seal.as_ref().expect("a seal").to_json()).expect("UTF-8"),
    );
    let text = format!(
        "# above\napiVersion: v1 # ours\nkind: Secret\nmetadata:\n  # who\n  name: db # named\n  labels: # two\n    # why\n    app: \"yes\" # it\n  annotations:\n    envcrypt.dev/seal: {}\n    # the note\n    note: it's # so\n    envcrypt.dev/type: kubernetes.io/basic-auth\n  creationTimestamp: null\ntype: envcrypt.dev/sealed\ndata: # all\n  # second first\n  b: {} # old\n\n  a: '{}'\nimmutable: true # for ever\n# the end\n",
        seal.expect("text"),
        value("b"),
        value("a"),
    );
    let resource = all(&text);
    assert_eq!(resource.rewritten, [0; 0]);
    let expected = "# above\napiVersion: envcrypt.dev/v1alpha1 # ours\nkind: EnvcryptSecret\nmetadata:\n  # who\n  name: db # named\nspec:\n  sealed:\n    type: kubernetes.io/basic-auth\n    immutable: true\n    values: # all\n      # second first\n      b: '<b>' # old\n\n      a: '<a>'\n    seal: '<seal>'\n  template:\n    labels: # two\n      # why\n      app: \"yes\" # it\n    annotations:\n      # the note\n      note: it's # so\n# the end\n";
    assert_eq!(shown(&resource.text, &secret), expected);
    let back = all(&resource.text);
    assert_eq!(back.rewritten, [0; 0]);
    let expected = "# above\napiVersion: v1 # ours\nkind: Secret\nmetadata:\n  # who\n  name: db # named\n  labels: # two\n    # why\n    app: \"yes\" # it\n  annotations:\n    # the note\n    note: it's # so\n    envcrypt.dev/seal: '<seal>'\n    envcrypt.dev/type: kubernetes.io/basic-auth\ntype: envcrypt.dev/sealed\nimmutable: true\ndata: # all\n  # second first\n  b: '<b>' # old\n\n  a: '<a>'\n# the end\n";
    assert_eq!(shown(&back.text, &secret), expected);
}

#[test]
fn every_other_document_and_item_stays() {
    let secret = secret();
    let yaml = write(&[sealed_object(&secret)], Format::Yaml);
    let item = yaml.lines().map(|line| format!("  {line}\n")).collect::<String>();
    let list = format!(
        "kind: List\napiVersion: v1\nitems:\n- {{kind: Pod,  apiVersion: v1}} # p\n-{}# end\n",
        &item[1..]
    );
    for text in [
        format!(
            "# a\nkind:   Pod\napiVersion: v1\n---\n{}---\na: 1 # b\nkind: X\napiVersion: x/v1\n",
            *yaml
        ),
        list,
    ] {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let converted = all(&text);
            assert_eq!(converted.rewritten, [0; 0]);
            let back = all(&converted.text).text;
            for line in ["kind:   Pod", "a: 1 # b", "- {kind: Pod,  apiVersion: v1} # p", "# end"] {
                assert_eq!(converted.text.contains(line), text.contains(line));
                assert_eq!(back.contains(line), text.contains(line));
            }
            assert_eq!(converted.text.contains("\r\n"), text.contains("\r\n"));
            assert!(objects(&back)[0] == objects(&text)[0]);
        }
    }
    let json = write(&[sealed_object(&secret), sealed_object(&secret)], Format::Json);
    let converted = all(&json).text;
    assert!(serde_json::from_str::<serde_json::Value>(&converted).is_ok(), "{converted}");
    assert!(objects(&converted).iter().all(|object| object.form() == Form::Resource));
}

#[test]
fn what_cannot_be_changed_in_place_is_written_anew_and_alone() {
    let secret = secret();
    let yaml = write(&[sealed_object(&secret)], Format::Yaml);
    let head = "# kept\nkind: Pod\napiVersion: v1 # kept\n---\n# kept\n";
    let tagged = yaml.replace("metadata:\n", "metadata: !!map # lost\n");
    let converted = all(&format!("{head}{tagged}# kept\n"));
    assert_eq!(converted.rewritten, [0]);
    assert_eq!(converted.text.matches("# kept").count(), 4);
    assert!(!converted.text.contains("# lost"));
    assert!(
        objects(&converted.text)[0] == objects(&yaml)[0].converted(&default(), false).expect("one")
    );
    // What other objects share is not rewritten.
    let shared = format!("{}x: *m\n", yaml.replace("metadata:\n", "metadata: &m\n"));
    assert!(parse(shared.as_bytes()).is_err(), "a Secret has no field `x`");
}

/// A sealed Secret as any tool or hand may have written it.
fn layouts() -> impl Strategy<Value = (String, SealedSecret)> {
    let secret = sealed("db");
    let value =
        |key: &str| BASE64_STANDARD.encode(secret.values[&key.parse().expect("a key")].to_json());
    let (a, b) = (value("a"), value("b"));
    let seal = String::from_utf8(secret.seal.as_ref().expect("a seal").to_json()).expect("UTF-8");
    let data = prop_oneof![
        Just(format!("data:\n  a: {a}\n  \"b\": '{b}'   # two\n")),
        Just(format!("data: # all\n    # one\n    b: >-\n      {b}\n\n    a: |-\n      {a}\n")),
        Just(format!("data: {{a: {a}, 'b': \"{b}\"}} # flow\n")),
        Just(format!("data: {{\n  a: {a},\n  'b': \"{b}\" }}\n\n")),
    ];
    let metadata = prop_oneof![
        Just(format!("metadata:\n  name: db\n  annotations:\n    envcrypt.dev/seal: '{seal}'\n")),
        Just(format!(
            "metadata: {{name: db, labels: {{x: y}}, annotations: {{envcrypt.dev/seal: '{seal}', n: ü}}}}\n"
        )),
        Just(format!(
            "metadata:\n    # named\n    name: 'db' # so\n    labels:\n      # why\n      x: |\n        y\n      z: \"1\"\n    annotations: # all\n      n: ü # two\n      envcrypt.dev/seal: >-\n        {seal}\n"
        )),
        Just(format!(
            "metadata:\n  labels: {{}}\n  annotations: {{envcrypt.dev/x: y, envcrypt.dev/seal: '{seal}'}}\n  name: db\n  namespace: prod\n  creationTimestamp: null\n"
        )),
    ];
    let rest = prop_oneof![Just(String::new()), Just("immutable: false # yet\n".to_owned())];
    let head = Just("apiVersion: \"v1\"\nkind: Secret # it\n".to_owned());
    let kind = Just("type: 'envcrypt.dev/sealed'\n".to_owned());
    let fields = (data, metadata, rest, head, kind).prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e]);
    let fields = fields.prop_flat_map(|fields| Just(fields).prop_shuffle());
    (fields, any::<[bool; 3]>())
        .prop_map(move |(fields, shape)| (file(&fields, shape), secret.clone()))
}

proptest! {
    #[test]
    fn whatever_the_layout_a_secret_is_converted_there_and_back((text, secret) in layouts()) {
        let old = objects(&text);
        let there = all(&text);
        prop_assert_eq!(&there.rewritten, &[0_usize; 0], "{}", &text);
        let resource = objects(&there.text);
        let read = resource[0].sealed(&default(), SealCheck::Required).expect("sealed");
        prop_assert_eq!((&read.values, &read.seal), (&secret.values, &secret.seal));
        let back = all(&there.text);
        prop_assert_eq!(&back.rewritten, &[0_usize; 0], "{}", &there.text);
        let (old, new) = (old[0].sealed(&default(), SealCheck::Required), objects(&back.text));
        let new = new[0].sealed(&default(), SealCheck::Required).expect("sealed");
        prop_assert_eq!(new, old.expect("sealed"));
        prop_assert_eq!(back.text.contains("# end"), text.contains("# end"));
    }
}
