//! The servers that commands talk to, each behind a proxy that can disturb it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::api_proxy::ApiProxy;
use crate::control_plane::{ControlPlane, Etcd};
use crate::fault_proxy::FaultProxy;
use crate::vault::vault;

/// Where etcd keeps what commands write, and where the API server shows it.
const KINDS: [(&str, &str, &str); 3] = [
    ("secrets", "/registry/secrets", "/api/v1"),
    ("envcryptsecrets", "/registry/envcrypt.dev/envcryptsecrets", "/apis/envcrypt.dev/v1alpha1"),
    ("configmaps", "/registry/configmaps", "/api/v1"),
];

/// A KMS.
pub struct Kms {
    pub proxy: FaultProxy,
    pub kek: String,
}

impl Kms {
    /// OpenBao, with a key.
    pub fn start() -> Rc<Self> {
        let kek = format!("hashivault://{}", vault().key());
        Rc::new(Self { proxy: FaultProxy::start(vault().port), kek })
    }
}

/// A control plane. It encrypts ConfigMaps at rest, and nothing else: so plaintext is found there.
pub struct Cluster {
    pub plane: ControlPlane,
    pub proxy: ApiProxy,
    _configuration: tempfile::NamedTempFile,
}

/// One key of etcd.
pub struct Stored {
    pub key: String,
    pub bytes: Vec<u8>,
}

impl Cluster {
    pub fn start() -> Rc<Self> {
        let configuration = tempfile::NamedTempFile::new().expect("a file");
        let key = json!({ "name": "k", "secret": BASE64_STANDARD.encode([7; 32]) });
        let providers = json!([{ "secretbox": { "keys": [key] } }, { "identity": {} }]);
        let text = json!({
            "apiVersion": "apiserver.config.k8s.io/v1",
            "kind": "EncryptionConfiguration",
            "resources": [{ "resources": ["configmaps"], "providers": providers }],
        });
        std::fs::write(configuration.path(), text.to_string()).expect("written");
        let more = format!("--encryption-provider-config={}", configuration.path().display());
        let plane = ControlPlane::with(Arc::new(Etcd::start()), vec![more]);
        plane.install_crd();
        let proxy = ApiProxy::start(&plane, "admin");
        Rc::new(Self { plane, proxy, _configuration: configuration })
    }

    /// All objects of a namespace, as the API server shows them, by kind and name.
    pub fn objects(&self, namespace: &str) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for (kind, _, root) in KINDS {
            let path = format!("{root}/namespaces/{namespace}/{kind}");
            let list = http(self.proxy.upstream, "GET", &path, "");
            let items = list["items"].as_array().unwrap_or_else(|| panic!("a list: {list}"));
            let named = |item: &Value| {
                let name = item["metadata"]["name"].as_str().expect("a name");
                (format!("{kind}/{name}"), item.clone())
            };
            found.extend(items.iter().map(named));
        }
        found
    }

    /// All objects of a namespace, as etcd has them.
    pub fn stored(&self, namespace: &str) -> Vec<Stored> {
        let text = |value: &Value| BASE64_STANDARD.decode(value.as_str().unwrap_or_default());
        let mut found = Vec::new();
        for (_, prefix, _) in KINDS {
            let range = range(&format!("{prefix}/{namespace}/"));
            let answer = self.etcd("range", &range);
            found.extend(answer["kvs"].as_array().into_iter().flatten().map(|item| Stored {
                key: String::from_utf8(text(&item["key"]).expect("base64")).expect("UTF-8"),
                bytes: text(&item["value"]).expect("base64"),
            }));
        }
        found
    }

    /// Makes etcd hold exactly these objects of a namespace, as whoever restores a backup.
    pub fn restore(&self, namespace: &str, objects: &[Stored]) {
        for (_, prefix, _) in KINDS {
            self.etcd("deleterange", &range(&format!("{prefix}/{namespace}/")));
        }
        objects.iter().for_each(|object| self.put(&object.key, &object.bytes));
    }

    /// Writes one key of etcd.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        let (key, value) = (BASE64_STANDARD.encode(key), BASE64_STANDARD.encode(bytes));
        self.etcd("put", &json!({ "key": key, "value": value }));
    }

    fn etcd(&self, operation: &str, body: &Value) -> Value {
        http(self.plane.etcd.port, "POST", &format!("/v3/kv/{operation}"), &body.to_string())
    }
}

/// All keys of etcd that start with this.
fn range(prefix: &str) -> Value {
    let end = format!("{}0", prefix.trim_end_matches('/'));
    json!({ "key": BASE64_STANDARD.encode(prefix), "range_end": BASE64_STANDARD.encode(end) })
}

/// Asks a server for JSON, until it is ready.
fn http(port: u16, method: &str, path: &str, body: &str) -> Value {
    for _ in 0..1000 {
        let answer = once(port, method, path, body);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        if answer.starts_with(b"HTTP/1.0 429 ") {
            std::thread::sleep(std::time::Duration::from_millis(20));
            continue;
        }
        assert!(answer.starts_with(b"HTTP/1.0 200 "), "{}", String::from_utf8_lossy(&answer));
        return serde_json::from_slice(&answer[end + 4..]).expect("JSON");
    }
    panic!("{path} is never ready");
}

/// HTTP/1.0 has no chunks.
fn once(port: u16, method: &str, path: &str, body: &str) -> Vec<u8> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let length = body.len();
    write!(
        server,
        "{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("sent");
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).expect("an answer");
    answer
}
