//! A client of etcd that only reads: the call `Range` of `etcdserverpb.KV`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use envcrypt_core::kek::innermost;
use prost::Message;
use thiserror::Error;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use zeroize::Zeroizing;

/// How many keys one answer has. A value can have 1.5 MiB.
const PAGE: i64 = 100;
/// The maximum size of an answer, in bytes.
const MAX_ANSWER: usize = 256 << 20;
/// How long a connection and a call may take.
const CONNECT: Duration = Duration::from_secs(5);
const CALL: Duration = Duration::from_secs(30);

/// Where etcd is, and how to log in.
#[derive(Debug, Clone)]
pub struct EtcdOptions {
    /// For example `https://127.0.0.1:2379`.
    pub endpoint: String,
    /// A PEM file of certificate authorities.
    pub ca: Option<PathBuf>,
    /// The PEM files of the client's certificate and of its key.
    pub client: Option<(PathBuf, PathBuf)>,
}

/// Why etcd cannot be read.
#[derive(Debug, Error)]
pub enum EtcdError {
    #[error("`{0}` is not the address of etcd: use http://HOST:PORT or https://HOST:PORT")]
    Address(String),
    #[error("`{path}` cannot be read: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error("the TLS files for etcd cannot be used: {0}")]
    Tls(String),
    #[error("etcd at `{endpoint}` does not answer: {detail}")]
    Unreachable { endpoint: String, detail: String },
    /// The certificate is missing, or not one that etcd knows.
    #[error("etcd at `{endpoint}` does not let you read: {detail}")]
    Denied { endpoint: String, detail: String },
}

/// A connection to one member.
pub struct Etcd {
    channel: Channel,
    endpoint: String,
}

#[derive(Clone, PartialEq, Message)]
struct RangeRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    range_end: Vec<u8>,
    #[prost(int64, tag = "3")]
    limit: i64,
}

/// The values may be plaintext, so it does not implement `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
struct RangeResponse {
    #[prost(message, repeated, tag = "2")]
    kvs: Vec<KeyValue>,
    #[prost(bool, tag = "3")]
    more: bool,
}

/// One key of etcd. The value may be plaintext, so it does not implement `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
pub struct KeyValue {
    /// The key, for example `/registry/secrets/default/db`.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// The revision of the last change.
    #[prost(int64, tag = "3")]
    pub mod_revision: i64,
    /// What kube-apiserver stored.
    #[prost(bytes = "vec", tag = "5")]
    pub value: Vec<u8>,
}

impl Etcd {
    /// Reads the TLS files. The first call connects.
    pub fn new(options: &EtcdOptions) -> Result<Self, EtcdError> {
        let address = || EtcdError::Address(options.endpoint.clone());
        let endpoint = Endpoint::from_shared(options.endpoint.clone()).map_err(|_| address())?;
        if !matches!(endpoint.uri().scheme_str(), Some("http" | "https")) {
            return Err(address());
        }
        let endpoint = endpoint.connect_timeout(CONNECT).timeout(CALL);
        let endpoint = match options.endpoint.starts_with("https") {
            true => {
                endpoint.tls_config(tls(options)?).map_err(|e| EtcdError::Tls(innermost(&e)))?
            }
            false => endpoint,
        };
        Ok(Self { channel: endpoint.connect_lazy(), endpoint: options.endpoint.clone() })
    }

    /// Reads every key with this prefix, one page at a time.
    pub async fn each(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(KeyValue),
    ) -> Result<(), EtcdError> {
        let mut request =
            RangeRequest { key: prefix.to_vec(), range_end: after_prefix(prefix), limit: PAGE };
        loop {
            let page = self.range(request.clone()).await?;
            let last = page.kvs.last().map(|last| last.key.clone());
            page.kvs.into_iter().for_each(&mut each);
            let Some(last) = last.filter(|_| page.more) else { return Ok(()) };
            request.key = [&last[..], &[0]].concat();
        }
    }

    async fn range(&self, request: RangeRequest) -> Result<RangeResponse, EtcdError> {
        let mut grpc = Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        grpc.ready().await.map_err(|e| self.refused(&Status::from_error(e.into())))?;
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Range");
        let codec = ProstCodec::<RangeRequest, RangeResponse>::default();
        let answer = grpc.unary(Request::new(request), path, codec).await;
        Ok(answer.map_err(|status| self.refused(&status))?.into_inner())
    }

    fn refused(&self, status: &Status) -> EtcdError {
        let endpoint = self.endpoint.clone();
        let detail = match std::error::Error::source(status) {
            Some(source) => innermost(source),
            None => status.message().to_owned(),
        };
        let is_certificate = detail.contains("ertificate");
        match status.code() {
            Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument => {
                EtcdError::Denied { endpoint, detail }
            }
            _ if is_certificate => EtcdError::Denied { endpoint, detail },
            _ => EtcdError::Unreachable { endpoint, detail },
        }
    }
}

fn tls(options: &EtcdOptions) -> Result<ClientTlsConfig, EtcdError> {
    let mut tls = ClientTlsConfig::new();
    if let Some(ca) = &options.ca {
        tls = tls.ca_certificate(Certificate::from_pem(&*read(ca)?));
    }
    if let Some((certificate, key)) = &options.client {
        tls = tls.identity(Identity::from_pem(&*read(certificate)?, &*read(key)?));
    }
    Ok(tls)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, EtcdError> {
    let read = std::fs::read(path).map(Zeroizing::new);
    read.map_err(|source| EtcdError::File { path: path.to_owned(), source })
}

/// The first key that does not have the prefix.
pub(super) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    vec![0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_ends_after_its_prefix() {
        assert_eq!(after_prefix(b"/registry/secrets/"), b"/registry/secrets0");
        assert_eq!(after_prefix(b"a\xff"), b"b");
        assert_eq!(after_prefix(b"\xff"), [0]);
    }
}
