//! `doctor`: what API servers report about themselves, and what etcd proves.

use std::sync::Arc;

use super::providers::{argument, encryption_configuration, read, secret};
use super::reencrypt::age_plugin;
use crate::control_plane::{ControlPlane, Etcd};

#[test]
fn a_cluster_gets_well_step_by_step() {
    let etcd = Arc::new(Etcd::start());
    let mut plane = ControlPlane::with(etcd.clone(), Vec::new());
    plane.apply(&secret("old", "the-value"));
    let sandbox = plane.sandbox("admin");
    let server = format!("--api-server={}", plane.server);
    let live = format!("--etcd=http://127.0.0.1:{}", etcd.port);
    let doctor = || sandbox.run(["doctor", &server, &live]);

    let run = doctor();
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let says = |out: &str, grade: &str, text: &str| {
        let found = out.lines().any(|line| line.starts_with(grade) && line.contains(text));
        assert!(found, "no {grade} {text}:\n{out}");
    };
    says(&run.stdout, "likely", "it does not encrypt Secrets");
    says(&run.stdout, "proven", "Secrets that are not encrypted: 1");
    says(&run.stdout, "ok", "it uses no KMS plugin");

    let (_local, mut plugin) = age_plugin();
    let (_file, more) =
        argument(&encryption_configuration(&[("secrets", "envcrypt", &plugin.socket())]));
    plane.restart_with(more);
    plane.apply(&secret("new", "the-value"));
    read(&plane, "old");
    let run = doctor();
    says(&run.stdout, "likely", "it has read Secrets that were not encrypted in etcd");
    says(&run.stdout, "proven", "Secrets that are not encrypted: 1");
    says(&run.stdout, "ok", "its check of KMS plugins passes");

    sandbox.run(["at-rest", "reencrypt"]).succeeds();
    plane.stop_apiserver();
    plane.start_apiserver();
    plane.wait_ready();
    read(&plane, "old");
    let run = doctor();
    says(&run.stdout, "ok", "every Secret is encrypted in the way in which new ones are");
    says(&run.stdout, "ok", "it has read encrypted Secrets: k8s:enc:kms:v2:envcrypt:");
    assert!(!run.stdout.contains("likely"), "{}", run.stdout);

    plugin.kill();
    let log = tempfile::NamedTempFile::new().expect("a file");
    crate::server::wait_until("the sick plugin", log.path(), || {
        doctor().stdout.contains("proven   ")
            && doctor().stdout.contains("its KMS plugin is not healthy")
    });
}

#[test]
fn a_right_that_is_missing_is_named() {
    let plane = crate::control_plane::control_plane();
    let sandbox = plane.sandbox("developer");
    let server = format!("--api-server={}", plane.server);
    let run = sandbox.run(["doctor", &server, "-ojson"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let metrics = found.as_array().expect("a list").iter().find(|finding| {
        finding["hint"].as_str().is_some_and(|hint| hint.contains("nonResourceURLs: [/metrics]"))
    });
    assert_eq!(metrics.expect("the right for metrics")["grade"], "unknown");
    let run = sandbox.run(["doctor", &server, "--fail-on=unknown"]);
    assert_eq!(run.code, Some(1));
}
