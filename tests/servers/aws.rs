//! AWS KMS as a KEK.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_kms::operation::decrypt::DecryptOutput;
use aws_sdk_kms::primitives::Blob;
use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use crate::fault_proxy::{Fault, FaultProxy};
use crate::kms::{REGION, block_on, kms, with_kms};
use crate::sandbox::{Run, Sandbox};
use crate::sealed::sealed_under;

fn sandbox() -> Sandbox {
    with_kms(Sandbox::new(), kms().port)
}

/// A sandbox whose KMS is behind a proxy.
fn behind_proxy() -> (Sandbox, FaultProxy) {
    let proxy = FaultProxy::start(kms().port);
    (with_kms(Sandbox::new(), proxy.port), proxy)
}

fn create(sandbox: &Sandbox, kek: &str, keys: usize) -> Run {
    crate::sealed::create(sandbox, &[kek], keys)
}

fn sealed(sandbox: &Sandbox, kek: &str) -> String {
    sealed_under(sandbox, &[kek])
}

#[test]
fn an_arn_tells_its_region_and_an_alias_is_stored_as_its_key() {
    let arn = kms().key();
    kms().alias("by-name", &arn);
    let by_arn = sandbox();
    let yaml = sealed(&by_arn, &format!("awskms:///{arn}"));
    by_arn.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let by_alias = sandbox().env("AWS_REGION", REGION);
    let yaml = sealed(&by_alias, "awskms:///alias/by-name");
    let shown = by_alias.pipe(&yaml, ["inspect", "-f", "-"]).succeeds().stdout;
    assert!(shown.contains(&format!("kek        awskms:///{arn}\n")), "{shown}");
    by_alias.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    by_alias.run(["kek", "test", "awskms:///alias/by-name"]).succeeds();
}

#[test]
fn the_context_names_namespace_and_secret() {
    let arn = kms().key();
    let yaml = sealed(&sandbox(), &format!("awskms:///{arn}"));
    let object: serde_json::Value = serde_yaml::from_str(&yaml).expect("YAML");
    let jwe =
        BASE64_STANDARD.decode(object["data"]["key0"].as_str().expect("text")).expect("base64");
    let jwe: serde_json::Value = serde_json::from_slice(&jwe).expect("JSON");
    let wrapped = jwe["recipients"][0]["encrypted_key"].as_str().expect("text");
    let wrapped = BASE64_URL_SAFE_NO_PAD.decode(wrapped).expect("base64");
    let decrypt = |namespace: &str, name: &str| {
        let context = HashMap::from([
            ("envcrypt.dev/namespace".to_owned(), namespace.to_owned()),
            ("envcrypt.dev/name".to_owned(), name.to_owned()),
        ]);
        let request = kms().client(REGION).decrypt().ciphertext_blob(Blob::new(wrapped.clone()));
        let answer = block_on(request.set_encryption_context(Some(context)).send());
        let size = |answer: DecryptOutput| answer.plaintext.map(|key| key.into_inner().len());
        answer
            .map(size)
            .map_err(|error| error.into_service_error().is_invalid_ciphertext_exception())
    };
    assert_eq!(decrypt("prod", "db"), Ok(Some(32)));
    assert_eq!(decrypt("dev", "db"), Err(true));
    assert_eq!(decrypt("prod", "web"), Err(true));
}

#[test]
fn an_alias_in_the_environment_is_trusted_for_the_key_behind_it() {
    let arn = kms().key();
    kms().alias("in-environment", &arn);
    let yaml = sealed(&sandbox(), &format!("awskms:///{arn}"));
    let stranger = sandbox().env("AWS_REGION", REGION);
    let error = stranger.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("has no KEK that this machine trusts"), "{error}");
    let ci =
        sandbox().env("AWS_REGION", REGION).env("ENVCRYPT_KEK", "awskms:///alias/in-environment");
    ci.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let flag = format!("--kek=awskms:///{arn}");
    stranger.pipe(&yaml, ["unwrap", "-f", "-", &flag]).succeeds();
    stranger.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    stranger.run(["kek", "trust", "-nprod", &format!("awskms:///{arn}")]).succeeds();
    stranger.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
}

/// A machine with this list of trusted KEKs, before it has seen what is behind an alias.
fn trusting(grants: &[String], port: u16) -> Sandbox {
    let machine = with_kms(Sandbox::new(), port).env("AWS_REGION", REGION);
    std::fs::create_dir_all(machine.config()).expect("made");
    std::fs::write(machine.config().join("trusted-keks"), grants.join("\n")).expect("written");
    machine
}

#[test]
fn the_key_behind_an_alias_gets_the_grants_of_this_alias_only() {
    let (arn, other) = (kms().key(), kms().key());
    kms().alias("for-some", &arn);
    let yaml = sealed(&sandbox(), &format!("awskms:///{arn}"));
    let of_other = format!("open prod awskms:///{other}");
    for (namespace, opens) in [("dev", false), ("prod", true)] {
        let grant = format!("open {namespace} awskms:///alias/for-some");
        let machine = trusting(&[grant, of_other.clone()], kms().port);
        let run = machine.pipe(&yaml, ["unwrap", "-f", "-"]);
        if opens {
            run.succeeds();
        } else {
            let error = run.fails(1);
            assert!(error.contains("has no KEK that this machine trusts"), "{error}");
        }
    }
}

