//! The other commands: check, probe, inspect, prepare.

use std::os::unix::fs::PermissionsExt;

use crate::node::{AgeKey, Node, command, text, write_private};

#[test]
fn check_tells_what_works_and_the_least_policy() {
    let key = AgeKey::new();
    let node = Node::prepare(&[&key.entry()], "");
    let config = node.config().display().to_string();
    let run = command(["check", "--config", &config], b"");
    let out = text(&run.stdout);
    assert!(run.status.success(), "{out}{}", text(&run.stderr));
    assert!(out.contains("wraps and unwraps in"), "{out}");
    node.configure(&["hashivault://k8s", "awskms:///arn:aws:kms:eu-west-1:1:key/2"], "");
    let run = command(["check", "--offline", "--config", &config], b"");
    let out = text(&run.stdout);
    assert!(out.contains("path \"transit/encrypt/k8s\" { capabilities = [\"update\"] }"), "{out}");
    assert!(out.contains("\"kms:EncryptionContext:envcrypt.dev/cluster\": \"test\""), "{out}");
}

#[test]
fn check_finds_what_would_not_work() {
    let key = AgeKey::new();
    let node = Node::prepare(&[&key.entry()], "");
    let config = node.config().display().to_string();
    std::fs::set_permissions(key.path(), std::fs::Permissions::from_mode(0o644)).expect("set");
    let run = command(["check", "--config", &config], b"");
    assert_eq!(run.status.code(), Some(1));
    assert!(text(&run.stdout).contains("error    others can read"), "{}", text(&run.stdout));
    assert_eq!(text(&run.stderr), "error: the check found 1 error\n");
    // A KEK that does not answer.
    node.configure(&["k8skms:///nonexistent.sock"], "");
    let run = command(["check", "--config", &config], b"");
    assert!(text(&run.stdout).contains("the KMS does not answer"), "{}", text(&run.stdout));
    let run = command(["check", "--config", "/nonexistent"], b"");
    assert!(text(&run.stderr).starts_with("error: `/nonexistent` cannot be read"));
}

#[test]
fn check_refuses_a_step_that_two_nodes_cannot_take_together() {
    let (old, new) = (AgeKey::new(), AgeKey::new());
    let now = Node::prepare(&[&old.entry()], "");
    let check = |next: &Node| {
        let (now, next) = (now.config(), next.config());
        let (now, next) = (now.display().to_string(), next.display().to_string());
        command(["check", "--offline", "--config", &next, "--against", &now], b"")
    };
    let both = Node::prepare(&[&new.entry(), &old.entry()], "");
    assert!(check(&both).status.success());
    let run = check(&Node::prepare(&[&new.entry()], ""));
    assert!(text(&run.stdout).contains("add a common KEK on both first"), "{}", text(&run.stdout));
    let run = check(&Node::prepare(&[&old.entry()], "cluster: other\n"));
    assert!(text(&run.stdout).contains("add it to `formerly`"), "{}", text(&run.stdout));
}

#[test]
fn probe_does_what_kube_apiserver_does() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let socket = node.socket().display().to_string();
    let run = command(["probe", "--socket", &socket], b"");
    assert!(run.status.success(), "{}", text(&run.stderr));
    assert_eq!(text(&run.stdout).lines().count(), 3);
    let run = command(["probe", "--socket", "/nonexistent.sock"], b"");
    assert_eq!(run.status.code(), Some(1));
    let error = text(&run.stderr);
    assert!(error.contains("`Status` of the plugin at `/nonexistent.sock` fails"), "{error}");
    assert!(error.contains("cause: "), "{error}");
}

#[test]
fn inspect_names_the_keks_of_a_value() {
    let key = AgeKey::new();
    let node = Node::start(&[&key.entry()], "");
    node.wait_ready();
    let sealed = node.encrypt(b"seed").expect("ok").ciphertext;
    let run = command(["inspect"], &sealed);
    assert!(text(&run.stdout).contains("cluster:  test\nkek:      unknown, fingerprint "));
    let config = node.config().display().to_string();
    let run = command(["inspect", "--config", &config, "-"], &sealed);
    let out = text(&run.stdout);
    assert!(out.contains(&format!("kek:      age:{}, ", key.recipient)), "{out}");
    let run = command(["inspect"], b"k8s\0\x0a\x0c");
    assert_eq!(text(&run.stderr), "error: the value is not encrypted\n");
    let run = command(["inspect"], b"vault:v1:abc");
    assert_eq!(text(&run.stderr), "error: it is not a ciphertext of envcrypt-kms\n");
    let run = command(["inspect"], b"k8s:enc:kms:v2:name:\xff\xff");
    assert_eq!(text(&run.stderr), "error: the value is damaged: it ends too early\n");
}

#[test]
fn prepare_makes_a_directory_that_only_the_server_can_use() {
    let folder = tempfile::tempdir().expect("a directory");
    let (dir, uid) = (folder.path().join("run/envcrypt"), nix::unistd::getuid().to_string());
    let gid = nix::unistd::getgid().to_string();
    let path = dir.display().to_string();
    for _ in 0..2 {
        let run = command(["prepare", "--dir", &path, "--uid", &uid, "--gid", &gid], b"");
        assert!(run.status.success(), "{}", text(&run.stderr));
        let mode = std::fs::metadata(&dir).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o750);
    }
    write_private(&folder.path().join("file"), "");
    let file = folder.path().join("file").display().to_string();
    let run = command(["prepare", "--dir", &file, "--uid", &uid], b"");
    assert!(text(&run.stderr).contains("cannot be made"), "{}", text(&run.stderr));
}
