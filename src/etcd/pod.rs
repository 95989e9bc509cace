//! etcd in a pod of the control plane, where only `kubectl exec` reaches it.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::process::Command;
use zeroize::Zeroizing;

use super::client::{KeyValue, after_prefix};
use crate::process;

/// How many keys one answer has.
const PAGE: &str = "100";

/// Which pod, and how kubectl reaches it.
#[derive(Debug, Clone)]
pub struct PodOptions {
    pub name: String,
    pub namespace: String,
    /// The connection flags of kubectl.
    pub flags: Vec<OsString>,
}

/// Why the pod cannot be read.
#[derive(Debug, Error)]
pub enum PodError {
    #[error("the pod `{0}` does not look like etcd: its command does not name a certificate")]
    NotEtcd(String),
    #[error("`kubectl` does not start: {0}")]
    Start(io::Error),
    #[error("`kubectl exec` in the pod `{pod}` failed: {detail}")]
    Exec { pod: String, detail: String },
    #[error("the answer of `etcdctl` in the pod `{0}` cannot be read")]
    Answer(String),
}

/// A member of etcd in a pod.
pub struct Pod {
    options: PodOptions,
    /// The connection flags of etcdctl inside the pod.
    etcdctl: Vec<String>,
}

/// The values may be plaintext, so it does not implement `Debug`.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    kvs: Vec<Entry>,
    #[serde(default)]
    more: bool,
}

#[derive(Deserialize)]
struct Entry {
    key: String,
    mod_revision: i64,
    #[serde(default)]
    value: String,
}

impl Pod {
    /// Finds the certificates in the pod's own command, as kubeadm and minikube write it.
    pub fn new(options: PodOptions, pod: &Value) -> Result<Self, PodError> {
        let argument = |name: &str| {
            let containers = pod["spec"]["containers"].as_array()?.iter();
            let words = containers.flat_map(|container| {
                ["command", "args"].into_iter().filter_map(|field| container[field].as_array())
            });
            let mut words = words.flatten().filter_map(Value::as_str);
            words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        let client = argument("--listen-client-urls").or(argument("--advertise-client-urls"));
        let endpoint = client.as_deref().and_then(|urls| urls.split(',').next());
        let endpoint = endpoint.ok_or_else(|| PodError::NotEtcd(options.name.clone()))?;
        let mut etcdctl = vec![format!("--endpoints={endpoint}")];
        for (flag, of_server) in
            [("--cacert", "--trusted-ca-file"), ("--cert", "--cert-file"), ("--key", "--key-file")]
        {
            etcdctl.extend(argument(of_server).map(|path| format!("{flag}={path}")));
        }
        Ok(Self { options, etcdctl })
    }

    /// Reads every key with this prefix, one page at a time.
    pub async fn each(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(KeyValue),
    ) -> Result<(), PodError> {
        let damaged = || PodError::Answer(self.options.name.clone());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).map_err(|_| damaged());
        let end = text(after_prefix(prefix))?;
        let mut start = text(prefix.to_vec())?;
        loop {
            let answer = self.get(&start, &end).await?;
            let answer: Answer = serde_json::from_slice(&answer).map_err(|_| damaged())?;
            let mut last = None;
            for entry in answer.kvs {
                let decode = |text: &str| BASE64_STANDARD.decode(text).map_err(|_| damaged());
                let key = decode(&entry.key)?;
                last = Some(key.clone());
                let value = Zeroizing::new(entry.value);
                each(KeyValue { key, mod_revision: entry.mod_revision, value: decode(&value)? });
            }
            let Some(last) = last.filter(|_| answer.more) else { return Ok(()) };
            // An argument cannot hold a zero byte. No key of Kubernetes has a byte below this one.
            start = text(last)? + "\u{1}";
        }
    }

    async fn get(&self, start: &str, end: &str) -> Result<Zeroizing<Vec<u8>>, PodError> {
        let kubectl = std::env::var_os("KUBECTL_PATH").map(Into::into);
        let kubectl = kubectl.or_else(|| process::find(Path::new("kubectl")));
        let mut command = Command::new(kubectl.unwrap_or_else(|| "kubectl".into()));
        command.args(&self.options.flags);
        command.args(["exec", "-n", &self.options.namespace, &self.options.name, "--", "etcdctl"]);
        command.args(&self.etcdctl);
        command.args(["get", start, end, "--limit", PAGE, "-w", "json"]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.map_err(PodError::Start)?;
        if output.status.success() {
            return Ok(Zeroizing::new(output.stdout));
        }
        let detail = String::from_utf8_lossy(&output.stderr);
        let detail = detail.trim().lines().last().unwrap_or_default().to_owned();
        Err(PodError::Exec { pod: self.options.name.clone(), detail })
    }
}
