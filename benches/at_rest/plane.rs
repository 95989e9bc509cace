//! kube-apiserver: what it is told about encryption, and a client of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use tokio::runtime::Runtime;

use crate::control_plane::ControlPlane;

/// The providers of one resource, the first of which encrypts.
pub struct Block<'a> {
    pub resource: &'a str,
    pub providers: Vec<Provider>,
}

pub enum Provider {
    Identity,
    Secretbox,
    /// A name, and a socket.
    Kms(&'static str, PathBuf),
}

impl Provider {
    fn yaml(&self) -> String {
        match self {
            Self::Identity => "identity: {}".to_owned(),
            Self::Secretbox => {
                let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
                format!("secretbox: {{keys: [{{name: key, secret: {key}}}]}}")
            }
            Self::Kms(name, socket) => format!(
                "kms: {{apiVersion: v2, name: {name}, endpoint: 'unix://{}', timeout: 3s}}",
                socket.display()
            ),
        }
    }
}

/// Writes the EncryptionConfiguration. Returns the argument of kube-apiserver.
pub fn configure(file: &Path, blocks: &[Block<'_>]) -> String {
    let block = |block: &Block<'_>| {
        let providers = block.providers.iter().map(|provider| format!("  - {}\n", provider.yaml()));
        format!(
            "- resources: [{}]\n  providers:\n{}",
            block.resource,
            providers.collect::<String>()
        )
    };
    let blocks: String = blocks.iter().map(block).collect();
    let text = format!(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{blocks}"
    );
    std::fs::write(file, text).expect("written");
    format!("--encryption-provider-config={}", file.display())
}

/// One thread: the rest of the machine is for what is measured.
pub fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A client with connections of its own.
pub async fn client(plane: &ControlPlane) -> Client {
    let kubeconfig = Kubeconfig::read_from(plane.kubeconfig("admin")).expect("a kubeconfig");
    let options = KubeConfigOptions::default();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.expect("valid");
    config.read_timeout = Some(Duration::from_secs(300));
    Client::try_from(config).expect("a client")
}
