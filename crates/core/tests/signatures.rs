//! The test vectors of signatures: who may sign, and what a reader refuses.
//!
//! This program makes them, and `tests/vectors/reader.py` checks them, too.
//! `UPDATE_VECTORS=1 cargo test -p envcrypt-core --test signatures` writes them again.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as URL};
use envcrypt_core::envelope::{Deks, OpenError, Scope, SealCheck, SealedSecret, Sealer};
use envcrypt_core::kek::{DataKey, WrappedKey};
use envcrypt_core::manifest::{
    Document, ManifestError, Object, parse, resource_object, sealed_object,
};
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};
use envcrypt_core::signature::{Demand, SECRET_NAMESPACE, Signers};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

const DEK: [u8; 32] = *b"an AES-256 key of 32 fixed bytes";
const IAT: u64 = 1_700_000_000;
const SIGNATURES: &str = "envcrypt.dev/signatures";

fn sealed() -> SealedSecret {
    let place = Place { namespace: "prod".parse().expect("ok"), name: "db".parse().expect("ok") };
    let recipient = WrappedKey {
        kek: "age:age1q8ehjwmgq9gxr7eqcfxqmq2dh0qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
            .parse()
            .expect("a KEK"),
        bytes: b"wrapped by age".to_vec(),
    };
    let key = DataKey::from_slice(&DEK).expect("32 bytes");
    let sealer = Sealer::from_parts(place.clone(), Scope::Strict, key, vec![recipient]);
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    };
    let meta = Meta {
        place,
        kind: SecretType::BasicAuth,
        immutable: false,
        labels: map(&[("team", "pay"), ("argocd.argoproj.io/instance", "shop")]),
        annotations: map(&[("envcrypt.dev/owner", "\u{1F511} \"Zoë\"\n\u{1}\u{7f}")]),
    };
    let value =
        |key: &str, value: &[u8]| (key.parse().expect("ok"), SecretValue::new(value.into()));
    let values = [value("password", b"correct horse"), value("username", b"me")].into();
    let mut number = 0;
    let next_iv = || {
        number += 1;
        [number; 12]
    };
    let plain = PlainSecret { meta, values };
    sealer.seal_with(plain, IAT, |_| None, next_iv).expect("it fits")
}

fn string(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat()
}

fn pair(seed: u8) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("a seed")
}

fn key(seed: u8) -> Vec<u8> {
    [string(b"ssh-ed25519"), string(pair(seed).public_key().as_ref())].concat()
}

/// A signature as ssh-keygen makes it.
fn ssh_signature(seed: u8, namespace: &str, message: &[u8]) -> Vec<u8> {
    let parts = [string(namespace.as_bytes()), string(b""), string(b"sha512")].concat();
    let signed = [b"SSHSIG", &parts[..], &string(&Sha512::digest(message))].concat();
    let signature = [string(b"ssh-ed25519"), string(pair(seed).sign(&signed).as_ref())].concat();
    [b"SSHSIG\0\0\0\x01", &string(&key(seed))[..], &parts, &string(&signature)].concat()
}

fn signed_by(seeds: &[u8]) -> SealedSecret {
    let mut secret = sealed();
    for seed in seeds {
        let statement = secret.statement().expect("a seal");
        let bytes = ssh_signature(*seed, SECRET_NAMESPACE, statement.bytes());
        secret.add_signature(statement.signed(bytes)).expect("valid");
    }
    secret
}

/// Alice has the keys 1 and 2, Bob has 3, and Carol's key 4 was valid until the day before.
fn signers() -> String {
    let line = |principal: &str, options: &str, seed| {
        let key = BASE64_STANDARD.encode(key(seed));
        format!("{principal}{options} ssh-ed25519 {key}\n")
    };
    let list = [
        line("alice@example.com", "", 1),
        line("alice@example.com", "", 2),
        line("bob@example.com", "", 3),
        line("carol@example.com", " valid-before=\"20231114Z\"", 4),
    ];
    list.concat()
}

