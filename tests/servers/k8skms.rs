//! A Kubernetes KMS v2 plugin as a KEK.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;

use crate::plugin::Plugin;
use crate::sandbox::Sandbox;
use crate::sealed::{self, create, sealed_under};

#[test]
fn it_seals_and_opens_and_stores_what_the_plugin_wants_back() {
    let (plugin, sandbox) = (Plugin::start(), Sandbox::new());
    let yaml = sealed_under(&sandbox, &[&plugin.kek()]);
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    let stored: serde_json::Value =
        serde_json::from_slice(&sealed::wrapped(&yaml, "key0")).expect("JSON");
    assert_eq!(stored["key_id"], "key-1");
    assert!(stored["annotations"]["nonce.plugin.envcrypt.dev"].is_string(), "{stored}");
    // A key that was rotated still opens: its id is given back.
    plugin.order(&json!({ "keyId": "key-2" }));
    sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).succeeds();
    sandbox.run(["kek", "test", &plugin.kek()]).succeeds();
}

#[test]
fn a_tampered_dek_is_refused() {
    let (plugin, sandbox) = (Plugin::start(), Sandbox::new());
    let yaml = sealed_under(&sandbox, &[&plugin.kek()]);
    for (from, to) in [("key-1", "key-9"), ("\"ciphertext\":\"", "\"ciphertext\":\"AAAA")] {
        let tampered = sealed::change_wrapped(&yaml, |bytes| {
            let text = String::from_utf8(bytes.clone()).expect("text");
            assert!(text.contains(from), "{text}");
            *bytes = text.replace(from, to).into_bytes();
        });
        let error = sandbox.pipe(tampered, ["unwrap", "-f", "-"]).fails(1);
        assert!(error.contains("message authentication failed"), "{error}");
    }
}

#[test]
fn each_refusal_is_one_clear_error() {
    let (plugin, sandbox) = (Plugin::start(), Sandbox::new());
    let yaml = sealed_under(&sandbox, &[&plugin.kek()]);
    for (code, why) in [
        (7, "access denied"),
        (16, "no valid login"),
        (5, "no such key"),
        (9, "the key is disabled"),
        (8, "too many requests"),
        (14, "the KMS does not answer"),
        (3, "this key did not wrap it, or wrapped it for another place"),
        (2, "the KMS failed"),
    ] {
        plugin.order(&json!({ "code": code }));
        let error = sandbox.pipe(&yaml, ["unwrap", "-f", "-"]).fails(1);
        let cause = format!("cause: cannot unwrap the data key with `{}`: {why}\n", plugin.kek());
        assert!(error.contains(&cause), "{code}: {error}");
        assert!(error.contains("by the order of the test"), "{code}: {error}");
    }
    plugin.order(&json!({ "healthz": "the HSM is gone" }));
    let error = create(&sandbox, &[&plugin.kek()], 1).fails(1);
    assert!(
        error.contains("the KMS plugin reports that it is not healthy: the HSM is gone"),
        "{error}"
    );
    plugin.order(&json!({ "version": "v1" }));
    let error = create(&sandbox, &[&plugin.kek()], 1).fails(1);
    assert!(error.contains("the KMS plugin does not support KMS v2"), "{error}");
}

#[test]
fn a_plugin_that_is_slow_or_not_there_is_given_up() {
    let (plugin, sandbox) = (Plugin::start(), Sandbox::new());
    let gone = plugin.kek().replace("plugin.sock", "gone.sock");
    let error = create(&sandbox, &[&gone], 1).fails(1);
    assert!(error.contains("the KMS does not answer"), "{error}");
    assert!(error.contains("hint: check that the KMS plugin runs and listens on `/"), "{error}");
    let file = sandbox.write("no-socket", "");
    let error = create(&sandbox, &[&format!("k8skms://{}", file.display())], 1).fails(1);
    assert!(error.contains("the KMS does not answer"), "{error}");
    plugin.order(&json!({ "delay": 60_000 }));
    let error = create(&sandbox, &[&plugin.kek()], 1).fails(1);
    assert!(error.contains("the KMS does not answer"), "{error}");
}

/// As root, the mode of a socket keeps nobody out.
#[test]
fn the_sockets_mode_decides_who_may_ask() {
    if nix::unistd::geteuid().is_root() {
        return;
    }
    let (plugin, sandbox) = (Plugin::start(), Sandbox::new());
    std::fs::set_permissions(plugin.socket(), std::fs::Permissions::from_mode(0o000)).expect("set");
    let error = create(&sandbox, &[&plugin.kek()], 1).fails(1);
    assert!(error.contains("access denied"), "{error}");
}
