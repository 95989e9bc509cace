//! What tells one cluster from another, before anything connects to it.

use std::fmt::Write;
use std::net::{IpAddr, Ipv6Addr};

use sha2::{Digest, Sha256};
use url::Host;

use super::connect::without_user;
use super::{ClusterError, ConnectOptions, Connection};

/// The cluster in use, as the kubeconfig and the flags describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterIdentity {
    /// The URL of the API server, as [`normal_server`] writes it.
    pub server: String,
    /// The URL as the kubeconfig or the flag has it, without a user and password.
    pub written: String,
    /// The context in use, if any. Each machine has names of its own.
    pub context: Option<String>,
    /// The fingerprint of each certificate of the cluster's own certificate authority:
    /// `sha256:` and 64 lower-case hex digits, over the DER form. It is empty if the roots of the
    /// system are used, or if the server's certificate is not verified.
    pub authorities: Vec<String>,
}

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

/// The same text for all forms of a URL that mean one server. The scheme and the host are in lower
/// case, and an address has its shortest form. It has no user, no final slash and no default port.
#[must_use]
pub fn normal_server(server: &str) -> String {
    let server = without_user(server);
    let server = server.trim_end_matches('/');
    let Some((scheme, rest)) = server.split_once("://") else { return server.to_owned() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let default = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(default).unwrap_or(&host);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let (host, port) = match host.rfind(':').filter(|at| is_port(&host[at + 1..])) {
        // The last group of an address in brackets is followed by a bracket.
        Some(at) => host.split_at(at),
        None => (host, ""),
    };
    format!("{scheme}://{}{port}{path}", normal_host(host))
}

/// An address in its shortest form: one of IPv4 also from a number or from IPv6.
fn normal_host(host: &str) -> String {
    let host = host.strip_suffix('.').unwrap_or(host);
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let address = match in_brackets {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(IpAddr::from),
        None => match Host::parse(host) {
            Ok(Host::Ipv4(address)) => Some(address.into()),
            _ => None,
        },
    };
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => format!("[{address}]"),
        None => host.to_owned(),
    }
}

fn fingerprint(der: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(der) {
        write!(text, "{byte:02x}").expect("a String");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_has_one_text() {
        for (text, expected) in [
            ("https://Prod.Example:443/", "https://prod.example"),
            ("HTTPS://prod.example", "https://prod.example"),
            ("https://prod.example:6443", "https://prod.example:6443"),
            (
                "https://rancher.example/k8s/clusters/C-1/",
                "https://rancher.example/k8s/clusters/C-1",
            ),
            ("https://[::1]:443", "https://[::1]"),
            ("http://127.0.0.1:80", "http://127.0.0.1"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
            ("https://[2001:0DB8:0:0::1]:6443", "https://[2001:db8::1]:6443"),
            ("https://[2001:db8::443]", "https://[2001:db8::443]"),
            ("https://[::ffff:127.0.0.1]", "https://127.0.0.1"),
            ("https://2130706433:6443", "https://127.0.0.1:6443"),
            ("https://127.1", "https://127.0.0.1"),
            ("https://prod.example.:443", "https://prod.example"),
            ("https://user:hunter2@Prod.example/a@b", "https://prod.example/a@b"),
            ("https://user:h@nter2@prod.example", "https://prod.example"),
            ("user:hunter2@prod.example", "prod.example"),
            ("https://*.Prod.example:443/", "https://*.prod.example"),
            ("https://[[]::1[]]:6443", "https://[[]::1[]]:6443"),
            ("", ""),
        ] {
            assert_eq!(normal_server(text), expected, "{text}");
        }
    }
}
