//! What tells one cluster from another, before anything connects to it.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::server::{ClusterIdentity, normal_server};
use super::{ClusterError, ConnectOptions, Connection};

impl Connection {
    /// Describes the cluster in use. It reads the file of a certificate authority, sends nothing
    /// and runs no credential plugin.
    ///
    /// # Errors
    /// Fails where [`Connection::connect`] would fail for a cluster that is not configured, and if
    /// the certificate authority of the cluster has no certificate.
    pub async fn identity(&self) -> Result<ClusterIdentity, ClusterError> {
        let config = self.config().await?;
        let is_verified =
            !config.accept_invalid_certs && config.cluster_url.scheme_str() == Some("https");
        let certificates = config.root_cert.filter(|_| is_verified);
        if certificates.as_ref().is_some_and(Vec::is_empty) {
            let wrong = "the certificate authority of the cluster has no certificate";
            return Err(ClusterError::Credentials(wrong.to_owned()));
        }
        let certificates = certificates.unwrap_or_default();
        let written = self.server()?;
        Ok(ClusterIdentity {
            server: normal_server(&written),
            written,
            context: self.context().map(str::to_owned),
            authorities: certificates.iter().map(|der| fingerprint(der)).collect(),
        })
    }

    /// The identities of the contexts of the kubeconfig, each with its name. A context that cannot
    /// be used is left out.
    pub async fn contexts(&self) -> Vec<(String, ClusterIdentity)> {
        let mut found = Vec::new();
        for entry in self.kubeconfig.iter().flat_map(|config| &config.contexts) {
            let options =
                ConnectOptions { context: Some(entry.name.clone()), ..ConnectOptions::default() };
            let other = Self { options, kubeconfig: self.kubeconfig.clone() };
            if let Ok(identity) = other.identity().await {
                found.push((entry.name.clone(), identity));
            }
        }
        found
    }

    /// The given flags that make another cluster of the one that the context names.
    #[must_use]
    pub fn cluster_flags(&self) -> Vec<&'static str> {
        let options = &self.options;
        let all = [
            ("--cluster", options.cluster.is_some()),
            ("--server", options.server.is_some()),
            ("--certificate-authority", options.certificate_authority.is_some()),
            ("--insecure-skip-tls-verify", options.insecure_skip_tls_verify),
        ];
        all.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| flag).collect()
    }
}

fn fingerprint(der: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(der) {
        write!(text, "{byte:02x}").expect("a String");
    }
    text
}
