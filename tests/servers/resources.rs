//! Commands on EnvcryptSecrets of a real API server.

use std::sync::Arc;

use crate::control_plane::plane_with_crd;
use crate::control_plane::{ControlPlane, Etcd};
use crate::sandbox::Sandbox;

fn field(plane: &ControlPlane, namespace: &str, path: &str) -> String {
    let output = format!("-ojsonpath={{{path}}}");
    plane.kubectl(["get", "evs", "db", "-n", namespace, &output]).succeeds().stdout
}

/// Writes an EnvcryptSecret `db` to `db.yaml`.
fn write(sandbox: &Sandbox, namespace: &str, args: &[&str]) {
    std::fs::remove_file(sandbox.work().join("db.yaml")).ok();
    let fixed = ["create", "db", "-n", namespace, "--kek=local", "-w", "db.yaml"];
    let kind = ["--kind=envcryptsecret"];
    sandbox.run(fixed.iter().chain(&kind).chain(args)).succeeds();
}

/// Gives the developer the right to list Secrets, and no right on EnvcryptSecrets.
fn let_list_secrets(plane: &ControlPlane, namespace: &str) {
    plane.apply(&format!(
        "{{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {{name: reader, namespace: {namespace}}}, \
         rules: [{{apiGroups: [''], resources: [secrets], verbs: [list]}}]}}\n---\n\
         {{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: reader, namespace: {namespace}}}, \
         roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}}, \
         subjects: [{{kind: User, name: developer, apiGroup: rbac.authorization.k8s.io}}]}}\n"
    ));
}

#[test]
fn a_file_is_applied_as_the_custom_resource_and_again_with_other_values() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    write(&sandbox, &namespace, &["--from-literal=a=hunter2", "--labels=app=web"]);
    let run = sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(run.stdout, "envcryptsecret/db serverside-applied\n");
    let first = field(plane, &namespace, ".spec.sealed.values.a");
    assert!(sandbox.read("db.yaml").contains(&first), "what stands in the file is applied");
    assert_eq!(field(plane, &namespace, ".spec.template.labels.app"), "web");
    assert_eq!(field(plane, &namespace, ".metadata.labels"), "");
    write(&sandbox, &namespace, &["--from-literal=b=hunter2"]);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    assert_eq!(field(plane, &namespace, ".spec.sealed.values.a"), "");
    // What `kubectl get` prints can be applied again, without its status.
    let got = plane.kubectl(["get", "evs", "db", "-n", &namespace, "-oyaml"]).succeeds().stdout;
    sandbox.write("got.yaml", got);
    sandbox.run(["apply", "-f", "got.yaml"]).succeeds();
    sandbox.run(["diff", "-f", "got.yaml"]).succeeds();
    // kubectl applies the same file.
    let file = sandbox.work().join("db.yaml").display().to_string();
    let manager = "--field-manager=kubectl-envcrypt";
    plane.kubectl(["apply", "--server-side", manager, "-f", &file]).succeeds();
    let error = sandbox.run(["apply", "-f", "db.yaml", "--restart", "-y"]).fails(2);
    assert!(error.contains("the controller makes it"), "{error}");
    let run = sandbox.run(["apply", "--unwrap", "-f", "db.yaml"]).succeeds();
    assert_eq!(run.stdout, "secret/db serverside-applied\n");
    let plain = plane.kubectl(["get", "secret", "db", "-n", &namespace, "-ojsonpath={.data.b}"]);
    assert_eq!(plain.succeeds().stdout, "aHVudGVyMg==");
}

#[test]
fn an_older_file_does_not_undo_a_change_in_the_cluster() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    write(&sandbox, &namespace, &["--from-literal=a=one"]);
    sandbox.run(["apply", "-f", "db.yaml"]).succeeds();
    let run = sandbox.run(["set", "evs/db", "-n", &namespace, "--from-literal=a=two"]).succeeds();
    assert_eq!(run.stdout, "envcryptsecret/db changed\n");
    let error = sandbox.run(["apply", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("is not newer than the live one"), "{error}");
    sandbox.run(["apply", "-f", "db.yaml", "--allow-older"]).succeeds();
    let run = sandbox.run(["unwrap", "evs/db", "a", "-n", &namespace]).succeeds();
    assert_eq!(run.stdout, "one");
}