#[test]
fn a_rule_can_name_an_alias_of_your_account_and_asks_no_other_account_for_its_alias() {
    let (arn, proxy) = (kms().key(), FaultProxy::start(kms().port));
    kms().alias("in-a-rule", &arn);
    let yaml = sealed(&sandbox(), &format!("awskms:///{arn}"));
    let elsewhere = format!("arn:aws:kms:{REGION}:999999999999:alias/in-a-rule");
    for (name, calls) in [("alias/in-a-rule", &["describekey", "decrypt"][..]), (&elsewhere, &[])] {
        let machine = trusting(&[format!("open prod awskms:///{arn}")], proxy.port);
        machine.write(".envcrypt.yaml", format!("rules: [{{keks: ['awskms:///{name}']}}]"));
        machine.write("db.yaml", &yaml);
        let run = machine.run(["unwrap", "-f", "db.yaml"]);
        match calls.is_empty() {
            true => drop(run.fails(1)),
            false => drop(run.succeeds()),
        }
        assert_eq!(proxy.take().0, calls, "{name}");
    }
}

#[test]
fn one_call_for_each_dek_and_none_for_what_is_answered_offline() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = create(&sandbox, &format!("awskms:///{arn}"), 50).succeeds().stdout;
    assert_eq!(proxy.take().0, ["encrypt"]);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    assert_eq!(proxy.take().0, ["decrypt"]);
    let twice = format!("{yaml}---\n{yaml}");
    sandbox.pipe(twice, ["unwrap", "-f", "-"]).succeeds();
    assert_eq!(proxy.take().0, ["decrypt"], "the same DEK was asked for twice");
    sandbox.pipe(&yaml, ["inspect", "-f", "-"]).succeeds();
    sandbox.pipe(yaml.replace("name: db", "name: web"), ["unwrap", "-f", "-"]).fails(1);
    let stranger = with_kms(Sandbox::new(), proxy.port);
    stranger.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert_eq!(proxy.take().0, [""; 0], "a KMS was asked for nothing");
}

/// Writes a directory with so many Secrets, each with a data key of its own under a new key.
fn many(sandbox: &Sandbox, count: usize) {
    let yaml = sealed(sandbox, &format!("awskms:///{}", kms().key()));
    for index in 0..count {
        sandbox.write(&format!("deploy/{index:04}.yaml"), &yaml);
    }
    sandbox.run(["rotate", "-f", "deploy"]).succeeds();
}

#[test]
fn many_deks_are_asked_for_at_once_and_more_and_more_within_the_bound() {
    let (sandbox, proxy) = behind_proxy();
    many(&sandbox, 400);
    proxy.take();
    proxy.delay(Duration::from_millis(200));
    sandbox.run(["unwrap", "-f", "deploy"]).succeeds();
    let (operations, most) = proxy.take();
    assert_eq!(operations.len(), 400);
    assert!((17..=128).contains(&most), "{most} at once");
}

#[test]
fn a_kms_that_throttles_for_a_while_fails_nothing() {
    let (sandbox, proxy) = behind_proxy();
    many(&sandbox, 60);
    proxy.take();
    proxy.next((0..24).map(|_| Fault::Error(400, "ThrottlingException")));
    sandbox.run(["unwrap", "-f", "deploy"]).succeeds();
    assert_eq!(proxy.take().0.len(), 84);
}

#[test]
fn what_passes_is_tried_again() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = sealed(&sandbox, &format!("awskms:///{arn}"));
    for fault in [
        Fault::Error(400, "ThrottlingException"),
        Fault::Error(500, "KMSInternalException"),
        Fault::HangUp,
    ] {
        proxy.take();
        proxy.next([fault.clone(), fault.clone()]);
        sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
        assert_eq!(proxy.take().0.len(), 3, "{fault:?}");
    }
}

