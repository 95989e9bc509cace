//! Each API server of a cluster by itself, and what its metrics tell.

use std::collections::BTreeMap;

use http::Request as HttpRequest;
use kube::core::params::{ListParams, PostParams};
use kube::core::request::Request as Requests;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Cluster, ClusterError, Connection, Operation, refused};

/// One API server.
pub struct ApiServer {
    /// Its address, for messages.
    pub name: String,
    pub cluster: Cluster,
}

/// What someone wants to do.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Access<'a> {
    /// For example `get`.
    pub verb: &'a str,
    /// The API group; empty for the core.
    pub group: &'a str,
    /// The resource without its subresource, for example `secrets`.
    pub resource: &'a str,
    /// For example `status`; empty for the object itself.
    pub subresource: &'a str,
    /// The namespace; empty for all.
    pub namespace: &'a str,
    /// The name of one object; empty for all.
    pub name: &'a str,
}

#[derive(Deserialize)]
struct Slices {
    items: Vec<Slice>,
}

#[derive(Deserialize)]
struct Slice {
    #[serde(default)]
    endpoints: Vec<Endpoint>,
    #[serde(default)]
    ports: Vec<Port>,
}

#[derive(Deserialize)]
struct Endpoint {
    addresses: Vec<String>,
}

#[derive(Deserialize)]
struct Port {
    port: Option<u16>,
}

impl Connection {
    /// Connects to each API server by itself, not through a load balancer.
    ///
    /// `named` are their URLs. Without any, the EndpointSlices of the Service `kubernetes` have
    /// their addresses. Each server must have a certificate for the name in the kubeconfig.
    pub async fn api_servers(&self, named: &[String]) -> Result<Vec<ApiServer>, ClusterError> {
        let urls = match named {
            [] => self.connect().await?.api_server_urls().await?,
            named => named.to_vec(),
        };
        let mut servers = Vec::new();
        for url in urls {
            let cluster = self.connect_to(&url).await?;
            servers.push(ApiServer { name: url, cluster });
        }
        Ok(servers)
    }
}

impl Cluster {
    async fn api_server_urls(&self) -> Result<Vec<String>, ClusterError> {
        let url = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
        let labels = "kubernetes.io/service-name=kubernetes";
        let request = Requests::new(url).list(&ListParams::default().labels(labels));
        let operation = Operation::list(Some(&"default".parse()?)).of("endpointslices");
        let slices: Slices = self.send(request, operation).await?;
        let mut urls = Vec::new();
        for slice in slices.items {
            let port = slice.ports.first().and_then(|port| port.port).unwrap_or(6443);
            for address in slice.endpoints.into_iter().flat_map(|endpoint| endpoint.addresses) {
                urls.push(match address.contains(':') {
                    true => format!("https://[{address}]:{port}"),
                    false => format!("https://{address}:{port}"),
                });
            }
        }
        urls.sort_unstable();
        urls.dedup();
        Ok(urls)
    }

    /// Whether the user may do this: a SelfSubjectAccessReview.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if the API server does not answer the question.
    pub async fn may(&self, access: &Access<'_>) -> Result<bool, ClusterError> {
        #[derive(Deserialize)]
        struct Review {
            status: Status,
        }
        #[derive(Deserialize)]
        struct Status {
            allowed: bool,
        }
        let body = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": access },
        });
        let url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let body = serde_json::to_vec(&body).expect("it is plain text");
        let request = Requests::new(url).create(&PostParams::default(), body);
        let operation = Operation::list(None).of("your rights").to("get");
        Ok(self.send::<Review>(request, operation).await?.status.allowed)
    }

    /// Reads the metrics of this API server.
    pub async fn metrics(&self) -> Result<Metrics, ClusterError> {
        Ok(Metrics(self.text("/metrics", "metrics").await?))
    }

    /// Reads a path that answers with text.
    pub async fn text(&self, path: &str, what: &'static str) -> Result<String, ClusterError> {
        let request = HttpRequest::get(path).body(Vec::new());
        let request = request.map_err(|e| ClusterError::Request(e.to_string()))?;
        let operation = Operation::list(None).of(what).to("get");
        let answer = self.in_time(self.client.request_text(request)).await?;
        answer.map_err(|error| refused(error, &operation, &self.server))
    }
}

/// The metrics of an API server, in the text format of Prometheus.
pub struct Metrics(String);

/// One line of metrics.
pub struct Sample<'a> {
    labels: &'a str,
    /// Its value.
    pub value: f64,
}

impl Metrics {
    /// The samples of a metric.
    pub fn samples<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Sample<'a>> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once('}')?,
                None if rest.starts_with(' ') => ("", rest),
                None => return None,
            };
            let value = value.split_whitespace().next()?.parse().ok()?;
            Some(Sample { labels, value })
        })
    }

    /// The hash of the key id that each KMS provider reported last.
    pub fn key_ids(&self) -> BTreeMap<String, String> {
        let name = "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds";
        let mut newest: BTreeMap<String, (f64, String)> = BTreeMap::new();
        for sample in self.samples(name) {
            let (Some(provider), Some(hash)) =
                (sample.label("provider_name"), sample.label("key_id_hash"))
            else {
                continue;
            };
            let last = newest.entry(provider.to_owned()).or_default();
            if sample.value >= last.0 {
                *last = (sample.value, hash.to_owned());
            }
        }
        newest.into_iter().map(|(provider, (_, hash))| (provider, hash)).collect()
    }

    /// The hash of the EncryptionConfiguration that this API server has loaded.
    pub fn configuration_hash(&self) -> Option<String> {
        let name = "apiserver_encryption_config_controller_last_config_info";
        let last = self.samples(name).filter(|sample| sample.value > 0.0).last()?;
        last.label("hash").map(str::to_owned)
    }
}

impl Sample<'_> {
    /// The value of a label.
    pub fn label(&self, name: &str) -> Option<&str> {
        let start = format!("{name}=\"");
        let at = match self.labels.strip_prefix(&start) {
            Some(rest) => rest,
            None => self.labels.split_once(&format!(",{start}"))?.1,
        };
        at.split('"').next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_samples_with_labels() {
        let metrics = Metrics(
            "# HELP a b\n# TYPE a counter\na_total 7\nb{x=\"1\",hash=\"sha256:ab\"} 2\nb{x=\"2\",hash=\"\"} 0\n\
             apiserver_encryption_config_controller_last_config_info{apiserver_id_hash=\"sha256:1\",hash=\"sha256:2\"} 1\n"
                .to_owned(),
        );
        assert_eq!(metrics.samples("a_total").map(|s| s.value).collect::<Vec<_>>(), [7.0]);
        assert_eq!(metrics.samples("a").count(), 0, "another metric");
        let hashes: Vec<_> =
            metrics.samples("b").map(|s| s.label("hash").map(str::to_owned)).collect();
        assert_eq!(hashes, [Some("sha256:ab".to_owned()), Some(String::new())]);
        assert_eq!(metrics.configuration_hash().as_deref(), Some("sha256:2"));
    }
}
