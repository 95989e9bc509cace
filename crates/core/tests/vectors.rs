//! The test vectors of the sealed format.
//!
//! This program makes them. They are committed, and another implementation also opens them
//! (`tests/vectors/reader.py`).
//!
//! `UPDATE_VECTORS=1 cargo test -p envcrypt-core --test vectors` writes them again. If the bytes of
//! a released vector change, the format changes.

use std::path::PathBuf;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as URL};
use envcrypt_core::envelope::{Deks, OpenError, Scope, SealCheck, Sealer};
use envcrypt_core::kek::{DataKey, WrappedKey};
use envcrypt_core::manifest::{
    Document, ManifestError, Object, parse, resource_object, sealed_object,
};
use envcrypt_core::secret::{Key, Meta, Place, PlainSecret, SecretValue};
use serde_json::{Value, json};

const DEK: [u8; 32] = *b"an AES-256 key of 32 fixed bytes";
const SEAL: &str = "envcrypt.dev/seal";

fn dek() -> DataKey {
    DataKey::from_slice(&DEK).expect("32 bytes")
}

/// The inputs of a vector. They define its exact bytes.
fn inputs(scope: &str, kind: &str, immutable: bool, data: &[(&str, &[u8])]) -> Value {
    let data: serde_json::Map<_, _> =
        data.iter().map(|(k, v)| ((*k).to_owned(), BASE64_STANDARD.encode(v).into())).collect();
    json!({
        "namespace": "prod", "name": "db", "type": kind, "immutable": immutable, "data": data,
        "scope": scope, "iat": 1_700_000_000,
        "recipients": [
            { "kid": "age:age1q8ehjwmgq9gxr7eqcfxqmq2dh0qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "encrypted_key": URL.encode(b"wrapped by age") },
            { "kid": "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", "encrypted_key": URL.encode(b"wrapped by AWS") }
        ],
    })
}

/// Seals the inputs. IV number N is twelve bytes N: first in the order of the keys, then the seal.
fn seal(inputs: &Value) -> Value {
    let text = |name: &str| inputs[name].as_str().expect("text");
    let place = Place {
        namespace: text("namespace").parse().expect("valid"),
        name: text("name").parse().expect("valid"),
    };
    let recipients = inputs["recipients"].as_array().expect("some").iter().map(|r| WrappedKey {
        kek: r["kid"].as_str().expect("text").parse().expect("a KEK"),
        bytes: URL.decode(r["encrypted_key"].as_str().expect("text")).expect("base64"),
    });
    let scope: Scope = text("scope").parse().expect("a scope");
    let sealer = Sealer::from_parts(place.clone(), scope, dek(), recipients.collect());
    let meta = Meta {
        place,
        kind: text("type").parse().expect("a type"),
        immutable: inputs["immutable"].as_bool().expect("a truth value"),
        labels: Default::default(),
        annotations: Default::default(),
    };
    let data = inputs["data"].as_object().expect("a map").iter();
    let values = data.map(|(k, v)| {
        let bytes = BASE64_STANDARD.decode(v.as_str().expect("text")).expect("base64");
        (k.parse().expect("a key"), SecretValue::new(bytes))
    });
    let mut number = 0;
    let next_iv = || {
        number += 1;
        [number; 12]
    };
    let plain = PlainSecret { meta, values: values.collect() };
    let born = |key: &Key| inputs["born"][key.as_str()].as_u64();
    let iat = inputs["iat"].as_u64().expect("a number");
    let sealed = sealer.seal_with(plain, iat, born, next_iv).expect("it fits");
    let object = match inputs["kind"].as_str() {
        Some("EnvcryptSecret") => resource_object(&sealed),
        _ => sealed_object(&sealed),
    };
    serde_json::to_value(object).expect("JSON")
}

/// Every vector with its name.
fn vectors() -> Vec<(String, Value)> {
    let data: [(&str, &[u8]); 3] =
        [("empty", b""), ("password", b"correct horse"), ("binary", &[0, 255, 128, 10])];
    let mut vectors = Vec::new();
    let mut pass = |name: &str, inputs: Value| {
        let secret = seal(&inputs);
        vectors.push((
            format!("open-{name}"),
            json!({ "expect": "ok", "dek": URL.encode(DEK), "inputs": inputs, "secret": secret }),
        ));
    };
    pass("strict", inputs("strict", "kubernetes.io/basic-auth", false, &data));
    pass("namespace", inputs("namespace", "Opaque", true, &data[1..2]));
    pass("cluster", inputs("cluster", "Opaque", false, &data[1..2]));
    pass(
        "block-boundary",
        inputs("strict", "Opaque", false, &[("a", &[7; 63]), ("b", &[7; 64]), ("c", &[7; 65])]),
    );
    let mut rotated = inputs("strict", "Opaque", false, &data[..2]);
    rotated["born"] = json!({ "password": 1_600_000_000 });
    pass("born", rotated);
    pass("no-values", inputs("strict", "Opaque", false, &[]));
    pass("resource", resource("kubernetes.io/basic-auth", true, &data));
    vectors.extend(failing());
    vectors.extend(failing_resources());
    vectors
}

/// The inputs of a custom resource.
fn resource(kind: &str, immutable: bool, data: &[(&str, &[u8])]) -> Value {
    let mut inputs = inputs("strict", kind, immutable, data);
    inputs["kind"] = "EnvcryptSecret".into();
    inputs
}

fn failing_resources() -> Vec<(String, Value)> {
    let data: [(&str, &[u8]); 2] = [("password", b"correct horse"), ("user", b"me")];
    let mut vectors = Vec::new();
    let mut fail = |name: &str, expect: &str, change: fn(&mut Value)| {
        let mut secret = seal(&resource("Opaque", false, &data));
        change(&mut secret);
        let vector = json!({ "expect": expect, "dek": URL.encode(DEK), "secret": secret });
        vectors.push((format!("refuse-resource-{name}"), vector));
    };
    fail("other-name", "binding", |secret| secret["metadata"]["name"] = "web".into());
    fail("base64", "malformed", |secret| {
        let value = &mut secret["spec"]["sealed"]["values"]["password"];
        *value = BASE64_STANDARD.encode(value.as_str().expect("text")).into();
    });
    fail("type-changed", "seal-mismatch", |secret| {
        secret["spec"]["sealed"]["type"] = "example.com/x".into();
    });
    fail("made-immutable", "seal-mismatch", |secret| {
        secret["spec"]["sealed"]["immutable"] = true.into();
    });
    fail("value-dropped", "seal-mismatch", |secret| {
        let values = secret["spec"]["sealed"]["values"].as_object_mut().expect("a map");
        values.remove("user");
    });
    fail("seal-missing", "seal-missing", |secret| {
        secret["spec"]["sealed"].as_object_mut().expect("a map").remove("seal");
    });
    vectors
}

/// A sealed Secret with two values, to be damaged by a test.
struct Spoilt {
    secret: Value,
}

impl Spoilt {
    fn new() -> Self {
        let data: [(&str, &[u8]); 2] = [("password", b"correct horse"), ("user", b"me")];
        Self { secret: seal(&inputs("strict", "Opaque", false, &data)) }
    }

    fn text(&self) -> String {
        let bytes = BASE64_STANDARD.decode(self.secret["data"]["password"].as_str().expect("text"));
        String::from_utf8(bytes.expect("base64")).expect("UTF-8")
    }

    fn set_text(mut self, text: &str) -> Value {
        self.secret["data"]["password"] = BASE64_STANDARD.encode(text).into();
        self.secret
    }

    /// Changes the JSON of the value.
    fn jwe(self, change: impl FnOnce(&mut Value)) -> Value {
        let mut jwe: Value = serde_json::from_str(&self.text()).expect("JSON");
        change(&mut jwe);
        self.set_text(&in_order(&jwe))
    }

    /// Changes the header and encrypts again, as someone with the DEK can do.
    fn header(self, change: impl FnOnce(&mut Value)) -> Value {
        self.jwe(|jwe| {
            let header = URL.decode(jwe["protected"].as_str().expect("text")).expect("base64");
            let mut header: Value = serde_json::from_slice(&header).expect("JSON");
            change(&mut header);
            let mut padded = b"correct horse\x80".to_vec();
            padded.resize(64, 0);
            encrypt(jwe, &header.to_string(), &padded);
        })
    }

    /// The same of the seal.
    fn seal_header(mut self, change: impl FnOnce(&mut Value)) -> Value {
        let seal = &mut self.secret["metadata"]["annotations"][SEAL];
        let mut jwe: Value = serde_json::from_str(seal.as_str().expect("a seal")).expect("JSON");
        let header = URL.decode(jwe["protected"].as_str().expect("text")).expect("base64");
        let mut header: Value = serde_json::from_slice(&header).expect("JSON");
        change(&mut header);
        encrypt(&mut jwe, &header.to_string(), &[0x80; 64]);
        *seal = in_order(&jwe).into();
        self.secret
    }

    fn object(mut self, change: impl FnOnce(&mut Value)) -> Value {
        change(&mut self.secret);
        self.secret
    }
}

fn encrypt(jwe: &mut Value, header: &str, padded: &[u8]) {
    let protected = URL.encode(header);
    let iv: [u8; 12] =
        URL.decode(jwe["iv"].as_str().expect("text")).expect("base64").try_into().expect("12");
    let payload = Payload { msg: padded, aad: protected.as_bytes() };
    let sealed = Aes256Gcm::new(&DEK.into()).encrypt(&Nonce::from(iv), payload).expect("encrypted");
    let (ciphertext, tag) = sealed.split_at(padded.len());
    jwe["protected"] = protected.into();
    jwe["ciphertext"] = URL.encode(ciphertext).into();
    jwe["tag"] = URL.encode(tag).into();
}

/// Writes JSON with the members in the order of the format.
fn in_order(jwe: &Value) -> String {
    let known = ["protected", "recipients", "iv", "ciphertext", "tag"];
    let others =
        jwe.as_object().expect("a map").keys().map(String::as_str).filter(|k| !known.contains(k));
    let members = known.into_iter().chain(others).filter(|k| jwe.get(k).is_some());
    let members: Vec<_> = members.map(|k| format!("{}:{}", json!(k), jwe[k])).collect();
    format!("{{{}}}", members.join(","))
}

fn failing() -> Vec<(String, Value)> {
    let mut vectors = Vec::new();
    let mut fail = |name: &str, expect: &str, secret: Value| {
        let vector = json!({ "expect": expect, "dek": URL.encode(DEK), "secret": secret });
        vectors.push((format!("refuse-{name}"), vector));
    };
    let spoil = Spoilt::new;
    let flip = |text: &Value| {
        let mut bytes = URL.decode(text.as_str().expect("text")).expect("base64");
        bytes[0] ^= 1;
        Value::from(URL.encode(bytes))
    };

    let text = spoil().text();
    fail("not-json", "malformed", spoil().set_text("correct horse"));
    fail("unknown-member", "malformed", spoil().jwe(|jwe| jwe["unprotected"] = json!({})));
    fail(
        "missing-member",
        "malformed",
        spoil().jwe(|jwe| drop(jwe.as_object_mut().expect("a map").remove("tag"))),
    );
    fail(
        "duplicate-member",
        "malformed",
        spoil().set_text(&text.replacen('{', "{\"tag\":\"AA\",", 1)),
    );
    fail("trailing-data", "malformed", spoil().set_text(&format!("{text}{{}}")));
    fail("no-recipients", "malformed", spoil().jwe(|jwe| jwe["recipients"] = json!([])));
    let many = |jwe: &mut Value| {
        let one = jwe["recipients"][0].clone();
        jwe["recipients"] = vec![one; 101].into();
    };
    fail("too-many-recipients", "too-many-recipients", spoil().jwe(many));
    fail(
        "unknown-header-member",
        "malformed",
        spoil().header(|header| header["zip"] = "DEF".into()),
    );
    let array = |jwe: &mut Value| {
        let recipient = &jwe["recipients"][0];
        let header = json!([recipient["header"]["alg"], recipient["header"]["kid"]]);
        jwe["recipients"][0] = json!([header, recipient["encrypted_key"]]);
    };
    fail("array-for-an-object", "malformed", spoil().jwe(array));
    let array = |header: &mut Value| header["binding"] = json!(["prod", "db", "password"]);
    fail("array-for-a-binding", "malformed", spoil().header(array));
    fail("fractional-iat", "malformed", spoil().header(|header| header["iat"] = json!(1.5)));
    fail("fractional-born", "malformed", spoil().header(|header| header["born"] = json!(1.5)));
    fail("null-born", "malformed", spoil().header(|header| header["born"] = Value::Null));
    fail("born-after-iat", "born", spoil().header(|header| header["born"] = 1_700_000_001.into()));
    fail("born-in-a-seal", "born", spoil().seal_header(|header| header["born"] = 1.into()));
    fail(
        "null-namespace",
        "malformed",
        spoil().header(|header| header["binding"]["namespace"] = Value::Null),
    );

    fail("iv-too-short", "base64", spoil().jwe(|jwe| jwe["iv"] = URL.encode([1; 11]).into()));
    fail("tag-too-short", "base64", spoil().jwe(|jwe| jwe["tag"] = URL.encode([1; 12]).into()));
    fail(
        "padded-base64",
        "base64",
        spoil().jwe(|jwe| jwe["tag"] = format!("{}==", jwe["tag"].as_str().expect("text")).into()),
    );
    fail(
        "loose-trailing-bits",
        "base64",
        spoil().jwe(|jwe| {
            // The last character of a tag has four bits that must be zero. Here they are not.
            let tag = jwe["tag"].as_str().expect("text");
            let (head, last) = tag.split_at(tag.len() - 1);
            let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let index = alphabet.find(last).expect("base64");
            jwe["tag"] = format!("{head}{}", &alphabet[index + 1..index + 2]).into();
        }),
    );
    fail("standard-alphabet", "base64", spoil().jwe(|jwe| jwe["iv"] = "++++++++++++++++".into()));

    fail("other-typ", "typ", spoil().header(|header| header["typ"] = "envcrypt-v2".into()));
    fail(
        "seal-as-value",
        "typ",
        spoil().object(|secret| {
            let seal = secret["metadata"]["annotations"][SEAL].as_str().expect("a seal").to_owned();
            secret["data"]["password"] = BASE64_STANDARD.encode(seal).into();
        }),
    );
    fail("other-enc", "enc", spoil().header(|header| header["enc"] = "A128GCM".into()));
    fail(
        "other-crit",
        "crit",
        spoil().header(|header| header["crit"] = json!(["binding", "commitment", "exp"])),
    );
    fail("fewer-crit", "crit", spoil().header(|header| header["crit"] = json!(["binding"])));
    fail(
        "alg-is-not-the-scheme",
        "kid",
        spoil().jwe(|jwe| jwe["recipients"][0]["header"]["alg"] = "awskms".into()),
    );
    fail(
        "kid-is-no-uri",
        "kid",
        spoil().jwe(|jwe| jwe["recipients"][0]["header"]["kid"] = "nowhere".into()),
    );

    fail(
        "other-namespace",
        "binding",
        spoil().object(|secret| secret["metadata"]["namespace"] = "dev".into()),
    );
    fail(
        "other-name",
        "binding",
        spoil().object(|secret| secret["metadata"]["name"] = "web".into()),
    );
    fail(
        "other-key",
        "binding",
        spoil().object(|secret| {
            let value = secret["data"]["password"].take();
            secret["data"] = json!({ "passwort": value });
        }),
    );
    fail(
        "value-without-key",
        "binding",
        spoil()
            .header(|header| drop(header["binding"].as_object_mut().expect("a map").remove("key"))),
    );
    fail(
        "name-without-namespace",
        "binding",
        spoil().header(|header| {
            drop(header["binding"].as_object_mut().expect("a map").remove("namespace"));
        }),
    );

    fail(
        "other-commitment",
        "commitment",
        spoil().header(|header| header["commitment"] = URL.encode([0; 32]).into()),
    );
    let wrong_dek =
        json!({ "expect": "commitment", "dek": URL.encode([1; 32]), "secret": spoil().secret });
    fail("flipped-tag", "tag", spoil().jwe(|jwe| jwe["tag"] = flip(&jwe["tag"])));
    fail(
        "flipped-ciphertext",
        "tag",
        spoil().jwe(|jwe| jwe["ciphertext"] = flip(&jwe["ciphertext"])),
    );
    fail("flipped-iv", "tag", spoil().jwe(|jwe| jwe["iv"] = flip(&jwe["iv"])));
    fail("unpadded", "tag", spoil().jwe(|jwe| jwe["ciphertext"] = URL.encode([1; 63]).into()));
    for (name, padded) in [
        ("padding-without-mark", vec![7; 64]),
        ("padding-all-zero", vec![0; 64]),
        ("padding-too-long", [&b"correct horse\x80"[..], &[0; 114]].concat()),
    ] {
        fail(
            name,
            "tag",
            spoil().jwe(|jwe| {
                let header = URL.decode(jwe["protected"].as_str().expect("text")).expect("base64");
                encrypt(jwe, std::str::from_utf8(&header).expect("UTF-8"), &padded);
            }),
        );
    }

    fail(
        "seal-missing",
        "seal-missing",
        spoil().object(|secret| secret["metadata"]["annotations"] = json!({})),
    );
    fail(
        "value-dropped",
        "seal-mismatch",
        spoil()
            .object(|secret| drop(secret["data"].as_object_mut().expect("a map").remove("user"))),
    );
    fail("value-replaced", "seal-mismatch", spoil().header(|_| {}));
    fail(
        "type-changed",
        "seal-mismatch",
        spoil().object(|secret| {
            secret["metadata"]["annotations"]["envcrypt.dev/type"] = "example.com/x".into();
        }),
    );
    fail(
        "made-immutable",
        "seal-mismatch",
        spoil().object(|secret| secret["immutable"] = true.into()),
    );
    fail(
        "value-as-seal",
        "typ",
        spoil().object(|secret| {
            let value = BASE64_STANDARD
                .decode(secret["data"]["user"].as_str().expect("text"))
                .expect("base64");
            secret["metadata"]["annotations"][SEAL] =
                String::from_utf8(value).expect("UTF-8").into();
        }),
    );
    vectors.push(("refuse-other-dek".to_owned(), wrong_dek));
    vectors
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(format!("{name}.json"))
}

/// Opens a Secret. Returns its values, or the name of the refusal.
fn open(secret: &Value, dek: DataKey, seal: SealCheck) -> Result<PlainSecret, String> {
    let documents = parse(secret.to_string().as_bytes()).map_err(|e| e.to_string())?;
    let Document::Secret(object) = &documents[0] else { panic!("it is a Secret") };
    let object: &Object = object;
    let default = "default".parse().expect("a namespace");
    let sealed = object.sealed(&default, seal).map_err(|error| match error {
        ManifestError::Refused { refused, .. } => refused.name().to_owned(),
        other => other.to_string(),
    })?;
    sealed.open(&Deks::from_keys([dek]), seal).map_err(|error| match error {
        OpenError::Refused { refused, .. } => refused.name().to_owned(),
        other => other.to_string(),
    })
}

#[test]
fn committed_vectors_are_what_is_made_here() {
    for (name, vector) in vectors() {
        let text = serde_json::to_string_pretty(&vector).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(path(&name), &text).expect("written");
        }
        let committed = std::fs::read_to_string(path(&name)).unwrap_or_default();
        assert!(committed == text, "tests/vectors/{name}.json is not what this program makes");
    }
    let count = std::fs::read_dir(path("x").parent().expect("a folder")).expect("listed").flatten();
    let json = count.filter(|entry| entry.path().extension().is_some_and(|e| e == "json")).count();
    assert_eq!(json, vectors().len(), "a vector was left behind");
}

