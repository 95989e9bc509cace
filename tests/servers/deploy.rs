//! What `at-rest deploy` writes, as kubeadm and Kubernetes read it.
//!
//! The files are those that the tests of the crate `envcrypt-at-rest` compare byte for byte.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::find;
use crate::sandbox::Run;

fn made(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/at-rest/tests/deploy").join(path)
}

fn validate(kind: &str, paths: &[&Path]) -> Run {
    let mut command = Command::new(find("validate"));
    Run::from(command.arg(kind).args(paths).output().expect("the validator starts"))
}

#[test]
fn kube_apiserver_accepts_each_encryption_configuration() {
    for path in [
        "daemonset/node/etc/kubernetes/encryption/config.yaml",
        "k3s/node/etc/rancher/k3s/encryption/config.yaml",
        "kind/node/etc/kubernetes/encryption/config.yaml",
        "kops/encryption-config.yaml",
        "kops/first-round.yaml",
        "kubeadm/node/etc/kubernetes/encryption/config.yaml",
        "kubeadm/first-round.yaml",
        "microk8s/node/etc/kubernetes/encryption/config.yaml",
        "minikube/node/var/lib/minikube/certs/envcrypt/encryption.yaml",
        "rke2/node/etc/rancher/rke2/encryption/config.yaml",
        "systemd/node/etc/kubernetes/encryption/config.yaml",
    ] {
        validate("encryption", &[&made(path)]).succeeds();
    }
}

#[test]
fn kubernetes_accepts_the_pods() {
    let pod = made("kubeadm/node/etc/kubernetes/manifests/envcrypt-kms.yaml");
    validate("pod", &[&pod]).succeeds();
    validate("daemonset", &[&made("daemonset/daemonset.yaml")]).succeeds();
}

/// What kube-apiserver must have, each line once or more.
const NEEDED: [&str; 4] = [
    "- --encryption-provider-config=/etc/kubernetes/encryption/config.yaml\n",
    "- --encryption-provider-config-automatic-reload=true\n",
    "- mountPath: /etc/kubernetes/encryption\n",
    "- mountPath: /run/envcrypt\n",
];

#[test]
fn kubeadm_starts_kube_apiserver_with_the_kms() {
    let folder = tempfile::tempdir().expect("a folder");
    let none = folder.path().join("none");
    std::fs::create_dir(&none).expect("a folder");
    let empty = folder.path().join("empty.yaml");
    let text = "apiVersion: kubeadm.k8s.io/v1beta4\nkind: ClusterConfiguration\n";
    std::fs::write(&empty, text).expect("written");
    let fragment = made("kubeadm/kubeadm-cluster-configuration.yaml");
    let patches = made("kubeadm/node/etc/kubernetes/patches");
    // An upgrade may know only the patches or only the ClusterConfiguration. Both together must
    // not declare a volume twice.
    for (configuration, patches) in [(&fragment, &none), (&empty, &patches), (&fragment, &patches)]
    {
        let pod = validate("kubeadm", &[configuration, patches]).succeeds().stdout;
        for needed in NEEDED {
            assert!(pod.contains(needed), "{needed} is missing: {pod}");
        }
    }
    let pod = validate("kubeadm", &[&empty, &none]).succeeds().stdout;
    assert!(!pod.contains("encryption"), "{pod}");
}
