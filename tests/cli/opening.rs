//! An attacker with write access to the file: nothing that they do goes unnoticed.

use crate::sandbox::Sandbox;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

/// A sealed Secret taken apart.
struct Parts {
    object: Value,
}

impl Parts {
    fn of(yaml: &str) -> Self {
        Self { object: serde_yaml::from_str(yaml).expect("YAML") }
    }

    fn jwe(&self, key: &str) -> Value {
        let json = BASE64_STANDARD.decode(self.object["data"][key].as_str().expect("a value"));
        serde_json::from_slice(&json.expect("base64")).expect("JSON")
    }

    fn set(&mut self, key: &str, jwe: &Value) {
        self.object["data"][key] = BASE64_STANDARD.encode(jwe.to_string()).into();
    }

    fn yaml(&self) -> String {
        self.object.to_string()
    }
}

#[track_caller]
fn refused(sandbox: &Sandbox, yaml: &str, why: &str) {
    let error = sandbox.pipe(yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains(why), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn values_cannot_be_altered_moved_added_dropped_or_rolled_back() {
    let sandbox = Sandbox::with_local_key();
    let old = sandbox.sealed(&["password=hunter2-old", "user=me"]);
    let new = sandbox.sealed(&["password=hunter2", "user=me"]);

    // Moved under another key, into another Secret, into another namespace.
    let mut parts = Parts::of(&new);
    let (password, user) = (parts.jwe("password"), parts.jwe("user"));
    parts.set("password", &user);
    parts.set("user", &password);
    refused(&sandbox, &parts.yaml(), "it was sealed for `prod/db user`");
    refused(
        &sandbox,
        &new.replace("name: db", "name: web"),
        "it was sealed for `prod/db password`",
    );
    refused(&sandbox, &new.replace("namespace: prod", "namespace: dev"), "it was sealed for");

    // Dropped, added, rolled back.
    let mut parts = Parts::of(&new);
    parts.object["data"].as_object_mut().expect("a map").remove("user");
    refused(
        &sandbox,
        &parts.yaml(),
        "the values, the type or `immutable` of the Secret changed after it was sealed",
    );
    let mut parts = Parts::of(&new);
    parts.set("password", &Parts::of(&old).jwe("password"));
    refused(
        &sandbox,
        &parts.yaml(),
        "the type or `immutable` of the Secret changed after it was sealed",
    );
    let more = sandbox.sealed(&["password=hunter2", "user=me", "more=x"]);
    let mut parts = Parts::of(&new);
    parts.set("more", &Parts::of(&more).jwe("more"));
    refused(
        &sandbox,
        &parts.yaml(),
        "the type or `immutable` of the Secret changed after it was sealed",
    );

    // Its type and immutability.
    let mut parts = Parts::of(&new);
    parts.object["metadata"]["annotations"]["envcrypt.dev/type"] =
        "kubernetes.io/basic-auth".into();
    refused(
        &sandbox,
        &parts.yaml(),
        "the type or `immutable` of the Secret changed after it was sealed",
    );
    let mut parts = Parts::of(&new);
    parts.object["immutable"] = true.into();
    refused(
        &sandbox,
        &parts.yaml(),
        "the type or `immutable` of the Secret changed after it was sealed",
    );

    // The seal of another Secret, or none.
    let mut parts = Parts::of(&new);
    parts.object["metadata"]["annotations"] =
        Parts::of(&old).object["metadata"]["annotations"].clone();
    refused(
        &sandbox,
        &parts.yaml(),
        "the type or `immutable` of the Secret changed after it was sealed",
    );
    parts.object["metadata"]["annotations"] = serde_json::json!({});
    refused(&sandbox, &parts.yaml(), "the annotation `envcrypt.dev/seal` is missing");
}

#[test]
fn the_scope_cannot_be_widened_from_outside_the_header() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    let mut parts = Parts::of(&sealed);
    let mut jwe = parts.jwe("password");
    let header =
        BASE64_URL_SAFE_NO_PAD.decode(jwe["protected"].as_str().expect("text")).expect("base64");
    let mut header: Value = serde_json::from_slice(&header).expect("JSON");
    header["binding"] = serde_json::json!({ "key": "password" });
    jwe["protected"] = BASE64_URL_SAFE_NO_PAD.encode(header.to_string()).into();
    parts.set("password", &jwe);
    refused(&sandbox, &parts.yaml(), "it was altered: its tag does not match");
    let run = sandbox.pipe(parts.yaml(), ["unwrap", "-f", "-", "--insecure-skip-seal"]);
    assert!(run.fails(1).contains("it was altered: its tag does not match"));
}

#[test]
fn a_flag_opens_without_the_seal_and_says_what_is_then_not_known() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    for seal in [Value::Null, "nonsense".into()] {
        let mut parts = Parts::of(&sealed);
        parts.object["metadata"]["annotations"]["envcrypt.dev/seal"] = seal.clone();
        if seal.is_null() {
            parts.object["metadata"]["annotations"] = serde_json::json!({});
        }
        refused(&sandbox, &parts.yaml(), "the seal of the Secret `prod/db` cannot be");
        let run = sandbox
            .pipe(parts.yaml(), ["unwrap", "-f", "-", "password", "--insecure-skip-seal"])
            .succeeds();
        assert_eq!(run.stdout, "hunter2");
        assert!(run.stderr.contains("warning: seals are not checked: the plugin cannot detect a value that someone added, removed or restored"));
    }
}

