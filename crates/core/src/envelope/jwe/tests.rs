use serde_json::{Value, json};

use super::*;
use crate::envelope::Scope;
use crate::secret::Place;

fn jwe(kind: Kind) -> Value {
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    let key = (kind == Kind::Value).then(|| "password".parse().expect("a key"));
    let recipient =
        WrappedKey { kek: "age:age1abc".parse().expect("a KEK"), bytes: b"wrapped".to_vec() };
    let parts = Parts {
        kind,
        binding: Binding::new(&place, key.as_ref(), Scope::Strict),
        sealed_at: 1_700_000_000,
        born: None,
        key: &DataKey::generate(),
        recipients: &[recipient],
        iv: [1; IV_SIZE],
    };
    serde_json::from_slice(&Jwe::seal(parts, b"hunter2").to_json()).expect("JSON")
}

fn parse(kind: Kind, jwe: &Value) -> Result<(), &'static str> {
    Jwe::parse(kind, jwe.to_string().as_bytes()).map(drop).map_err(|refused| refused.name())
}

/// Changes the binding in the header. The tag does not match any more: a reader finds that
/// only when it opens.
fn bound(kind: Kind, change: impl Fn(&mut serde_json::Map<String, Value>)) -> Value {
    let mut jwe = jwe(kind);
    let header = BASE64.decode(jwe["protected"].as_str().expect("text")).expect("base64");
    let mut header: Value = serde_json::from_slice(&header).expect("JSON");
    change(header["binding"].as_object_mut().expect("a map"));
    jwe["protected"] = BASE64.encode(header.to_string()).into();
    jwe
}

#[test]
fn a_binding_that_no_part_can_have_is_refused_before_anything_opens() {
    for kind in [Kind::Value, Kind::Seal] {
        assert_eq!(parse(kind, &jwe(kind)), Ok(()));
        let nowhere = bound(kind, |binding| drop(binding.remove("namespace")));
        assert_eq!(parse(kind, &nowhere), Err("binding"), "{kind:?}");
    }
    let without_key = bound(Kind::Value, |binding| drop(binding.remove("key")));
    assert_eq!(parse(Kind::Value, &without_key), Err("binding"));
    let seal = bound(Kind::Seal, |binding| drop(binding.insert("key".into(), "a".into())));
    assert_eq!(parse(Kind::Seal, &seal), Err("binding"));
}

#[test]
fn a_ciphertext_is_one_block_or_more() {
    for (size, expected) in [
        (0, Err("tag")),
        (1, Err("tag")),
        (63, Err("tag")),
        (64, Ok(())),
        (96, Err("tag")),
        (128, Ok(())),
    ] {
        let mut jwe = jwe(Kind::Value);
        jwe["ciphertext"] = BASE64.encode(vec![1; size]).into();
        assert_eq!(parse(Kind::Value, &jwe), expected, "{size}");
    }
}

#[test]
fn a_value_has_at_most_one_mebibyte_and_a_hundred_recipients() {
    let mut jwe = jwe(Kind::Value);
    for (count, expected) in [(100, Ok(())), (101, Err("too-many-recipients"))] {
        jwe["recipients"] = json!(vec![jwe["recipients"][0].clone(); count]);
        assert_eq!(parse(Kind::Value, &jwe), expected, "{count}");
    }
    jwe["recipients"] = json!([jwe["recipients"][0]]);
    for (size, expected) in [(MAX_SEALED_SIZE, Ok(())), (MAX_SEALED_SIZE + 1, Err("too-large"))] {
        // Blanks after it are still JSON.
        let mut text = jwe.to_string();
        text.push_str(&" ".repeat(size - text.len()));
        let parsed = Jwe::parse(Kind::Value, text.as_bytes());
        assert_eq!(parsed.map(drop).map_err(|refused| refused.name()), expected, "{size}");
    }
}
