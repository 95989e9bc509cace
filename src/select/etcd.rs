//! Which etcd: flags for a member, a file or a pod.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::etcd::{Etcd, EtcdOptions, Pod, PodOptions, Source};
use crate::failure::Failure;
use crate::session::Session;

/// Where etcd is read.
#[derive(Args)]
#[command(group = ArgGroup::new("source"))]
pub struct SourceArgs {
    /// Read a member of etcd at this URL
    #[arg(long, value_name = "URL", group = "source", help_heading = "Etcd")]
    pub etcd: Option<String>,
    /// Read a file that `etcdctl snapshot save` wrote
    #[arg(long, value_name = "FILE", group = "source", help_heading = "Etcd")]
    pub snapshot: Option<PathBuf>,
    /// Read the data directory of a member, for example /var/lib/etcd
    #[arg(long, value_name = "DIRECTORY", group = "source", help_heading = "Etcd")]
    pub data_dir: Option<PathBuf>,
    /// Read etcd in this pod of kube-system (or of -n), with `kubectl exec`
    #[arg(long, value_name = "POD", group = "source", help_heading = "Etcd")]
    pub kubectl_exec: Option<String>,
    /// Certificate authorities of etcd
    #[arg(long, value_name = "FILE", requires = "etcd", help_heading = "Etcd")]
    cacert: Option<PathBuf>,
    /// Client certificate for etcd
    #[arg(long, value_name = "FILE", requires_all = ["etcd", "key"], help_heading = "Etcd")]
    cert: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(long, value_name = "FILE", requires_all = ["etcd", "cert"], help_heading = "Etcd")]
    key: Option<PathBuf>,
    /// The value of `--etcd-prefix` of kube-apiserver
    #[arg(long, value_name = "PREFIX", default_value = "/registry", help_heading = "Etcd")]
    pub etcd_prefix: String,
}

impl SourceArgs {
    /// Whether any source is named.
    pub fn is_named(&self) -> bool {
        self.etcd.is_some()
            || self.snapshot.is_some()
            || self.data_dir.is_some()
            || self.kubectl_exec.is_some()
    }

    /// Opens the source.
    pub async fn open(&self, session: &Session) -> Result<Source, Failure> {
        if let Some(path) = &self.snapshot {
            return Ok(Source::snapshot(path)?);
        }
        if let Some(path) = &self.data_dir {
            return Ok(Source::data_directory(path)?);
        }
        if let Some(name) = &self.kubectl_exec {
            let namespace = session.named_namespace().unwrap_or("kube-system").to_owned();
            let flags = session.kubectl_flags()?;
            let pod = session.cluster().await?.pod(&namespace, name).await?;
            let options = PodOptions { name: name.clone(), namespace, flags };
            return Ok(Source::Pod(Pod::new(options, &pod)?));
        }
        let Some(endpoint) = self.etcd.clone() else {
            return Err(Failure::Usage(
                "name etcd with `--etcd`, `--snapshot`, `--data-dir` or `--kubectl-exec`".into(),
            ));
        };
        let client = self.cert.clone().zip(self.key.clone());
        Ok(Source::Live(Etcd::new(&EtcdOptions { endpoint, ca: self.cacert.clone(), client })?))
    }
}
