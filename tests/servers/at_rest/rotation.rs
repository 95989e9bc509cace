//! Two kube-apiservers with a plugin each, on one etcd, while keys change.

use std::sync::Arc;

use super::providers::{argument, encrypted_in_etcd, encryption_configuration, read, secret};
use crate::control_plane::{ControlPlane, Etcd};
use crate::kms_server::KmsServer;
use crate::sandbox::Sandbox;
use crate::server::wait_until;
use crate::vault::{vault, with_vault};

/// The key id that etcd holds with a Secret.
fn key_id(plane: &ControlPlane, name: &str) -> String {
    let stored = encrypted_in_etcd(plane, name, "the-value");
    let at = stored.windows(10).position(|w| w == b"envcrypt1-").expect("a key id");
    let id = stored[at..].iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-');
    id.map(|byte| char::from(*byte)).take(42).collect()
}

#[test]
fn two_servers_agree_on_the_key_id_and_follow_a_rotation() {
    let key = vault().key();
    let sandbox = with_vault(Sandbox::new(), vault().port);
    let start = || {
        let kek = format!("hashivault://{key}");
        KmsServer::start(&[kek], "", &sandbox.environment())
    };
    let plugins = [start(), start()];
    let before = plugins[0].wait_ready();
    assert_eq!(plugins[1].wait_ready(), before);
    let etcd = Arc::new(Etcd::start());
    let planes = plugins.each_ref().map(|plugin| {
        let configuration = encryption_configuration(&[("secrets", "envcrypt", &plugin.socket())]);
        let (file, more) = argument(&configuration);
        (file, ControlPlane::with(etcd.clone(), more))
    });
    let [(_, one), (_, two)] = &planes;
    one.apply(&secret("it", "the-value"));
    assert_eq!(read(two, "it").as_deref(), Some("the-value"));
    assert_eq!(key_id(one, "it"), before);

    let admin = Sandbox::new().env("KUBECONFIG", one.kubeconfig("admin").display().to_string());
    let servers = [one, two].map(|plane| format!("--api-server={}", plane.server));
    let live = format!("--etcd=http://127.0.0.1:{}", etcd.port);
    let rotate = ["at-rest", "rotate", "--kms", &servers[0], &servers[1], &live];
    // Nothing was rotated yet, and that is no proof of anything.
    let error = admin.run(rotate.iter().chain(&["--insecure-skip-tls-verify"])).fails(1);
    assert!(error.contains("there is nothing to rotate"), "{error}");

    vault().bao(["write", "-f", &format!("transit/keys/{key}/rotate")]).succeeds();
    for plugin in &plugins {
        plugin.wait_status(|id| id.as_ref().is_ok_and(|id| *id != before));
    }
    let after = plugins[0].status().expect("ready");
    assert_eq!(plugins[1].status().expect("ready"), after);
    // kube-apiserver sees it when it asks for the status again.
    for (number, plane) in [one, two].into_iter().enumerate() {
        let name = format!("new-{number}");
        let log = tempfile::NamedTempFile::new().expect("a file");
        wait_until("the rotation", log.path(), || {
            plane.kubectl(["get", "--raw", "/readyz"]);
            plane.apply(&secret(&name, "the-value"));
            plane.kubectl(["annotate", "secret", &name, "--overwrite", &format!("n={}", nanos())]);
            key_id(plane, &name) == after
        });
    }
    assert_eq!(key_id(one, "it"), before, "it stays until it is written again");
    let verify = admin.run(["at-rest", "verify", &live, "--expect", "kms:envcrypt"]);
    assert!(verify.stdout.contains("stale: secrets/default/it ("), "{}", verify.stdout);
    assert_eq!(verify.code, Some(1));
    let run = admin.run(rotate.iter().chain(&["--insecure-skip-tls-verify"])).succeeds();
    assert!(run.stdout.contains("secrets: 1 re-encrypted, 2 unchanged"), "{}", run.stdout);
    assert!(run.stdout.ends_with("the old one can be disabled\n"), "{}", run.stdout);
    assert_eq!(key_id(one, "it"), after);
    assert_eq!(read(two, "it").as_deref(), Some("the-value"));
    assert_eq!(read(two, "new-0").as_deref(), Some("the-value"));
}

pub fn nanos() -> u128 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.expect("after 1970").as_nanos()
}
