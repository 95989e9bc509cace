//! What kube-apiserver is told, and what etcd holds.

use std::path::Path;
use std::sync::Arc;

use crate::control_plane::{ControlPlane, Etcd};
use crate::etcd::contains;

/// One KMS provider for each of these resources.
pub fn encryption_configuration(providers: &[(&str, &str, &Path)]) -> String {
    let blocks = providers.iter().map(|(resource, name, socket)| {
        format!(
            "- resources: [{resource}]\n  providers:\n  - kms: {{apiVersion: v2, name: {name}, endpoint: 'unix://{}', timeout: 3s}}\n  - identity: {{}}\n",
            socket.display()
        )
    });
    let blocks: String = blocks.collect();
    format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{blocks}"
    )
}

/// The argument of kube-apiserver, and the file, which lives as long as the first part.
pub fn argument(configuration: &str) -> (tempfile::TempPath, Vec<String>) {
    let file = tempfile::NamedTempFile::new().expect("a file").into_temp_path();
    std::fs::write(&file, configuration).expect("written");
    let argument = format!("--encryption-provider-config={}", file.display());
    (file, vec![argument])
}

/// A control plane whose Secrets go through this socket.
pub fn plane_with(socket: &Path) -> (tempfile::TempPath, ControlPlane) {
    let (file, more) = argument(&encryption_configuration(&[("secrets", "envcrypt", socket)]));
    (file, ControlPlane::with(Arc::new(Etcd::start()), more))
}

/// A Secret with this value.
pub fn secret(name: &str, value: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Secret, metadata: {{name: {name}, namespace: default}}, stringData: {{key: {value}}}}}"
    )
}

/// What kubectl reads of it.
pub fn read(plane: &ControlPlane, name: &str) -> Option<String> {
    let run =
        plane.kubectl(["get", "secret", name, "-o", "go-template={{.data.key|base64decode}}"]);
    (run.code == Some(0)).then_some(run.stdout)
}

/// What etcd holds of a Secret: it must be encrypted by the provider.
#[track_caller]
pub fn encrypted_in_etcd(plane: &ControlPlane, name: &str, value: &str) -> Vec<u8> {
    let stored = plane.in_etcd("default", name);
    assert!(stored.starts_with(b"k8s:enc:kms:v2:envcrypt:"), "{}", stored.escape_ascii());
    assert!(!contains(&stored, value.as_bytes()));
    stored
}