#[test]
fn each_vector_is_opened_or_refused_by_its_name() {
    for (name, vector) in vectors() {
        let bytes = URL.decode(vector["dek"].as_str().expect("text")).expect("base64");
        let key = DataKey::from_slice(&bytes).expect("32 bytes");
        let result = open(&vector["secret"], key, SealCheck::Required);
        match (vector["expect"].as_str().expect("text"), result) {
            ("ok", Ok(plain)) => {
                for (key, value) in vector["inputs"]["data"].as_object().expect("a map") {
                    let found =
                        plain.values.iter().find(|(k, _)| k.as_str() == key).expect("the key");
                    assert!(
                        BASE64_STANDARD.encode(found.1.expose()) == value.as_str().expect("text"),
                        "{name}"
                    );
                }
            }
            ("ok", Err(refusal)) => panic!("{name}: {refusal}"),
            (expected, Ok(_)) => panic!("{name} was opened; expected {expected}"),
            (expected, Err(refusal)) => assert_eq!(refusal, expected, "{name}"),
        }
    }
}

#[test]
fn over_a_mebibyte_is_refused_unread() {
    // There is no file for this vector: it would be a mebibyte of spaces.
    let secret = Spoilt::new().set_text(&" ".repeat((1 << 20) + 1));
    assert_eq!(open(&secret, dek(), SealCheck::Required).err().as_deref(), Some("too-large"));
}

#[test]
fn every_flipped_bit_of_what_is_authenticated_is_refused() {
    let spoilt = Spoilt::new();
    let jwe: Value = serde_json::from_str(&spoilt.text()).expect("JSON");
    for member in ["protected", "iv", "ciphertext", "tag"] {
        let bytes = URL.decode(jwe[member].as_str().expect("text")).expect("base64");
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut jwe = jwe.clone();
            jwe[member] = URL.encode(&flipped).into();
            let mut secret = spoilt.secret.clone();
            secret["data"]["password"] = BASE64_STANDARD.encode(in_order(&jwe)).into();
            assert!(open(&secret, dek(), SealCheck::Required).is_err(), "bit {bit} of {member}");
        }
    }
    assert!(open(&spoilt.secret, dek(), SealCheck::Required).is_ok());
}
