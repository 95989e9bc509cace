//! Writes to etcd what kube-apiserver would have written: values whose seeds a plugin sealed.

use std::collections::HashMap;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use envcrypt_core::kek::k8skms::protocol::EncryptResponse;
use hkdf::Hkdf;
use prost::Message;
use sha2::Sha256;
use tonic::Request;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// `EncryptedObject` of `k8s.io/apiserver/pkg/storage/value/encrypt/envelope/kmsv2/v2`.
#[derive(PartialEq, Message)]
struct EncryptedObject {
    #[prost(bytes = "vec", tag = "1")]
    encrypted_data: Vec<u8>,
    #[prost(string, tag = "2")]
    key_id: String,
    #[prost(bytes = "vec", tag = "3")]
    encrypted_dek_source: Vec<u8>,
    #[prost(map = "string, bytes", tag = "4")]
    annotations: HashMap<String, Vec<u8>>,
    /// 1: a seed for HKDF-SHA256 and AES-256-GCM.
    #[prost(int32, tag = "5")]
    encrypted_dek_source_type: i32,
}

#[derive(PartialEq, Message)]
struct PutRequest {
    #[prost(bytes = "vec", tag = "1")]
    key: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    value: Vec<u8>,
}

#[derive(PartialEq, Message)]
struct PutResponse {}

/// The stored form of an object under a seed that the plugin of the provider `name` sealed. What
/// kube-apiserver takes at random comes from `number`.
pub fn stored(
    name: &str,
    seed: &[u8],
    sealed: EncryptResponse,
    number: u64,
    key: &str,
    object: &[u8],
) -> Vec<u8> {
    let mut info = [0; 32];
    info[..8].copy_from_slice(&number.to_be_bytes());
    let nonce = [0; 12];
    let mut derived = [0; 32];
    let hkdf = Hkdf::<Sha256>::from_prk(seed).expect("32 bytes");
    hkdf.expand(&info, &mut derived).expect("32 bytes");
    let payload = Payload { msg: object, aad: key.as_bytes() };
    let cipher = Aes256Gcm::new_from_slice(&derived).expect("32 bytes");
    let data = cipher.encrypt(&Nonce::from(nonce), payload).expect("short");
    let object = EncryptedObject {
        encrypted_data: [&info, &nonce[..], &data].concat(),
        key_id: sealed.key_id,
        encrypted_dek_source: sealed.ciphertext,
        annotations: sealed.annotations,
        encrypted_dek_source_type: 1,
    };
    [format!("k8s:enc:kms:v2:{name}:").as_bytes(), &object.encode_to_vec()].concat()
}

/// A client of etcd that only writes.
pub struct Puts(Channel);

impl Puts {
    pub fn to(port: u16) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://127.0.0.1:{port}")).expect("a URI");
        Self(endpoint.connect_lazy())
    }

    pub async fn put(&self, key: &str, value: Vec<u8>) {
        let mut grpc = Grpc::new(self.0.clone());
        grpc.ready().await.expect("etcd listens");
        let path = PathAndQuery::from_static("/etcdserverpb.KV/Put");
        let codec = ProstCodec::<PutRequest, PutResponse>::default();
        let request = Request::new(PutRequest { key: key.as_bytes().to_vec(), value });
        grpc.unary(request, path, codec).await.expect("etcd writes");
    }
}
