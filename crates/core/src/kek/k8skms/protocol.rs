//! The messages and the three calls of the service `v2.KeyManagementService`.
//!
//! The names and tags are those of `api.proto` in `k8s.io/kms/apis/v2`.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::UnixStream;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

/// The request of `Status`.
#[derive(Clone, PartialEq, Message)]
pub struct StatusRequest {}

/// The answer of `Status`: the version of the protocol, the health and the current key.
#[derive(Clone, PartialEq, Message)]
pub struct StatusResponse {
    /// The version of the protocol: `v2`.
    #[prost(string, tag = "1")]
    pub version: String,
    /// `ok`, or what is wrong.
    #[prost(string, tag = "2")]
    pub healthz: String,
    /// The id of the key.
    #[prost(string, tag = "3")]
    pub key_id: String,
}

/// The request of `Decrypt`: the answer of `Encrypt`, and a name for the request.
#[derive(Clone, PartialEq, Message)]
pub struct DecryptRequest {
    /// The ciphertext, 1 to 1024 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub ciphertext: Vec<u8>,
    /// The name of the request in logs.
    #[prost(string, tag = "2")]
    pub uid: String,
    /// The id of the key.
    #[prost(string, tag = "3")]
    pub key_id: String,
    /// What is stored beside the ciphertext, at most 32 KiB.
    #[prost(map = "string, bytes", tag = "4")]
    pub annotations: HashMap<String, Vec<u8>>,
}

/// The answer of `Decrypt`. It contains the DEK, so it does not implement `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
pub struct DecryptResponse {
    /// The plaintext.
    #[prost(bytes = "vec", tag = "1")]
    pub plaintext: Vec<u8>,
}

/// The request of `Encrypt`. It contains the DEK, so it does not implement `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
pub struct EncryptRequest {
    /// The plaintext.
    #[prost(bytes = "vec", tag = "1")]
    pub plaintext: Vec<u8>,
    /// The name of the request in logs.
    #[prost(string, tag = "2")]
    pub uid: String,
}

/// The answer of `Encrypt`: all that `Decrypt` needs.
#[derive(Clone, PartialEq, Message)]
pub struct EncryptResponse {
    /// The ciphertext, 1 to 1024 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub ciphertext: Vec<u8>,
    /// The id of the key.
    #[prost(string, tag = "2")]
    pub key_id: String,
    /// What is stored beside the ciphertext, at most 32 KiB.
    #[prost(map = "string, bytes", tag = "3")]
    pub annotations: HashMap<String, Vec<u8>>,
}

/// A client of the service.
#[derive(Clone)]
pub struct Plugin(Channel);

impl Plugin {
    /// Returns a client of the plugin at a socket. It connects at the first call, and again after
    /// the plugin restarts. Each call may take as long as `limit`.
    #[must_use]
    pub fn at(socket: &Path, limit: Duration) -> Self {
        let path = socket.to_owned();
        let endpoint =
            Endpoint::from_static("http://localhost").connect_timeout(limit).timeout(limit);
        Self(endpoint.connect_with_connector_lazy(service_fn(move |_| {
            let path = path.clone();
            async move { UnixStream::connect(path).await.map(TokioIo::new) }
        })))
    }

    /// Calls `Status`.
    ///
    /// # Errors
    /// Returns the status of gRPC.
    pub async fn status(&self) -> Result<StatusResponse, Status> {
        self.call("/v2.KeyManagementService/Status", StatusRequest {}).await
    }

    /// Calls `Encrypt`.
    ///
    /// # Errors
    /// Returns the status of gRPC.
    pub async fn encrypt(&self, request: EncryptRequest) -> Result<EncryptResponse, Status> {
        self.call("/v2.KeyManagementService/Encrypt", request).await
    }

    /// Calls `Decrypt`.
    ///
    /// # Errors
    /// Returns the status of gRPC.
    pub async fn decrypt(&self, request: DecryptRequest) -> Result<DecryptResponse, Status> {
        self.call("/v2.KeyManagementService/Decrypt", request).await
    }

    async fn call<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.map_err(|e| Status::from_error(e.into()))?;
        let (path, codec) = (PathAndQuery::from_static(path), ProstCodec::<Q, A>::default());
        Ok(grpc.unary(Request::new(request), path, codec).await?.into_inner())
    }
}