/// Each refusal ends in one error that names the key, the region where it
/// matters, and what to do.
#[test]
fn what_does_not_pass_is_one_clear_error() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    let kek = format!("awskms:///{arn}");
    let yaml = sealed(&sandbox, &kek);
    for (fault, why, hint) in [
        (
            Fault::Error(400, "AccessDeniedException"),
            "access denied",
            "`kms:Decrypt` on the key in eu-west-1",
        ),
        (
            Fault::Error(400, "ThrottlingException"),
            "too many requests",
            "quota of KMS in eu-west-1",
        ),
        (
            Fault::Error(400, "DisabledException"),
            "the key is disabled",
            "`aws kms enable-key` in eu-west-1",
        ),
        (Fault::Error(400, "NotFoundException"), "no such key", "the call went to eu-west-1"),
        (Fault::Error(400, "ExpiredTokenException"), "no valid login", "`aws sso login`"),
        (
            Fault::Error(400, "InvalidCiphertextException"),
            "this key did not wrap it, or wrapped it for another place",
            "",
        ),
        (
            Fault::Error(500, "KMSInternalException"),
            "the KMS does not answer",
            "the call went to eu-west-1",
        ),
        (Fault::HangUp, "the KMS does not answer", "the call went to eu-west-1"),
    ] {
        proxy.always(fault.clone());
        let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
        assert!(error.starts_with("error: the Secret `prod/db` cannot be opened\n"), "{error}");
        assert!(
            error.contains(&format!("cause: cannot unwrap the data key with `{kek}`: {why}\n")),
            "{error}"
        );
        assert!(error.contains(hint), "{error}");
    }
    proxy.always(Fault::Error(400, "AccessDeniedException"));
    let error = create(&sandbox, &kek, 1).fails(1);
    assert!(
        error
            .starts_with(&format!("error: cannot wrap the data key with `{kek}`: access denied\n")),
        "{error}"
    );
    assert!(error.contains("hint: this needs `kms:Encrypt` on the key in eu-west-1"), "{error}");
}

#[test]
fn a_kms_that_never_answers_is_given_up() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    proxy.delay(Duration::from_secs(60));
    let error = create(&sandbox, &format!("awskms:///{arn}"), 1).fails(1);
    assert!(error.contains("the KMS does not answer\ncause: no answer in time"), "{error}");
}

#[test]
fn no_credentials_and_no_region_say_so() {
    let arn = kms().key();
    let sandbox = Sandbox::new()
        .env("AWS_ENDPOINT_URL_KMS", format!("http://127.0.0.1:{}", kms().port))
        .env("AWS_EC2_METADATA_DISABLED", "true");
    let error = create(&sandbox, &format!("awskms:///{arn}"), 1).fails(1);
    assert!(error.contains("no valid login") && error.contains("`aws sso login`"), "{error}");
    let error = create(&sandbox, "awskms:///alias/none", 1).fails(1);
    assert!(
        error.contains("no AWS region is set, and the name of the key does not include one\nhint: set `AWS_REGION`"),
        "{error}"
    );
}

#[test]
fn a_key_that_is_not_there_and_a_tampered_one() {
    let arn = kms().key();
    let sandbox = sandbox();
    let gone = arn.replace(|c: char| c.is_ascii_hexdigit() && c.is_alphabetic(), "0");
    let gone = format!(
        "arn:aws:kms:{REGION}:123456789012:key/{}",
        gone.rsplit('/').next().expect("an id")
    );
    let error = create(&sandbox, &format!("awskms:///{gone}"), 1).fails(1);
    assert!(
        error.contains("no such key") && error.contains("the call went to eu-west-1"),
        "{error}"
    );
}

#[test]
fn a_multi_region_key_is_opened_where_it_answers() {
    // The emulator has no multi-region keys that work: a key of its own gets
    // such a name, and, later, a replica under the other region's.
    let arn = kms().key();
    let proxy = FaultProxy::start(kms().port);
    let id = arn.rsplit('/').next().expect("an id").to_owned();
    let multi_region = format!("mrk-{}", "7".repeat(id.len() - 4));
    proxy.rename(&multi_region, &id);
    let arn = arn.replace(&id, &multi_region);
    let sandbox = with_kms(Sandbox::new(), proxy.port).env("AWS_REGION", "us-east-1");
    let yaml = sealed(&sandbox, &format!("awskms:///{arn}"));
    proxy.dead_region(REGION);
    proxy.rename("us-east-1", REGION);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let home = with_kms(Sandbox::new(), proxy.port).env("ENVCRYPT_KEK", format!("awskms:///{arn}"));
    let error = home.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("the KMS does not answer"), "{error}");
}

/// A data key that is known from its own place is not taken for known elsewhere.
#[test]
fn the_kms_has_its_say_for_each_place() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    let yaml = sealed(&sandbox, &format!("awskms:///{arn}"));
    let forged = crate::sealed::with_namespace(&yaml, "dev");
    sandbox.run(["kek", "trust", "-A", &format!("awskms:///{arn}")]).succeeds();
    proxy.take();
    let error = sandbox.pipe(format!("{yaml}---\n{forged}"), ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("this key did not wrap it, or wrapped it for another place"), "{error}");
    assert_eq!(proxy.take().0, ["decrypt", "decrypt"]);
}

#[test]
fn a_kms_that_is_down_is_not_asked_for_every_secret() {
    let arn = kms().key();
    let (sandbox, proxy) = behind_proxy();
    for index in 0..60 {
        sandbox
            .write(&format!("deploy/{index}.yaml"), sealed(&sandbox, &format!("awskms:///{arn}")));
    }
    proxy.take();
    proxy.always(Fault::HangUp);
    let run = sandbox.run(["rotate", "-f", "deploy"]);
    assert!(run.stderr.ends_with("error: 60 of 60 failed\n"), "{}", run.stderr);
    // The first that are under way, three attempts each, and none after them.
    let calls = proxy.take().0.len();
    assert!(calls <= 3 * 20, "{calls} calls");
}
