//! `at-rest recover`: out of a backup, with each kind of key.

use std::sync::Arc;

use super::providers::{plane_with, secret};
use super::reencrypt::age_plugin;
use crate::control_plane::{ControlPlane, Etcd};
use crate::sandbox::{Sandbox, own};

const VALUE: &str = "the-lost-value";

/// Saves a snapshot into the sandbox; returns its flag.
fn snapshot(plane: &ControlPlane, sandbox: &Sandbox) -> String {
    let path = sandbox.work().join("backup.db").display().to_string();
    plane.etcd.etcdctl(["snapshot", "save", &path]);
    format!("--snapshot={path}")
}

#[track_caller]
fn recovered(sandbox: &Sandbox, args: &[&str]) {
    let fixed = ["at-rest", "recover", "it", "-ndefault", "--kek=local"];
    let run = sandbox.run(fixed.iter().chain(args)).succeeds();
    assert!(run.stdout.contains("type: envcrypt.dev/sealed"), "{}", run.stdout);
    assert!(!run.stdout.contains(VALUE));
    let value = sandbox.pipe(&run.stdout, ["unwrap", "-f", "-", "key"]).succeeds().stdout;
    assert_eq!(value, VALUE);
}

#[test]
fn with_a_kek_of_envcrypt_kms_or_with_the_plugin_itself() {
    let (local, plugin) = age_plugin();
    let (_file, plane) = plane_with(&plugin.socket());
    plane.apply(&secret("it", VALUE));
    let backup = snapshot(&plane, &local);
    let kek = own(&local);
    recovered(&local, &[&backup, "--open-with", &kek]);
    let socket = plugin.socket().display().to_string();
    recovered(&local, &[&backup, "--socket", &socket]);
    // A machine with another key learns which KEK it needs.
    let stranger = Sandbox::with_local_key();
    let error =
        stranger.run(["at-rest", "recover", "it", "-ndefault", &backup, "--kek=local"]).fails(1);
    assert!(error.contains("envcrypt-kms of the cluster `test` encrypted it"), "{error}");
    let args =
        ["at-rest", "recover", "it", "-ndefault", &backup, "--kek=local", "--open-with", &kek];
    let error = stranger.run(args).fails(1);
    assert!(error.contains("access denied"), "{error}");
    let error =
        local.run(["at-rest", "recover", "gone", "-ndefault", &backup, "--kek=local"]).fails(1);
    assert!(error.contains("error: the backup has no Secret `default/gone`"), "{error}");
}

#[test]
fn with_a_key_of_the_encryption_configuration() {
    let sandbox = Sandbox::with_local_key();
    for provider in ["secretbox", "aesgcm", "aescbc"] {
        let file = format!("{provider}.yaml");
        let new = ["at-rest", "config", "new", "--provider", provider, "-w", &file];
        sandbox.run(new).succeeds();
        let more =
            vec![format!("--encryption-provider-config={}", sandbox.work().join(&file).display())];
        let plane = ControlPlane::with(Arc::new(Etcd::start()), more);
        plane.apply(&secret("it", VALUE));
        let stored = plane.in_etcd("default", "it");
        let prefix = format!("k8s:enc:{provider}:v1:key1:");
        assert!(stored.starts_with(prefix.as_bytes()), "{}", stored.escape_ascii());
        let backup = snapshot(&plane, &sandbox);
        recovered(&sandbox, &[&backup, "--encryption-config", &file]);
        if provider == "secretbox" {
            let args = ["at-rest", "recover", "it", "-ndefault", &backup, "--kek=local"];
            let error = sandbox.run(args).fails(1);
            assert!(error.contains("secretbox encrypted it with the key `key1`: name"), "{error}");
            // An object that was moved in etcd is not taken for another one.
            plane.copy_in_etcd("/registry/secrets/default/it", "/registry/secrets/default/moved");
            std::fs::remove_file(sandbox.work().join("backup.db")).expect("removed");
            let backup = snapshot(&plane, &sandbox);
            let config = ["--encryption-config", &file];
            let args = ["at-rest", "recover", "moved", "-ndefault", &backup, "--kek=local"];
            let error = sandbox.run(args.iter().chain(&config)).fails(1);
            assert!(error.contains("it says that it is `default/it`"), "{error}");
        }
        std::fs::remove_file(sandbox.work().join("backup.db")).expect("removed");
    }
}

#[test]
fn out_of_a_backup_that_is_not_encrypted() {
    let sandbox = Sandbox::with_local_key();
    let plane = ControlPlane::with(Arc::new(Etcd::start()), Vec::new());
    plane.apply(&secret("it", VALUE));
    let backup = snapshot(&plane, &sandbox);
    recovered(&sandbox, &[&backup]);
}
