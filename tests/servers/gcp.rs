//! Google Cloud KMS as a KEK.

use serde_json::json;

use crate::clouds::{Clouds, GOOGLE_KEK, GOOGLE_KEY};
use crate::sandbox::Sandbox;
use crate::sealed::{self, create, sealed_under};

fn start() -> (Clouds, Sandbox) {
    let clouds = Clouds::start();
    let sandbox = clouds.sandbox(Sandbox::new());
    (clouds, sandbox)
}

#[test]
fn it_seals_and_opens_with_one_call_each() {
    let (clouds, sandbox) = start();
    let yaml = create(&sandbox, &[GOOGLE_KEK], 20).succeeds().stdout;
    assert_eq!(clouds.take(), ["encrypt"]);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    assert_eq!(clouds.take(), ["decrypt"]);
    assert_eq!(sealed::value(&yaml, "key0")["recipients"][0]["header"]["kid"], GOOGLE_KEK);
    sandbox.run(["kek", "test", GOOGLE_KEK]).succeeds();
}

#[test]
fn the_context_is_authenticated() {
    let (_clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    // Its wrapped DEK in a Secret of another name: the KMS does not open it there.
    let other = sandbox.run([
        "create",
        "web",
        "-nprod",
        "--dry-run=client",
        "-oyaml",
        "--generate=key0",
        "--kek",
        GOOGLE_KEK,
    ]);
    let theirs = sealed::wrapped(&yaml, "key0");
    let moved = sealed::change_wrapped(&other.succeeds().stdout, |bytes| *bytes = theirs.clone());
    let error = sandbox.pipe(moved, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("this key did not wrap it, or wrapped it for another place"), "{error}");
    assert!(error.contains("the ciphertext is invalid"), "{error}");
}

#[test]
fn a_rotated_key_still_opens_and_a_tampered_one_is_refused() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    clouds.order(json!({ "google": { GOOGLE_KEY: "rotate" } }));
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let tampered = sealed::change_wrapped(&yaml, |bytes| *bytes.last_mut().expect("bytes") ^= 1);
    let error = sandbox.pipe(tampered, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("this key did not wrap it"), "{error}");
}

#[test]
fn damage_on_the_way_is_noticed() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    for fault in [json!({ "corrupt": true }), json!({ "unverified": true })] {
        clouds.always(fault.clone());
        let error = create(&sandbox, &[GOOGLE_KEK], 1).fails(1);
        assert!(error.contains("a checksum did not match"), "{fault}: {error}");
    }
    clouds.always(json!({ "corrupt": true }));
    let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("a checksum did not match"), "{error}");
}

#[test]
fn each_refusal_is_one_clear_error() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    for (fault, why, hint) in [
        (
            json!({ "status": 403, "code": "PERMISSION_DENIED" }),
            "access denied",
            "`cloudkms.cryptoKeyVersions.useToDecrypt`",
        ),
        (json!({ "status": 404, "code": "NOT_FOUND" }), "no such key", "gcloud kms keys list"),
        (
            json!({ "status": 429, "code": "RESOURCE_EXHAUSTED" }),
            "too many requests",
            "the quota of cryptographic requests of the project `p`",
        ),
        (
            json!({ "status": 503, "code": "UNAVAILABLE" }),
            "the KMS does not answer",
            "check the network",
        ),
        (json!({ "hangUp": true }), "the KMS does not answer", "check the network"),
    ] {
        clouds.always(fault.clone());
        let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
        let cause = format!("cause: cannot unwrap the data key with `{GOOGLE_KEK}`: {why}\n");
        assert!(error.contains(&cause) && error.contains(hint), "{fault}: {error}");
    }
}

#[test]
fn a_disabled_key_an_expired_login_and_none() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    clouds.order(json!({ "google": { GOOGLE_KEY: "disable" } }));
    let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("the key is disabled\ncause: FAILED_PRECONDITION"), "{error}");
    assert!(error.contains("gcloud kms keys versions list"), "{error}");
    let stale = std::fs::read_to_string(sandbox.work().join("adc.json")).expect("there");
    sandbox.write("adc.json", stale.replace("a-refresh-token", "a-stale-token"));
    let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("no valid login"), "{error}");
    assert!(error.contains("`gcloud auth application-default login`"), "{error}");
    let stranger = clouds.stranger(Sandbox::new());
    let error = create(&stranger, &[GOOGLE_KEK], 1).fails(1);
    assert!(error.contains("no valid login"), "{error}");
}

#[test]
fn what_passes_is_tried_again() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[GOOGLE_KEK]);
    for fault in [
        json!({ "status": 429, "code": "RESOURCE_EXHAUSTED" }),
        json!({ "status": 503, "code": "UNAVAILABLE" }),
        json!({ "hangUp": true }),
    ] {
        clouds.take();
        clouds.order(json!({ "next": [fault, fault] }));
        sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
        assert_eq!(clouds.take().len(), 3, "{fault}");
    }
}

#[test]
fn one_that_cannot_be_reached_says_so() {
    let (clouds, sandbox) = start();
    clouds.order(json!({ "cutOff": ["cloudkms.googleapis.com"] }));
    let error = create(&sandbox, &[GOOGLE_KEK], 1).fails(1);
    assert!(error.contains("the KMS does not answer"), "{error}");
}
