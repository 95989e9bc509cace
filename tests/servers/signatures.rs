//! Where a list of signers is named, nothing else gets into the cluster or out of it.

use std::process::Command;

use crate::control_plane::{ControlPlane, control_plane};
use crate::controller::Scene;
use crate::sandbox::Sandbox;
use envcrypt_core::manifest::Spec;

/// Someone with a key `NAME` in the home directory.
fn key(sandbox: &Sandbox, name: &str) -> String {
    let path = sandbox.work().parent().expect("a home").join(name);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(&path);
    assert!(command.status().expect("ssh-keygen runs").success());
    let public = std::fs::read_to_string(path.with_extension("pub")).expect("a key");
    format!("{name} {public}")
}

/// Signs with the key of `alice`, and asks for her signature.
fn signed(sandbox: Sandbox) -> Sandbox {
    let list = key(&sandbox, "alice");
    let home = sandbox.work().parent().expect("a home").to_owned();
    let list_path = home.join("allowed_signers");
    std::fs::write(&list_path, list).expect("written");
    let text = |name: &str| home.join(name).to_str().expect("UTF-8").to_owned();
    sandbox
        .env("ENVCRYPT_SIGNING_KEY", text("alice"))
        .env("ENVCRYPT_SIGNERS", text("allowed_signers"))
}

fn create(sandbox: &Sandbox, namespace: &str, value: &str, more: &[&str]) {
    let value = format!("--from-literal=password={value}");
    let args = ["create", "db", "-n", namespace, "--kek=local", &value, "--dry-run=client"];
    let yaml = sandbox.run(args.iter().chain(&["-oyaml"]).chain(more)).succeeds().stdout;
    sandbox.write("db.yaml", yaml);
}

fn live(plane: &ControlPlane, namespace: &str, path: &str) -> String {
    let output = format!("-ojsonpath={{{path}}}");
    let get = ["get", "secret", "db", "-n", namespace, "--ignore-not-found", &output];
    plane.kubectl(get).succeeds().stdout
}

#[test]
fn only_what_is_signed_is_applied_and_opened() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), signed(plane.sandbox("admin")));
    create(&sandbox, &namespace, "one", &["--no-sign"]);
    let commands: [&[&str]; 4] = [
        &["apply", "-f", "db.yaml"],
        &["apply", "--unwrap", "-f", "db.yaml"],
        &["diff", "-f", "db.yaml"],
        &["unwrap", "-f", "db.yaml"],
    ];
    for command in commands {
        let code = if command[0] == "diff" { 2 } else { 1 };
        let error = sandbox.run(command).fails(code);
        assert!(error.contains("is not signed as it must be: it has no signature"), "{error}");
    }
    assert_eq!(live(plane, &namespace, ".metadata.name"), "");
    // It is in the cluster all the same, from someone who asks for no signature.
    sandbox.run(["apply", "-f", "db.yaml", "--insecure-skip-signature"]).succeeds();
    let show = ["exec", "db", "-n", &namespace, "--", "sh", "-c", "echo $password"];
    let error = sandbox.run(show).fails(1);
    assert!(error.contains("it has no signature"), "{error}");
    sandbox.run(["sign", "db", "-n", &namespace]).succeeds();
    assert_eq!(sandbox.run(show).succeeds().stdout, "one\n");
    sandbox.run(["sign", "-f", "db.yaml"]).succeeds();
    sandbox.run(["set", "-f", "db.yaml", "--from-literal=password=two"]).succeeds();
    let changed = sandbox.run(["diff", "-f", "db.yaml"]);
    assert_eq!(changed.code, Some(1), "{}", changed.stderr);
    assert!(changed.stdout.contains("~ signatures"), "{}", changed.stdout);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(sandbox.run(show).succeeds().stdout, "two\n");
}

#[test]
fn a_change_of_a_live_secret_is_signed_and_a_rewrap_keeps_the_signature() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), signed(plane.sandbox("admin")));
    create(&sandbox, &namespace, "one", &[]);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    let signature = || live(plane, &namespace, ".metadata.annotations.envcrypt\\.dev/signatures");
    let first = signature();
    sandbox.run(["rewrap", "db", "-n", &namespace, "--kek=local", "--renew"]).succeeds();
    assert_eq!(signature(), first);
    sandbox.run(["set", "db", "-n", &namespace, "--generate=password"]).succeeds();
    assert!(signature() != first && !signature().is_empty());
    sandbox.run(["unwrap", "db", "-n", &namespace]).succeeds();
    // Whoever may write to the cluster, and nothing else, forges no Secret.
    create(&sandbox, &namespace, "forged", &["--no-sign"]);
    let path = sandbox.work().join("db.yaml");
    let path = path.to_str().expect("UTF-8");
    plane.kubectl(["apply", "--server-side", "--force-conflicts", "-f", path]).succeeds();
    let error = sandbox.run(["unwrap", "db", "-n", &namespace]).fails(1);
    assert!(error.contains("it was changed after `SHA256:"), "{error}");
}

#[test]
fn a_label_that_nobody_signed_does_not_get_onto_a_plain_secret() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), signed(plane.sandbox("admin")));
    create(&sandbox, &namespace, "one", &["--labels=team=pay"]);
    let more = sandbox.read("db.yaml").replace("    team: pay\n", "    team: pay\n    copy: dev\n");
    sandbox.write("db.yaml", more);
    let apply = ["apply", "--unwrap", "-f", "db.yaml"];
    let error = sandbox.run(apply).fails(1);
    assert!(error.contains("the signers of the Secret") && error.contains("`copy`"), "{error}");
    assert_eq!(live(plane, &namespace, ".metadata.name"), "");
    sandbox.run(apply.iter().chain(&["--drop-unsigned"])).succeeds();
    assert_eq!(live(plane, &namespace, ".metadata.labels"), r#"{"team":"pay"}"#);
}

#[test]
fn the_controller_delivers_only_what_is_signed() {
    let scene = Scene::new();
    let scene = Scene { sandbox: signed(scene.sandbox), ..scene };
    let list = scene.sandbox.work().parent().expect("a home").join("allowed_signers");
    let flag = format!("--signers={}", list.display());
    let _controller = scene.controller(&[&flag, "--allow-label=team", "--allow-label=copy"]);
    let refused = |spec: &Spec, said: &str| {
        scene.apply("db", spec);
        scene.wait_reason("db", "Unsigned");
        assert!(scene.message("db").contains(said), "{}", scene.message("db"));
    };
    refused(&scene.seal_with("db", &[("a", "0")], &["--no-sign"]), "`signature-missing`");
    assert!(scene.get("secret", "db").is_none());
    let good = scene.seal_with("db", &[("a", "1")], &["--labels=team=pay"]);
    scene.apply("db", &good);
    scene.wait_values("db", &[("a", "1")]);
    let mut moved = good.clone();
    moved.template.labels.insert("team".into(), "other".into());
    refused(&moved, "`signature-mismatch`");
    let mut more = good.clone();
    more.template.labels.insert("copy".into(), "dev".into());
    refused(&more, "`copy`, which its signers did not sign");
    assert_eq!(scene.values("db").expect("there")["a"], "1");
    // Who leaves the list does not sign any more, and no restart is needed.
    let other = key(&scene.sandbox, "bob");
    std::fs::write(&list, other).expect("written");
    refused(&scene.seal_with("db", &[("a", "2")], &["--no-sign"]), "`signature-missing`");
    refused(&good, "`signature-signer`");
}
