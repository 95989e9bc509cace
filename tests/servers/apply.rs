//! `apply` against a real API server: sealed as they are, and unwrapped.

use crate::control_plane::{ControlPlane, control_plane};
use crate::etcd::contains;
use crate::sandbox::Sandbox;

/// Writes a sealed `db` to `db.yaml`.
fn write(sandbox: &Sandbox, namespace: &str, args: &[&str]) {
    std::fs::remove_file(sandbox.work().join("db.yaml")).ok();
    let fixed = ["create", "db", "-n", namespace, "--kek=local", "-w", "db.yaml"];
    sandbox.run(fixed.iter().chain(args)).succeeds();
}

fn live(plane: &ControlPlane, namespace: &str, path: &str) -> String {
    let output = format!("-ojsonpath={{{path}}}");
    plane.kubectl(["get", "secret", "db", "-n", namespace, &output]).succeeds().stdout
}

#[test]
fn sealed_is_applied_as_it_is_and_again_with_another_value() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    write(&sandbox, &namespace, &["--from-literal=a=hunter2-one", "--labels=app=web"]);
    let run = sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(run.stdout, "secret/db serverside-applied\n");
    let first = live(plane, &namespace, ".data.a");
    assert!(sandbox.read("db.yaml").contains(&first), "what stands in the file is what is applied");
    assert_eq!(live(plane, &namespace, ".metadata.labels.app"), "web");
    assert_eq!(live(plane, &namespace, ".metadata.managedFields[0].manager"), "kubectl-envcrypt");
    write(&sandbox, &namespace, &["--from-literal=b=hunter2-two"]);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(live(plane, &namespace, ".data.a"), "", "a key that is gone from the file is gone");
    assert!(!contains(&plane.in_etcd(&namespace, "db"), b"hunter2"));
}

#[test]
fn unwrapped_is_applied_as_the_real_type() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    write(
        &sandbox,
        &namespace,
        &["--type=basic-auth", "--from-literal=username=me", "--from-literal=password=hunter2"],
    );
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).succeeds();
    assert_eq!(live(plane, &namespace, ".type"), "kubernetes.io/basic-auth");
    assert_eq!(live(plane, &namespace, ".data.password"), "aHVudGVyMg==");
    let annotations = live(plane, &namespace, ".metadata.annotations");
    let annotations: serde_json::Value = serde_json::from_str(&annotations).expect("JSON");
    let names: Vec<_> = annotations.as_object().expect("a map").keys().collect();
    assert_eq!(names, ["envcrypt.dev/sealed-at"], "no seal, and no copy of the manifest");
}

#[test]
fn a_plain_secret_of_the_same_name_is_not_turned_into_another_type() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    plane
        .kubectl(["create", "secret", "generic", "db", "-n", &namespace, "--from-literal=a=theirs"])
        .succeeds();
    write(&sandbox, &namespace, &["--from-literal=a=ours"]);
    for force in [&[][..], &["--force-conflicts"]] {
        let error = sandbox.run(["apply", "-f", "db.yaml"].iter().chain(force)).fails(1);
        assert!(
            error.contains(&format!("already exists with another type, and the type of a Secret cannot change\nhint: to replace a plain Secret with a sealed one, run `kubectl envcrypt seal db -n {namespace} --replace`")),
            "{error}"
        );
    }
    assert_eq!(live(plane, &namespace, ".data.a"), "dGhlaXJz", "nothing was changed");
}

#[test]
fn a_conflict_is_told_and_forced_only_when_asked() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    plane
        .kubectl(["create", "secret", "generic", "db", "-n", &namespace, "--from-literal=a=theirs"])
        .succeeds();
    write(&sandbox, &namespace, &["--from-literal=a=ours"]);
    let error = sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("has fields that `kubectl-create` manages: .data.a\nhint: take over the fields with `--force-conflicts`"), "{error}");
    assert_eq!(live(plane, &namespace, ".data.a"), "dGhlaXJz");
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml", "--force-conflicts"]).succeeds();
    assert_eq!(live(plane, &namespace, ".data.a"), "b3Vycw==");
}

#[test]
fn an_immutable_secret_is_not_changed() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    write(&sandbox, &namespace, &["--from-literal=a=one", "--immutable"]);
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).succeeds();
    write(&sandbox, &namespace, &["--from-literal=a=two", "--immutable"]);
    let error = sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).fails(1);
    assert!(
        error.contains(&format!("error: the Secret `{namespace}/db` is immutable\nhint: ")),
        "{error}"
    );
    assert_eq!(live(plane, &namespace, ".data.a"), "b25l");
}

#[test]
fn the_largest_sealed_secret_fits_into_the_cluster() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    sandbox.write("big", vec![7; 780_000]);
    write(&sandbox, &namespace, &["--from-file=big"]);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    let run = sandbox.run(["unwrap", "db", "big", "-n", &namespace]).succeeds();
    assert_eq!(run.stdout.len(), 780_000);
}

