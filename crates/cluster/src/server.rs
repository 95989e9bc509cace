//! The URL of an API server, and what else is known of its cluster.

use std::net::{IpAddr, Ipv6Addr};

use url::Host;

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

/// A URL without the user and the password before its host.
pub(crate) fn without_user(url: &str) -> String {
    // Without a scheme, the path or the password can have `://`.
    let is_scheme = |at: &usize| url[..*at].bytes().all(|b| b.is_ascii_alphanumeric());
    let start = url.find("://").filter(is_scheme).map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).map_or(url.len(), |at| start + at);
    match url[start..end].rfind('@') {
        Some(at) => format!("{}{}", &url[..start], &url[start + at + 1..]),
        None => url.to_owned(),
    }
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
            ("user:hunter2@prod.example/?a=b://c", "prod.example/?a=b://c"),
            ("https://*.Prod.example:443/", "https://*.prod.example"),
            ("https://[[]::1[]]:6443", "https://[[]::1[]]:6443"),
            ("", ""),
        ] {
            assert_eq!(normal_server(text), expected, "{text}");
        }
    }
}
