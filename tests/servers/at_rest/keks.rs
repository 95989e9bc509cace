//! Each kind of KEK.

use std::path::PathBuf;
use std::sync::Arc;

use super::providers::{argument, encryption_configuration};
use crate::clouds::{AZURE_KEK, Clouds, GOOGLE_KEK};
use crate::control_plane::{ControlPlane, Etcd};
use crate::etcd::contains;
use crate::kms::{kms, with_kms};
use crate::kms_server::KmsServer;
use crate::plugin::Plugin;
use crate::sandbox::{Sandbox, own};
use crate::vault::{vault, with_vault};

/// One kube-apiserver, six kinds of KEK: each protects another resource.
#[test]
fn each_kind_of_kek_protects_what_is_in_etcd() {
    let (clouds, plugin) = (Clouds::start(), Plugin::start());
    let local = Sandbox::with_local_key();
    let identity = local.config().join("identities/local.txt");
    let age = format!("{{kek: '{}', identity: {}}}", own(&local), identity.display());
    let aws = with_kms(Sandbox::new(), kms().port);
    let bao = with_vault(Sandbox::new(), vault().port);
    let cloud = clouds.sandbox(Sandbox::new());
    let none = Sandbox::new();
    let servers: Vec<(&str, &str, KmsServer)> = [
        ("secrets", "age", age, &none),
        ("configmaps", "aws", format!("awskms:///{}", kms().key()), &aws),
        ("podtemplates", "vault", format!("hashivault://{}", vault().key()), &bao),
        ("limitranges", "google", GOOGLE_KEK.to_owned(), &cloud),
        ("resourcequotas", "azure", AZURE_KEK.to_owned(), &cloud),
        ("serviceaccounts", "plugin", plugin.kek(), &none),
    ]
    .into_iter()
    .map(|(resource, name, kek, sandbox)| {
        (resource, name, KmsServer::start(&[kek], "", &sandbox.environment()))
    })
    .collect();
    let sockets: Vec<PathBuf> = servers.iter().map(|(_, _, server)| server.socket()).collect();
    let providers: Vec<_> = servers
        .iter()
        .zip(&sockets)
        .map(|((resource, name, _), socket)| (*resource, *name, socket.as_path()))
        .collect();
    let (_file, more) = argument(&encryption_configuration(&providers));
    for (_, _, server) in &servers {
        server.wait_ready();
    }
    let mut plane = ControlPlane::with(Arc::new(Etcd::start()), more);
    let kinds =
        ["Secret", "ConfigMap", "PodTemplate", "LimitRange", "ResourceQuota", "ServiceAccount"];
    for kind in kinds {
        let more = match kind {
            "PodTemplate" => ", template: {spec: {containers: [{name: c, image: i}]}}",
            "LimitRange" => ", spec: {limits: []}",
            _ => "",
        };
        plane.apply(&format!(
            "{{apiVersion: v1, kind: {kind}, metadata: {{name: it, namespace: default, annotations: {{note: MARKER-{kind}}}}}{more}}}"
        ));
    }
    let check = |plane: &ControlPlane| {
        for ((resource, name, _), kind) in servers.iter().zip(kinds) {
            let stored = plane.raw_in_etcd(&format!("/registry/{resource}/default/it"));
            let prefix = format!("k8s:enc:kms:v2:{name}:");
            assert!(stored.starts_with(prefix.as_bytes()), "{name}: {}", stored.escape_ascii());
            assert!(!contains(&stored, b"MARKER"), "{name}");
            let read = plane.kubectl(["get", resource, "it", "-o", "yaml"]).succeeds().stdout;
            assert!(read.contains(&format!("MARKER-{kind}")), "{name}: {read}");
        }
    };
    check(&plane);
    // kube-apiserver has nothing in memory then, and the plugins have.
    plane.stop_apiserver();
    plane.start_apiserver();
    plane.wait_ready();
    check(&plane);
}
