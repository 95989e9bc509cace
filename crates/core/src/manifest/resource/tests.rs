use super::*;
use crate::manifest::replace::tests::sealed;
use crate::manifest::{
    Document, Format, LAST_APPLIED_ANNOTATION, Object, parse, put, resource_object, sealed_object,
    write,
};
use crate::secret::Namespace;

fn default() -> Namespace {
    "default".parse().expect("valid")
}

fn read(text: &str) -> Object {
    let document = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}")).pop();
    let Some(Document::Secret(object)) = document else { panic!("a Secret") };
    *object
}

fn secret() -> SealedSecret {
    let mut secret = sealed("db");
    secret.meta.kind = SecretType::BasicAuth;
    secret.meta.immutable = true;
    secret.meta.labels = [("app".to_owned(), "yes".to_owned())].into();
    secret.meta.annotations = [("note".to_owned(), "it's\n\u{85}".to_owned())].into();
    secret
}

#[test]
fn a_sealed_secret_is_the_same_in_both_forms() {
    let secret = secret();
    for format in [Format::Yaml, Format::Json] {
        let mut object = resource_object(&secret);
        let spec = object.spec.as_mut().expect("a resource");
        (spec.deletion_policy, spec.suspend) = (DeletionPolicy::Retain, true);
        object.status = Some(serde_json::json!({ "digest": "x", "conditions": [] }));
        let text = write(&[object], format);
        let object = read(&text);
        assert!(object.is_sealed() && object.is_resource());
        assert_eq!(object.title(), "prod/db");
        assert_eq!(object.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(object.seal().map(str::to_owned), secret.seal.as_ref().map(json_text));
        let read = object.sealed(&default(), SealCheck::Required).expect("sealed");
        assert_eq!(read, secret);
        assert_eq!(read.fingerprint(), secret.fingerprint());
        let plain = object.plain(&default()).err().expect("sealed").to_string();
        assert_eq!(plain, "the Secret `prod/db` is already sealed");
        // Without an unknown field or another order, the same text is written again.
        assert_eq!(*write(&[object], format), *text);
    }
}

#[test]
fn what_is_applied_has_no_status() {
    let mut object = resource_object(&secret());
    object.status = Some(serde_json::json!({ "digest": "x" }));
    object.metadata.other.insert("resourceVersion".into(), "1".into());
    object.metadata.labels = Some([("own".to_owned(), "x".to_owned())].into());
    let place = object.place(&default()).expect("valid");
    let text = write(&[object.for_apply(&place)], Format::Yaml);
    assert!(!text.contains("status") && !text.contains("resourceVersion"), "{}", *text);
    assert!(
        text.contains("metadata:\n  name: db\n  namespace: prod\n  labels:\n    own: x\nspec:")
    );
}

#[test]
fn a_value_that_is_not_sealed_is_refused() {
    let secret = secret();
    let text = write(&[resource_object(&secret)], Format::Yaml);
    let value = json_text(&secret.values[&"a".parse().expect("a key")]);
    let seal = json_text(secret.seal.as_ref().expect("a seal"));
    for (bad, expected) in [
        (text.replace(&value, "hunter2"), "a"),
        (text.replace(&value, &seal), "a"),
        (text.replace(&value, "eyJwcm90ZWN0ZWQiOiJ4In0="), "a"),
        (text.replace(&seal, "hunter2"), "the seal"),
    ] {
        let error = read(&bad).sealed(&default(), SealCheck::Required).expect_err("refused");
        let error = error.to_string();
        assert!(error.contains(expected) && !error.contains("hunter2"), "{error}");
        assert!(error.contains("prod/db"), "{error}");
    }
    let no_seal = read(&text.replace(&seal, "hunter2"));
    let skipped = no_seal.sealed(&default(), SealCheck::Skipped).expect("not read");
    assert!(skipped.seal.is_none() && skipped.values == secret.values);
    for (from, to) in [("    a: '", "    a/b: '"), ("type: kubernetes.io/", "type: 'a b'#")] {
        assert!(read(&text.replace(from, to)).sealed(&default(), SealCheck::Required).is_err());
    }
}

#[test]
fn the_copy_of_client_side_apply_may_hold_sealed_values_alone() {
    let secret = secret();
    let with = |copy: &str| {
        let mut object = resource_object(&secret);
        let copy = (LAST_APPLIED_ANNOTATION.to_owned(), copy.to_owned());
        object.metadata.annotations = Some([copy].into());
        object
    };
    let copy = serde_json::to_string(&resource_object(&secret)).expect("JSON");
    let object = with(&copy);
    let read = object.sealed(&default(), SealCheck::Required).expect("sealed");
    assert_eq!(read, secret);
    let place = secret.meta.place.clone();
    assert!(object.for_apply(&place).metadata.annotations.is_some_and(|map| map.is_empty()));
    let value = json_text(&secret.values[&"a".parse().expect("a key")]);
    let plain = copy.replace(&serde_json::to_string(&value).expect("text"), "\"hunter2\"");
    assert_ne!(plain, copy);
    for bad in [plain.as_str(), "hunter2", &copy.replace("\"sealed\"", "\"x\"")] {
        let error = with(bad).sealed(&default(), SealCheck::Required).expect_err("refused");
        assert!(matches!(error, ManifestError::LastApplied(_)), "{error}");
    }
}

#[test]
fn only_the_sealed_parts_are_put() {
    let (old, mut new) = (secret(), secret());
    new.meta.kind = SecretType::Opaque;
    new.meta.labels.clear();
    let mut object = resource_object(&old);
    object.spec.as_mut().expect("a resource").suspend = true;
    put(&mut object, &new);
    let read = object.sealed(&default(), SealCheck::Required).expect("sealed");
    assert_eq!(
        (&read.values, &read.seal, &read.meta.kind),
        (&new.values, &new.seal, &new.meta.kind)
    );
    assert_eq!(read.meta.labels, old.meta.labels);
    let spec = object.spec.as_ref().expect("a resource");
    assert!(spec.suspend && spec.sealed.r#type.is_none());
    // A type that is written in full stays.
    let mut object = resource_object(&new);
    object.spec.as_mut().expect("a resource").sealed.r#type = Some("Opaque".to_owned());
    put(&mut object, &new);
    assert_eq!(object.spec.expect("a resource").sealed.r#type.as_deref(), Some("Opaque"));
    let mut plain = sealed_object(&old);
    put(&mut plain, &new);
    assert!(!plain.is_resource());
}