#[test]
fn every_command_changes_the_resource_that_a_person_names() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let run = |args: &[&str]| sandbox.run(args.iter().chain(&["-n", &namespace]));
    let create = ["create", "db", "--kek=local", "--kind=envcryptsecret", "--type=basic-auth"];
    let values = ["--from-literal=username=me", "--from-literal=password=one"];
    let more = ["--from-literal=extra=x"];
    let words: Vec<_> = create.iter().chain(&values).chain(&more).copied().collect();
    assert_eq!(run(&words).succeeds().stdout, "envcryptsecret/db created\n");
    let error = run(&words).fails(1);
    assert!(
        error.contains(&format!("the EnvcryptSecret `{namespace}/db` already exists")),
        "{error}"
    );
    run(&["set", "envcryptsecret/db", "--from-literal=password=two"]).succeeds();
    run(&["unset", "evs/db", "extra"]).succeeds();
    assert_eq!(field(plane, &namespace, ".spec.sealed.values.extra"), "", "the key is gone");
    let before = field(plane, &namespace, ".spec.sealed.values.password");
    assert_eq!(run(&["rotate", "evs/db"]).succeeds().stdout, "envcryptsecret/db rotated\n");
    assert_ne!(field(plane, &namespace, ".spec.sealed.values.password"), before);
    assert_eq!(run(&["unwrap", "evs/db", "password"]).succeeds().stdout, "two");
    assert!(run(&["inspect", "evs/db"]).succeeds().stdout.contains("kubernetes.io/basic-auth"));
    // The Secret of this name is another object.
    let error = run(&["unwrap", "db", "password"]).fails(1);
    assert!(error.contains(&format!("the Secret `{namespace}/db` does not exist")), "{error}");
    let error = run(&["unwrap", "evs/none", "password"]).fails(1);
    assert!(
        error.contains(&format!("the EnvcryptSecret `{namespace}/none` does not exist")),
        "{error}"
    );
    let error = run(&["seal", "evs/db"]).fails(2);
    assert!(error.contains("name a Secret here"), "{error}");
    assert_eq!(field(plane, &namespace, ".spec.sealed.type"), "kubernetes.io/basic-auth");
}

#[test]
fn one_table_lists_both_kinds_and_a_change_to_all_changes_both() {
    let plane = plane_with_crd();
    let (namespace, sandbox) = (plane.namespace(), plane.sandbox("admin"));
    let run = |args: &[&str]| sandbox.run(args.iter().chain(&["-n", &namespace]));
    let create = |name: &str, kind: &str| {
        let kind = format!("--kind={kind}");
        run(&["create", name, "--kek=local", "--from-literal=a=x", &kind]).succeeds();
    };
    create("db", "envcryptsecret");
    create("db", "secret");
    create("web", "secret");
    let table = run(&["get"]).succeeds().stdout;
    let names: Vec<_> =
        table.lines().map(|l| l.split_whitespace().nth(1).expect("a name")).collect();
    assert_eq!(names, ["NAME", "db", "envcryptsecret/db", "web"]);
    let run_names = run(&["get", "-o", "name"]).succeeds();
    assert_eq!(run_names.stdout, "secret/db\nenvcryptsecret/db\nsecret/web\n");
    let json = run(&["get", "-o", "json"]).succeeds().stdout;
    let list: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(list["items"][1]["kind"], "EnvcryptSecret");
    let one = run(&["get", "evs/db", "-o", "name"]).succeeds().stdout;
    assert_eq!(one, "envcryptsecret/db\n");
    plane.kubectl(["label", "evs", "db", "team=a", "-n", &namespace]).succeeds();
    let one = run(&["get", "-l", "team=a", "-o", "name"]).succeeds().stdout;
    assert_eq!(one, "envcryptsecret/db\n");
    let rotated = run(&["rotate", "-l", "team!=b"]).succeeds().stdout;
    assert_eq!(rotated.lines().count(), 3, "{rotated}");
    assert!(rotated.contains("envcryptsecret/db rotated"), "{rotated}");
}

#[test]
fn someone_without_rights_on_resources_still_sees_the_secrets() {
    let plane = plane_with_crd();
    let namespace = plane.namespace();
    let_list_secrets(plane, &namespace);
    let sandbox = plane.sandbox("developer");
    sandbox.run(["create", "db", "-n", &namespace, "--kek=local", "--from-literal=a=x"]).succeeds();
    let run = sandbox.run(["get", "-n", &namespace]).succeeds();
    assert!(run.stdout.contains("db"), "{}", run.stdout);
    let warning =
        format!("warning: you may not list EnvcryptSecrets in the namespace `{namespace}`");
    assert!(run.stderr.contains(&warning), "{}", run.stderr);
    write(&sandbox, &namespace, &["--from-literal=a=x"]);
    let error = sandbox.run(["apply", "-f", "db.yaml"]).fails(1);
    assert!(error.contains("you may not patch EnvcryptSecrets"), "{error}");
}

#[test]
fn a_cluster_without_the_crd_has_no_resources_and_says_what_is_missing() {
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    let namespace = plane.namespace();
    for user in ["admin", "developer"] {
        let sandbox = plane.sandbox(user);
        write(&sandbox, &namespace, &["--from-literal=a=x"]);
        if user == "admin" {
            let missing = "the cluster does not have the custom resource EnvcryptSecret\nhint: an administrator installs it with `kubectl apply";
            for args in [&["apply", "-f", "db.yaml"][..], &["unwrap", "evs/db"]] {
                let error = sandbox.run(args.iter().chain(&["-n", &namespace])).fails(1);
                assert!(error.contains(missing), "{error}");
            }
            let create = ["create", "db", "-n", &namespace, "--kind=envcryptsecret", "--kek=local"];
            let error = sandbox.run(create.iter().chain(&["--from-literal=a=x"])).fails(1);
            assert!(error.contains(missing), "{error}");
            sandbox
                .run(["create", "db", "-n", &namespace, "--kek=local", "--from-literal=a=x"])
                .succeeds();
        }
        let_list_secrets(&plane, &namespace);
        // Also for someone to whom the API server does not say that there is no such resource.
        let run = sandbox.run(["get", "-n", &namespace]).succeeds();
        assert!(run.stdout.contains("db") && run.stderr.is_empty(), "{}", run.stderr);
    }
}
