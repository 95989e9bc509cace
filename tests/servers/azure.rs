//! Azure Key Vault as a KEK.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::clouds::{AZURE_KEK, AZURE_KEY, Clouds};
use crate::sandbox::Sandbox;
use crate::sealed::{self, create, sealed_under};

fn start() -> (Clouds, Sandbox) {
    let clouds = Clouds::start();
    let sandbox = clouds.sandbox(Sandbox::new());
    (clouds, sandbox)
}

fn kid(yaml: &str) -> String {
    sealed::value(yaml, "key0")["recipients"][0]["header"]["kid"].as_str().expect("text").to_owned()
}

#[test]
fn it_seals_and_opens_with_one_call_each_and_stores_the_version() {
    let (clouds, sandbox) = start();
    let yaml = create(&sandbox, &[AZURE_KEK], 20).succeeds().stdout;
    assert_eq!(clouds.take(), ["wrapkey"]);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    assert_eq!(clouds.take(), ["unwrapkey"]);
    let kid = kid(&yaml);
    let version = kid.strip_prefix(&format!("{AZURE_KEK}/")).expect("with its version");
    assert_eq!(version.len(), 32);
    // A version that is named is the one that is used.
    clouds.order(json!({ "azure": { AZURE_KEY: "rotate" } }));
    assert_eq!(self::kid(&sealed_under(&sandbox, &[&kid])), kid);
    assert_ne!(self::kid(&sealed_under(&sandbox, &[AZURE_KEK])), kid);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    sandbox.run(["kek", "test", AZURE_KEK]).succeeds();
}

#[test]
fn a_key_that_is_trusted_is_so_in_every_version() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    let stranger = clouds.sandbox(Sandbox::new());
    let error = stranger.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("has no KEK that this machine trusts"), "{error}");
    stranger.run(["kek", "trust", "-nprod", AZURE_KEK]).succeeds();
    stranger.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    clouds.order(json!({ "azure": { AZURE_KEY: "rotate" } }));
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    stranger.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let ci = clouds.sandbox(Sandbox::new()).env("ENVCRYPT_KEK", AZURE_KEK);
    ci.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
}

#[test]
fn a_tampered_dek_and_another_keys_are_refused() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    let tampered = sealed::change_wrapped(&yaml, |bytes| bytes[100] ^= 1);
    let error = sandbox.pipe(tampered, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("this key did not wrap it"), "{error}");
    // RSA lets anyone wrap another DEK: the commitment is what refuses it.
    let theirs = sealed::wrapped(&sealed_under(&sandbox, &[AZURE_KEK]), "key0");
    let swapped = sealed::change_wrapped(&yaml, |bytes| *bytes = theirs.clone());
    let error = sandbox.pipe(swapped, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("this key did not wrap it"), "{error}");
    assert_eq!(clouds.take().iter().filter(|call| *call == "unwrapkey").count(), 2);
}

#[test]
fn each_refusal_is_one_clear_error() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    let kek = kid(&yaml);
    for (fault, why, hint) in [
        (
            json!({ "status": 403, "code": "Forbidden", "inner": "ForbiddenByRbac" }),
            "access denied",
            "the permission `unwrapKey`",
        ),
        (
            json!({ "status": 404, "code": "KeyNotFound" }),
            "no such key",
            "`az keyvault key list --vault-name team`",
        ),
        (json!({ "status": 429, "code": "Throttled" }), "too many requests", "the vault `team`"),
        (
            json!({ "status": 503, "code": "ServiceUnavailable" }),
            "the KMS does not answer",
            "the firewall of the vault",
        ),
        (json!({ "hangUp": true }), "the KMS does not answer", "the firewall of the vault"),
    ] {
        clouds.always(fault.clone());
        let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
        let cause = format!("cause: cannot unwrap the data key with `{kek}`: {why}\n");
        assert!(error.contains(&cause) && error.contains(hint), "{fault}: {error}");
    }
}

#[test]
fn a_disabled_key_and_no_login() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    clouds.order(json!({ "azure": { AZURE_KEY: "disable" } }));
    let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("the key is disabled\ncause: KeyDisabled: "), "{error}");
    assert!(
        error.contains("`az keyvault key list-versions --vault-name team --name k`"),
        "{error}"
    );
    let stale = sandbox.env("AZURE_CLIENT_SECRET", "a-stale-secret");
    let error = stale.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
    assert!(error.contains("no valid login") && error.contains("`az login`"), "{error}");
}

#[test]
fn what_passes_is_tried_again() {
    let (clouds, sandbox) = start();
    let yaml = sealed_under(&sandbox, &[AZURE_KEK]);
    for fault in [
        json!({ "status": 429, "code": "Throttled" }),
        json!({ "status": 503, "code": "ServiceUnavailable" }),
        json!({ "hangUp": true }),
    ] {
        clouds.take();
        clouds.order(json!({ "next": [fault, fault] }));
        sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
        assert_eq!(clouds.take().len(), 3, "{fault}");
    }
}

#[test]
fn a_workload_and_the_cli_log_in_too() {
    let clouds = Clouds::start();
    let token = clouds.stranger(Sandbox::new()).write("token", "a-workload-token");
    let workload = clouds
        .stranger(Sandbox::new())
        .env("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000001")
        .env("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000002");
    let file = workload.write("token", "a-workload-token");
    drop(token);
    let workload = workload.env("AZURE_FEDERATED_TOKEN_FILE", file.display().to_string());
    let yaml = sealed_under(&workload, &[AZURE_KEK]);
    workload.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();

    // What the CLI prints for `az account get-access-token`.
    let token = clouds.order(json!({ "token": true }))["token"].clone();
    let printed = json!({
        "accessToken": token,
        "expiresOn": "2100-01-01 00:00:00.000000",
        "expires_on": 4_102_444_800_u64,
        "tokenType": "Bearer",
    });
    let sandbox = clouds.stranger(Sandbox::new());
    let az = sandbox.write("bin/az", format!("#!/bin/sh\ncat <<'E'\n{printed}\nE\n"));
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o700)).expect("allowed");
    let bin = az.parent().expect("a folder").display().to_string();
    let sandbox = sandbox.env("PATH", format!("{bin}:/usr/bin:/bin"));
    sandbox.pipe(sealed_under(&sandbox, &[AZURE_KEK]), ["unwrap", "-f", "-"]).succeeds();
}