#[test]
fn every_bit_of_a_sealed_value_counts() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    let parts = Parts::of(&sealed);
    // One flip in each member here; every single bit of the vectors in-process (vectors.rs).
    for (member, why) in [
        ("protected", "`password` of the Secret `prod/db` cannot be"),
        ("iv", "its tag does not match"),
        ("ciphertext", "its tag does not match"),
        ("tag", "its tag does not match"),
        ("encrypted_key", "cannot unwrap the data key"),
    ] {
        let mut jwe = parts.jwe("password");
        let target = match member {
            "encrypted_key" => &mut jwe["recipients"][0]["encrypted_key"],
            _ => &mut jwe[member],
        };
        let mut bytes =
            BASE64_URL_SAFE_NO_PAD.decode(target.as_str().expect("text")).expect("base64");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        *target = BASE64_URL_SAFE_NO_PAD.encode(bytes).into();
        let mut altered = Parts { object: parts.object.clone() };
        altered.set("password", &jwe);
        let args = ["unwrap", "-f", "-", "--insecure-skip-seal"];
        let error = sandbox.pipe(altered.yaml(), args).fails(1);
        assert!(error.contains(why), "{member}: {error}");
    }
}

#[test]
fn a_recipient_cannot_smuggle_in_another_key() {
    let sandbox = Sandbox::with_local_key();
    let sealed = sandbox.sealed(&["password=hunter2"]);
    let recipient = sandbox.run(["kek", "list"]).succeeds().stdout;
    let recipient = recipient.split(' ').next().and_then(|uri| uri.strip_prefix("age:"));
    let recipient: age::x25519::Recipient = recipient.expect("a URI").parse().expect("a recipient");
    let other = age::encrypt(&recipient, &[7; 32]).expect("wrapped");
    let mut parts = Parts::of(&sealed);
    let mut jwe = parts.jwe("password");
    jwe["recipients"][0]["encrypted_key"] = BASE64_URL_SAFE_NO_PAD.encode(other).into();
    parts.set("password", &jwe);
    parts.object["metadata"]["annotations"] = serde_json::json!({});
    let error = sandbox.pipe(parts.yaml(), ["unwrap", "-f", "-", "--insecure-skip-seal"]).fails(1);
    assert!(error.contains("this key did not wrap it, or wrapped it for another place"), "{error}");
}