fn vectors() -> Vec<(&'static str, Value)> {
    let mut vectors = Vec::new();
    let mut vector = |name, expect: &str, needed: usize, secret: Value| {
        let mut vector = json!({
            "dek": URL.encode(DEK), "expect": expect, "needed": needed, "secret": secret, "signers": signers(),
        });
        if expect == "ok" {
            let statement = sealed().statement().expect("a seal");
            vector["statement"] =
                String::from_utf8(statement.bytes().to_vec()).expect("text").into();
        }
        vectors.push((name, vector));
    };
    let of = |secret: &SealedSecret| serde_json::to_value(sealed_object(secret)).expect("JSON");
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut secret = of(&signed_by(&[1]));
        change(&mut secret);
        secret
    };
    let of_list = |change: &dyn Fn(&mut Value)| {
        changed(&|secret| {
            let text = &mut secret["metadata"]["annotations"][SIGNATURES];
            let mut list: Value = serde_json::from_str(text.as_str().expect("text")).expect("JSON");
            change(&mut list);
            *text = list.to_string().into();
        })
    };
    vector("open-one", "ok", 1, of(&signed_by(&[1])));
    vector("open-two-of-two", "ok", 2, of(&signed_by(&[5, 1, 3])));
    let resource = serde_json::to_value(resource_object(&signed_by(&[3]))).expect("JSON");
    vector("open-resource", "ok", 1, resource.clone());
    vector("refuse-missing", "signature-missing", 1, of(&sealed()));
    vector("refuse-empty-list", "signature-missing", 1, of_list(&|list| *list = json!([])));
    vector(
        "refuse-not-json",
        "signature-form",
        1,
        changed(&|secret| {
            secret["metadata"]["annotations"][SIGNATURES] = "alice".into();
        }),
    );
    vector("refuse-array", "signature-form", 1, of_list(&|list| list[0] = json!([[], [], "AA"])));
    vector(
        "refuse-unknown-member",
        "signature-form",
        1,
        of_list(&|list| {
            list[0]["path"] = json!([]);
        }),
    );
    vector(
        "refuse-unsorted",
        "signature-form",
        1,
        of_list(&|list| {
            list[0]["labels"] = json!(["team", "a"]);
        }),
    );
    vector(
        "refuse-seventeen",
        "signature-form",
        1,
        of_list(&|list| {
            *list = vec![list[0].clone(); 17].into();
        }),
    );
    vector(
        "refuse-cut-off",
        "signature-form",
        1,
        of_list(&|list| {
            let bytes = URL.decode(list[0]["signature"].as_str().expect("text")).expect("base64");
            list[0]["signature"] = URL.encode(&bytes[..bytes.len() - 1]).into();
        }),
    );
    vector(
        "refuse-other-purpose",
        "signature-form",
        1,
        of_list(&|list| {
            let statement = sealed().statement().expect("a seal");
            list[0]["signature"] = URL.encode(ssh_signature(1, "git", statement.bytes())).into();
        }),
    );
    vector(
        "refuse-other-message",
        "signature-mismatch",
        1,
        of_list(&|list| {
            list[0]["signature"] = URL.encode(ssh_signature(1, SECRET_NAMESPACE, b"x")).into();
        }),
    );
    vector(
        "refuse-label-changed",
        "signature-mismatch",
        1,
        changed(&|secret| {
            secret["metadata"]["labels"]["team"] = "other".into();
        }),
    );
    vector(
        "refuse-label-dropped",
        "signature-mismatch",
        1,
        changed(&|secret| {
            drop(secret["metadata"]["labels"].as_object_mut().expect("a map").remove("team"));
        }),
    );
    vector(
        "refuse-annotation-changed",
        "signature-mismatch",
        1,
        changed(&|secret| {
            secret["metadata"]["annotations"]["envcrypt.dev/owner"] = "mallory".into();
        }),
    );
    vector(
        "refuse-value-dropped",
        "signature-mismatch",
        1,
        changed(&|secret| {
            drop(secret["data"].as_object_mut().expect("a map").remove("username"));
        }),
    );
    vector("refuse-resource-label-changed", "signature-mismatch", 1, {
        let mut resource = resource;
        resource["spec"]["template"]["labels"]["team"] = "other".into();
        resource
    });
    vector("refuse-unknown-signer", "signature-signer", 1, of(&signed_by(&[5])));
    vector("refuse-expired-signer", "signature-signer", 1, of(&signed_by(&[4])));
    vector("refuse-one-of-two", "signature-quorum", 2, of(&signed_by(&[1])));
    vector("refuse-two-keys-of-one", "signature-quorum", 2, of(&signed_by(&[1, 2])));
    vectors
}

fn path(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/signed");
    folder.join(format!("{name}.json"))
}

fn demand(vector: &Value) -> Demand {
    let needed = usize::try_from(vector["needed"].as_u64().expect("a number")).expect("small");
    Demand {
        signers: Signers::parse(vector["signers"].as_str().expect("text")).expect("a list").into(),
        needed: NonZeroUsize::new(needed).expect("not 0"),
        file: Path::new("signers").into(),
    }
}

/// Checks and opens a Secret. Returns the name of the refusal.
fn open(vector: &Value) -> Result<SealedSecret, String> {
    let documents = parse(vector["secret"].to_string().as_bytes()).map_err(|e| e.to_string())?;
    let Document::Secret(object) = &documents[0] else { panic!("it is a Secret") };
    let object: &Object = object;
    let default = "default".parse().expect("a namespace");
    let sealed = object.sealed(&default, SealCheck::Required).map_err(|error| match error {
        ManifestError::Signatures { refused, .. } => refused.name().to_owned(),
        other => other.to_string(),
    })?;
    sealed.check_signatures(&demand(vector)).map_err(|error| match error {
        OpenError::Unsigned { refused, .. } => refused.name().to_owned(),
        other => other.to_string(),
    })?;
    let key = DataKey::from_slice(&DEK).expect("32 bytes");
    sealed.open(&Deks::from_keys([key]), SealCheck::Required).map_err(|error| error.to_string())?;
    Ok(sealed)
}

#[test]
fn committed_vectors_are_what_is_made_here() {
    for (name, vector) in vectors() {
        let text = serde_json::to_string_pretty(&vector).expect("JSON") + "\n";
        if std::env::var_os("UPDATE_VECTORS").is_some() {
            std::fs::write(path(name), &text).expect("written");
        }
        let committed = std::fs::read_to_string(path(name)).unwrap_or_default();
        assert!(committed == text, "tests/vectors/signed/{name}.json is not what is made here");
    }
    let files = std::fs::read_dir(path("x").parent().expect("a folder")).expect("listed").count();
    assert_eq!(files, vectors().len(), "a vector was left behind");
}

#[test]
fn each_vector_is_accepted_or_refused_by_its_name() {
    for (name, vector) in vectors() {
        let result = open(&vector).map(|_| "ok".to_owned());
        let verdict = result.unwrap_or_else(|refusal| refusal);
        assert_eq!(verdict, vector["expect"].as_str().expect("text"), "{name}");
    }
}
