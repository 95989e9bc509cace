//! Reads a Secret as kube-apiserver stores it: protobuf in `runtime.Unknown`.

use std::collections::HashMap;

use prost::Message;

use envcrypt_core::manifest::LAST_APPLIED_ANNOTATION;
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretValue};

/// What every object in protobuf starts with.
const MAGIC: &[u8] = b"k8s\0";

/// `k8s.io/apimachinery/pkg/runtime.Unknown`. It may hold plaintext, so it has no `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
struct Unknown {
    #[prost(bytes = "vec", tag = "2")]
    raw: Vec<u8>,
}

/// `k8s.io/api/core/v1.Secret`. It holds plaintext, so it has no `Debug`.
#[derive(PartialEq, Message)]
#[prost(skip_debug)]
struct Secret {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ObjectMeta>,
    #[prost(map = "string, bytes", tag = "2")]
    data: HashMap<String, Vec<u8>>,
    #[prost(string, tag = "3")]
    kind: String,
    #[prost(bool, tag = "5")]
    immutable: bool,
}

#[derive(PartialEq, Message)]
struct ObjectMeta {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(map = "string, string", tag = "11")]
    labels: HashMap<String, String>,
    #[prost(map = "string, string", tag = "12")]
    annotations: HashMap<String, String>,
}

/// Reads the Secret at a place. The error says what is wrong.
pub fn secret(bytes: &[u8], place: Place) -> Result<PlainSecret, String> {
    let damaged = || "it cannot be read as a Secret".to_owned();
    let unknown = Unknown::decode(bytes.strip_prefix(MAGIC).ok_or_else(damaged)?);
    let unknown = unknown.map_err(|_| damaged())?;
    let secret = Secret::decode(&unknown.raw[..]).map_err(|_| damaged())?;
    let metadata = secret.metadata.unwrap_or_default();
    if metadata.name != place.name.as_str() || metadata.namespace != place.namespace.as_str() {
        return Err(format!(
            "it says that it is `{}/{}`: someone moved it in etcd",
            metadata.namespace.escape_debug(),
            metadata.name.escape_debug()
        ));
    }
    let mut annotations = metadata.annotations;
    // It holds the values too, in the clear.
    annotations.remove(LAST_APPLIED_ANNOTATION);
    let meta = Meta {
        place,
        kind: secret.kind.parse().map_err(|_| damaged())?,
        immutable: secret.immutable,
        labels: metadata.labels.into_iter().collect(),
        annotations: annotations.into_iter().collect(),
    };
    let value = |(key, value): (String, Vec<u8>)| {
        Ok((key.parse().map_err(|_| damaged())?, SecretValue::new(value)))
    };
    let values = secret.data.into_iter().map(value).collect::<Result<_, String>>()?;
    Ok(PlainSecret { meta, values })
}
