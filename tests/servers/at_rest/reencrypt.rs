//! `at-rest reencrypt`: from plain to encrypted, without any value on the wire.

use std::sync::Arc;

use super::providers::{
    argument, encrypted_in_etcd, encryption_configuration, plane_with, read, secret,
};
use crate::control_plane::{ControlPlane, Etcd};
use crate::etcd::contains;
use crate::kms_server::KmsServer;
use crate::sandbox::{Sandbox, own};

/// A plugin with an age key.
pub fn age_plugin() -> (Sandbox, KmsServer) {
    let local = Sandbox::with_local_key();
    let identity = local.config().join("identities/local.txt");
    let kek = format!("{{kek: '{}', identity: {}}}", own(&local), identity.display());
    let plugin = KmsServer::start(&[kek], "", &[]);
    plugin.wait_ready();
    (local, plugin)
}

/// The experiment of the articles: plain, then configured, then encrypted again.
#[test]
fn what_was_plain_is_encrypted_and_stays_the_same_object() {
    let etcd = Arc::new(Etcd::start());
    let mut plane = ControlPlane::with(etcd.clone(), Vec::new());
    for number in 0..20 {
        plane.apply(&secret(&format!("s{number}"), "the-plain-value"));
    }
    let immutable = "{apiVersion: v1, kind: Secret, metadata: {name: fixed, namespace: default}, immutable: true, stringData: {key: the-plain-value}}";
    plane.apply(immutable);
    assert!(contains(&plane.in_etcd("default", "s7"), b"the-plain-value"));

    let (_local, plugin) = age_plugin();
    let (_file, more) =
        argument(&encryption_configuration(&[("secrets", "envcrypt", &plugin.socket())]));
    plane.restart_with(more);
    assert!(contains(&plane.in_etcd("default", "s7"), b"the-plain-value"), "still plain");
    let show = ["get", "secret", "s7", "-o", "yaml", "--show-managed-fields"];
    let before = plane.kubectl(show).succeeds().stdout;

    let sandbox = plane.sandbox("admin");
    let run = sandbox.run(["at-rest", "reencrypt"]).succeeds();
    assert!(run.stdout.starts_with("secrets: 21 re-encrypted"), "{}", run.stdout);
    for name in ["s0", "s7", "s19", "fixed"] {
        encrypted_in_etcd(&plane, name, "the-plain-value");
        assert_eq!(read(&plane, name).as_deref(), Some("the-plain-value"));
    }
    // Only its resource version is another one: no field has a new manager.
    let after = plane.kubectl(show).succeeds().stdout;
    let without = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("resourceVersion"));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(without(&before), without(&after));
    let again = sandbox.run(["at-rest", "reencrypt", "secrets"]).succeeds();
    assert!(again.stdout.starts_with("secrets: 21 unchanged"), "{}", again.stdout);
}

/// A field manager that applies no field gives up those that it applied before: they would be
/// removed from each Secret that `apply` has put there.
#[test]
fn what_this_plugin_applied_keeps_its_values() {
    let mut plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    let sandbox = plane.sandbox("admin");
    for (name, unwrap) in [("sealed", None), ("opened", Some("--unwrap"))] {
        let file = format!("{name}.yaml");
        let value = "--from-literal=key=the-value";
        sandbox.run(["create", name, "-ndefault", "--kek=local", value, "-w", &file]).succeeds();
        sandbox.run(["apply", "-f", &file].into_iter().chain(unwrap)).succeeds();
    }
    let data = |plane: &ControlPlane| {
        let show = ["get", "secret", "sealed", "opened", "-o", "jsonpath={.items[*].data}"];
        plane.kubectl(show).succeeds().stdout
    };
    let before = data(&plane);
    let (_local, plugin) = age_plugin();
    let (_file, more) =
        argument(&encryption_configuration(&[("secrets", "envcrypt", &plugin.socket())]));
    plane.restart_with(more);
    let run = sandbox.run(["at-rest", "reencrypt"]).succeeds();
    assert!(run.stdout.starts_with("secrets: 2 re-encrypted"), "{}", run.stdout);
    assert_eq!(data(&plane), before);
    assert_eq!(read(&plane, "opened").as_deref(), Some("the-value"));
}

#[test]
fn no_value_crosses_the_wire() {
    let (_local, plugin) = age_plugin();
    let (_file, plane) = plane_with(&plugin.socket());
    for number in 0..5 {
        plane.apply(&secret(&format!("s{number}"), "the-value-that-must-not-travel"));
    }
    let recorder = crate::recorder::Recorder::start(&plane);
    let sandbox =
        plane.sandbox("admin").env("KUBECONFIG", recorder.kubeconfig().display().to_string());
    sandbox.run(["at-rest", "reencrypt", "--disable-compression"]).succeeds();
    let received = recorder.received();
    assert!(contains(&received, b"PartialObjectMetadata"), "it records");
    let encoded = "dGhlLXZhbHVlLXRoYXQ";
    assert!(!contains(&received, encoded.as_bytes()) && !contains(&received, b"the-value-that"));
}

#[test]
fn rights_and_names_that_are_missing_are_told() {
    let plane = crate::control_plane::control_plane();
    let developer = plane.sandbox("developer");
    let error = developer.run(["at-rest", "reencrypt"]).fails(1);
    assert!(error.contains("error: you may not list secrets in all namespaces"), "{error}");
    let admin = plane.sandbox("admin");
    let error = admin.run(["at-rest", "reencrypt", "sekrets"]).fails(1);
    assert!(error.contains("the API server has no resource `sekrets`"), "{error}");
    let error = admin.run(["at-rest", "reencrypt", "deployments"]).fails(1);
    assert!(error.contains("write the group after a dot"), "{error}");
    let run = admin.run(["at-rest", "reencrypt", "deployments.apps"]).succeeds();
    assert!(run.stdout.starts_with("deployments.apps: "), "{}", run.stdout);
}