#[test]
fn without_the_right_to_it_nothing_is_applied() {
    let plane = control_plane();
    let sandbox = plane.sandbox("developer");
    write(&sandbox, "kube-system", &["--from-literal=a=hunter2"]);
    for unwrap in [&[][..], &["--unwrap"]] {
        let error = sandbox.run(["apply", "-f", "db.yaml"].iter().chain(unwrap)).fails(1);
        assert!(
            error.contains("error: you may not patch Secrets in the namespace `kube-system`"),
            "{error}"
        );
        assert!(!error.contains("hunter2") && !error.contains("aHVudGVyMg"), "{error}");
    }
    let error = sandbox.run(["apply", "-f", "db.yaml", "-n", "default"]).fails(1);
    assert!(error.contains("is not in the namespace `default`, which `-n` names"), "{error}");
}

#[test]
fn many_are_applied_at_once_and_one_that_fails_does_not_stop_the_others() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("developer"));
    for index in 0..40 {
        let (name, file) = (format!("many-{index}"), format!("d/{index}.yaml"));
        std::fs::create_dir_all(sandbox.work().join("d")).expect("made");
        let args = ["create", &name, "-n", &namespace, "--kek=local", "--generate=a", "-w", &file];
        sandbox.run(args).succeeds();
    }
    plane.kubectl(["create", "secret", "generic", "many-7", "-n", &namespace]).succeeds();
    let run = sandbox.run(["apply", "-f", "d"]);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    assert_eq!(run.stdout.lines().count(), 39, "{}", run.stdout);
    assert!(run.stderr.contains("many-7` already exists with another type"), "{}", run.stderr);
    assert!(run.stderr.contains("error: 1 of 40 failed; the others are done"), "{}", run.stderr);
    plane.kubectl(["delete", "secret", "many-7", "-n", &namespace]).succeeds();
    assert_eq!(sandbox.run(["apply", "-f", "d"]).succeeds().stdout.lines().count(), 40);
    let run = sandbox.run(["apply", "-f", "d", "--dry-run=server"]).succeeds();
    assert!(run.stdout.lines().all(|line| line.contains("(server dry run) (d/")));
}

#[test]
fn what_client_side_apply_left_behind_is_taken_off() {
    let plane = control_plane();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    write(&sandbox, &namespace, &["--from-literal=a=hunter2"]);
    let path = sandbox.work().join("db.yaml").display().to_string();
    plane.kubectl(["apply", "-f", &path]).succeeds();
    // kubectl's copy of a sealed manifest is itself sealed, so it is no reason to refuse.
    sandbox.run(["unwrap", "db", "-n", &namespace]).succeeds();
    let live = plane.kubectl(["get", "secret", "db", "-n", &namespace, "-oyaml"]).succeeds().stdout;
    sandbox.write("live.yaml", live);
    let run = sandbox.run(["apply", "-f", "live.yaml", "--force-conflicts"]).succeeds();
    assert_eq!(run.stdout, "secret/db serverside-applied\n");

    // A plain one keeps its values there: they go when it is taken over.
    let namespace = plane.namespace();
    let manifest = sandbox.write("plain.yaml", format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: {namespace}}}\nstringData: {{a: hunter2-before}}\n"));
    plane.kubectl(["apply", "-f", &manifest.display().to_string()]).succeeds();
    assert!(contains(&plane.in_etcd(&namespace, "db"), b"last-applied-configuration"));
    write(&sandbox, &namespace, &["--from-literal=a=after"]);
    sandbox.run(["apply", "--unwrap", "-f", "db.yaml", "--force-conflicts"]).succeeds();
    let annotations = self::live(plane, &namespace, ".metadata.annotations");
    assert!(
        !annotations.contains("last-applied") && !annotations.contains("hunter2"),
        "{annotations}"
    );
    assert_eq!(self::live(plane, &namespace, ".data.a"), "YWZ0ZXI=");
}

/// Prod's file, copied into dev's directory, does not reach dev's cluster.
#[test]
fn a_rule_says_to_which_cluster_a_secret_may_go() {
    let plane = control_plane();
    let namespace = plane.namespace();
    let sandbox = plane.sandbox("admin").env("ENVCRYPT_KEK", "local");
    let create = ["create", "db", "--generate=a", "-n", &namespace, "-w", "prod/db.yaml"];
    std::fs::create_dir(sandbox.work().join("prod")).expect("made");
    sandbox.run(create).succeeds();
    let rules = |cluster: &str| {
        let rules = format!("rules: [{{path: 'prod/**', cluster: '{cluster}', keks: [local]}}]");
        sandbox.write(".envcrypt.yaml", rules);
    };
    rules("https://prod.example:6443");
    for args in [&["apply", "-f", "prod"][..], &["apply", "--unwrap", "-f", "prod/db.yaml"]] {
        let error = sandbox.run(args).fails(1);
        assert!(error.contains("is not for the cluster `https://127.0.0.1:"), "{error}");
        assert!(error.contains("names `https://prod.example:6443`"), "{error}");
    }
    let get = ["get", "secret", "db", "-n", &namespace];
    assert_ne!(plane.kubectl(get).code, Some(0), "nothing was applied");
    rules("https://127.0.0.1:*");
    sandbox.run(["apply", "-f", "prod"]).succeeds();
}
