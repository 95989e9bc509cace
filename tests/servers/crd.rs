//! `deploy/base/crd.yaml` on a real API server: what it accepts, refuses and shows.

use crate::control_plane::{ControlPlane, plane_with_crd};
use crate::sandbox::Run;

/// Text that begins like a sealed value. The API server checks no more.
const SEALED: &str = r#"{"protected":"eyJ0eXAiOiJlbnZjcnlwdC12MSJ9"}"#;

/// A resource with these lines in `spec.sealed`.
fn resource(namespace: &str, sealed: &str) -> String {
    format!(
        "apiVersion: envcrypt.dev/v1alpha1\nkind: EnvcryptSecret\n\
         metadata: {{name: db, namespace: {namespace}}}\nspec:\n  sealed:\n    seal: '{SEALED}'\n{sealed}"
    )
}

fn values(entries: &str) -> String {
    format!("    values: {{{entries}}}\n")
}

/// Applies a manifest with further arguments of kubectl.
fn apply(plane: &ControlPlane, manifest: &str, args: &[&str]) -> Run {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), manifest).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    plane.kubectl(["apply", "-f", path].iter().chain(args).copied())
}

/// What kubectl prints when it is refused.
fn refused(run: &Run) -> &str {
    assert_ne!(run.code, Some(0), "{}", run.stdout);
    &run.stderr
}

fn field(plane: &ControlPlane, namespace: &str, path: &str) -> String {
    let output = format!("-ojsonpath={{{path}}}");
    plane.kubectl(["get", "evs", "db", "-n", namespace, &output]).succeeds().stdout
}

#[test]
fn the_api_server_refuses_what_is_not_sealed() {
    let plane = plane_with_crd();
    let namespace = plane.namespace();
    for (sealed, expected) in [
        (values("a: hunter2"), "spec.sealed.values.a in body should match"),
        (
            values("a: eyJwcm90ZWN0ZWQiOiJleUowZVhBaU9p"),
            "spec.sealed.values.a in body should match",
        ),
        (values(&format!("a/b: '{SEALED}'")), "a key must have 1 to 253 letters, digits"),
        (values(&format!("{}: '{SEALED}'", "a".repeat(254))), "a key must have 1 to 253 letters"),
        ("    stringData: {a: x}\n".to_owned(), "unknown field \"spec.sealed.stringData\""),
        ("  template: {data: {a: x}}\n".to_owned(), "unknown field \"spec.template.data\""),
        ("  deletionPolicy: Keep\n".to_owned(), "supported values: \"Delete\", \"Retain\""),
    ] {
        let run = apply(plane, &resource(&namespace, &sealed), &[]);
        let error = refused(&run);
        assert!(error.contains(expected), "{sealed}: {error}");
    }
    let no_seal = resource(&namespace, &values("")).replace("seal: '{", "type: '{");
    let run = apply(plane, &no_seal, &[]);
    let error = refused(&run);
    assert!(error.contains("spec.sealed.seal: Required value"), "{error}");
    // Without validation, an unknown field is not stored.
    let unknown = resource(&namespace, "    stringData: {a: hunter2}\n");
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), unknown).expect("written");
    let path = file.path().to_str().expect("UTF-8");
    plane.kubectl(["create", "--validate=ignore", "-f", path]).succeeds();
    let stored =
        plane.raw_in_etcd(&format!("/registry/envcrypt.dev/envcryptsecrets/{namespace}/db"));
    let stored = String::from_utf8(stored).expect("JSON");
    assert!(stored.contains("\"seal\"") && !stored.contains("hunter2"), "{stored}");
}

#[test]
fn two_appliers_cannot_mix_two_sealings() {
    let plane = plane_with_crd();
    let namespace = plane.namespace();
    let one = resource(&namespace, &values(&format!("a: '{SEALED}', b: '{SEALED}'")));
    let two = resource(&namespace, &values(&format!("c: '{SEALED}'")));
    apply(plane, &one, &["--server-side", "--field-manager=one"]).succeeds();
    let run = apply(plane, &two, &["--server-side", "--field-manager=two"]);
    let error = refused(&run);
    assert!(error.contains("conflict with \"one\": .spec.sealed"), "{error}");
    apply(plane, &two, &["--server-side", "--field-manager=two", "--force-conflicts"]).succeeds();
    let left = field(plane, &namespace, ".spec.sealed.values");
    assert!(left.contains("\"c\"") && !left.contains("\"a\""), "{left}");
}

#[test]
fn the_columns_show_the_status_which_only_its_subresource_changes() {
    let plane = plane_with_crd();
    let namespace = plane.namespace();
    let manifest = resource(&namespace, &values(&format!("a: '{SEALED}'")));
    apply(plane, &(manifest + "status: {keks: forged}\n"), &["--server-side"]).succeeds();
    // Tools that wait see an object that no controller has looked at.
    assert_eq!(field(plane, &namespace, ".status"), r#"{"observedGeneration":-1}"#);
    let ready = r#"{"type":"Ready","status":"True","reason":"Delivered","message":"","lastTransitionTime":"2026-11-24T09:00:00Z"}"#;
    let patch = format!(
        r#"{{"status":{{"observedGeneration":1,"digest":"x","keks":"age:age1a,awskms:///b","sealedAt":"2026-11-24T09:00:00Z","target":{{"uid":"u","resourceVersion":"1"}},"conditions":[{ready}]}}}}"#
    );
    let to_status = ["--subresource=status", "--type=merge", "-p", &patch];
    let object = ["patch", "evs", "db", "-n", &namespace];
    plane.kubectl(object.into_iter().chain(to_status)).succeeds();
    let table = plane.kubectl(["get", "evs", "-n", &namespace]).succeeds().stdout;
    let rows: Vec<Vec<&str>> = table.lines().map(|row| row.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "READY", "REASON", "KEKS", "SEALED", "AGE"]);
    assert_eq!(rows[1][..4], ["db", "True", "Delivered", "age:age1a,awskms:///b"]);
    // `kubectl wait` and the tools of GitOps read the conditions.
    let wait = ["wait", "--for=condition=Ready", "evs/db", "--timeout=1s", "-n", &namespace];
    plane.kubectl(wait).succeeds();
}
