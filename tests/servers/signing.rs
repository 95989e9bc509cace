//! Signatures of live Secrets.

use std::process::Command;

use crate::control_plane::control_plane;
use crate::sandbox::Sandbox;

/// A person with a key, a namespace, and a Secret `db` in it.
fn person() -> (Sandbox, String) {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let key = sandbox.write("id", "");
    std::fs::remove_file(&key).expect("there");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key);
    assert!(keygen.status().expect("ssh-keygen runs").success());
    let sandbox = sandbox.env("ENVCRYPT_SIGNING_KEY", key.to_str().expect("UTF-8"));
    let create = ["create", "db", "-n", &namespace, "--kek=local", "--generate=a"];
    sandbox.run(create).succeeds();
    (sandbox, namespace)
}

fn signatures(sandbox: &Sandbox, namespace: &str) -> usize {
    let view = sandbox.run(["inspect", "db", "-n", namespace, "-ojson"]).succeeds().stdout;
    view.matches("SHA256:").count()
}

#[test]
fn a_live_secret_is_signed_and_a_new_seal_drops_the_signature() {
    let (sandbox, namespace) = person();
    let run = sandbox.run(["sign", "db", "-n", &namespace]).succeeds();
    assert_eq!(run.stdout, "secret/db signed\n");
    assert_eq!(signatures(&sandbox, &namespace), 1);
    let run = sandbox.run(["sign", "db", "-n", &namespace]).succeeds();
    assert_eq!(run.stdout, "secret/db unchanged\n");
    sandbox.run(["rewrap", "db", "-n", &namespace, "--kek=local", "--renew"]).succeeds();
    assert_eq!(signatures(&sandbox, &namespace), 1);
    sandbox.run(["rotate", "db", "-n", &namespace]).succeeds();
    assert_eq!(signatures(&sandbox, &namespace), 0);
}

#[test]
fn a_rule_has_live_secrets_signed_too() {
    let (sandbox, namespace) = person();
    let key = sandbox.read("id.pub");
    let list = sandbox.work().join("../list");
    std::fs::write(&list, format!("me {key}")).expect("written");
    let unsigned = sandbox.run(["sign", "db", "-n", &namespace]).succeeds();
    assert_eq!(unsigned.stdout, "secret/db signed\n");
    let sandbox = sandbox.env("ENVCRYPT_SIGNERS", list.to_str().expect("UTF-8"));
    for change in [
        &["set", "db", "--generate", "b"][..],
        &["unset", "db", "b"],
        &["rotate", "db"],
        &["create", "new", "--kek=local", "--generate=a"],
    ] {
        sandbox.run(change.iter().chain(&["-n", &namespace])).succeeds();
        assert_eq!(signatures(&sandbox, &namespace), 1, "{change:?}");
    }
    let view = sandbox.run(["inspect", "new", "-n", &namespace, "-ojson"]).succeeds().stdout;
    assert_eq!(view.matches("SHA256:").count(), 1, "{view}");
    // A key that may not sign changes nothing.
    std::fs::remove_file(sandbox.work().join("id")).expect("there");
    std::fs::remove_file(sandbox.work().join("id.pub")).expect("there");
    let error = sandbox.run(["rotate", "db", "-n", &namespace]).fails(1);
    assert!(error.contains("is not there"), "{error}");
    assert_eq!(signatures(&sandbox, &namespace), 1);
}

#[test]
fn a_plain_secret_is_replaced_by_a_signed_one() {
    let (sandbox, namespace) = person();
    let list = sandbox.work().join("../list");
    std::fs::write(&list, format!("me {}", sandbox.read("id.pub"))).expect("written");
    let sandbox = sandbox.env("ENVCRYPT_SIGNERS", list.to_str().expect("UTF-8"));
    let plane = control_plane();
    plane.kubectl(["delete", "secret", "db", "-n", &namespace]).succeeds();
    let literal = ["create", "secret", "generic", "db", "--from-literal=a=b", "-n", &namespace];
    plane.kubectl(literal).succeeds();
    let printed = sandbox.run(["seal", "db", "-n", &namespace, "--kek=local"]).succeeds().stdout;
    assert!(printed.contains("envcrypt.dev/signatures"), "{printed}");
    sandbox.run(["seal", "db", "-n", &namespace, "--kek=local", "--replace", "--yes"]).succeeds();
    assert_eq!(signatures(&sandbox, &namespace), 1);
}
