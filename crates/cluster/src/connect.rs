//! The cluster, the user and the namespace, as kubectl would choose them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::client::{ClientBuilder, ConfigExt};
use kube::config::{
    AuthInfo, Context, KubeConfigOptions, Kubeconfig, NamedAuthInfo, NamedCluster, NamedContext,
};
use tokio::sync::Semaphore;
use tower::buffer::BufferLayer;

use super::server::without_user;
use super::{Cluster, ClusterError};
use envcrypt_core::secret::Namespace;

/// The requests that may wait for the connection, as in kube itself.
const REQUESTS: usize = 1024;

/// The connection flags of kubectl. Without any, the kubeconfig decides.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: must exist, and is not merged with other files.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--namespace`
    pub namespace: Option<String>,
    /// `--server`
    pub server: Option<String>,
    /// `--token`
    pub token: Option<String>,
    /// `--as`
    pub impersonate: Option<String>,
    /// `--as-uid`
    pub impersonate_uid: Option<String>,
    /// `--as-group`
    pub impersonate_groups: Vec<String>,
    /// `--as-user-extra`
    pub impersonate_extra: Vec<(String, String)>,
    /// `--certificate-authority`
    pub certificate_authority: Option<PathBuf>,
    /// `--client-certificate`
    pub client_certificate: Option<PathBuf>,
    /// `--client-key`
    pub client_key: Option<PathBuf>,
    /// `--tls-server-name`
    pub tls_server_name: Option<String>,
    /// `--insecure-skip-tls-verify`
    pub insecure_skip_tls_verify: bool,
    /// `--disable-compression`
    pub disable_compression: bool,
    /// `--request-timeout`; `None` means no limit.
    pub request_timeout: Option<Duration>,
}

/// The cluster that flags and files name, not yet connected.
pub struct Connection {
    pub(super) options: ConnectOptions,
    /// `None` in a pod without a kubeconfig.
    pub(super) kubeconfig: Option<Kubeconfig>,
}

impl Connection {
    /// Reads the kubeconfig files: `--kubeconfig`, otherwise those of `KUBECONFIG` that exist,
    /// otherwise `~/.kube/config`.
    pub fn load(options: ConnectOptions) -> Result<Self, ClusterError> {
        let kubeconfig = match &options.kubeconfig {
            Some(path) => Some(read(path)?),
            None => merged()?,
        };
        Ok(Self { options, kubeconfig })
    }

    /// The name of the context in use, if any.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        let current = self.kubeconfig.as_ref().and_then(|config| config.current_context.as_deref());
        self.options.context.as_deref().or(current).filter(|name| !name.is_empty())
    }

    /// The namespace of the flag, of the context or of the pod, otherwise `default`.
    pub fn namespace(&self) -> Result<Namespace, ClusterError> {
        let text = match (&self.options.namespace, &self.kubeconfig) {
            (Some(flag), _) => Some(flag.clone()),
            (None, _) if self.context().is_some() => self.context_entry()?.namespace.clone(),
            (None, Some(_)) => None,
            (None, None) => pod_namespace(),
        };
        let text = text.filter(|text| !text.is_empty()).unwrap_or_else(|| "default".to_owned());
        Ok(text.parse()?)
    }

    /// The entry of the context in use. Fails if it is missing: another namespace would be a
    /// surprise.
    fn context_entry(&self) -> Result<&Context, ClusterError> {
        let name = self.context().unwrap_or_default();
        let mut contexts = self.kubeconfig.iter().flat_map(|config| &config.contexts);
        let entry = contexts.find(|entry| entry.name == name).and_then(|e| e.context.as_ref());
        entry.ok_or_else(|| ClusterError::NoContext(name.to_owned()))
    }

    /// The URL of the API server for messages, without connecting and without a user and password.
    /// Empty if nothing names one.
    pub fn server(&self) -> Result<String, ClusterError> {
        Ok(without_user(&self.url()?))
    }

    fn url(&self) -> Result<String, ClusterError> {
        if let Some(server) = &self.options.server {
            return Ok(server.clone());
        }
        let Some(config) = self.kubeconfig.as_ref().filter(|config| !config.clusters.is_empty())
        else {
            return Ok(Config::incluster_env()
                .map_or_else(|_| String::new(), |found| found.cluster_url.to_string()));
        };
        let named = match &self.options.cluster {
            Some(name) => name.clone(),
            None => self.context_entry()?.cluster.clone(),
        };
        let entry = config.clusters.iter().find(|entry| entry.name == named);
        Ok(entry.and_then(|entry| entry.cluster.as_ref()?.server.clone()).unwrap_or_default())
    }

    /// Creates a client; the first request connects. Runs the credential plugin of the kubeconfig,
    /// which may prompt on the terminal.
    pub async fn connect(&self) -> Result<Cluster, ClusterError> {
        self.client(self.config().await?)
    }

    /// Creates a client for one of the API servers of the cluster. Its certificate must have the
    /// name that the kubeconfig uses.
    pub async fn connect_to(&self, url: &str) -> Result<Cluster, ClusterError> {
        let mut config = self.config().await?;
        let wrong = || {
            let url = without_user(url);
            ClusterError::Request(format!("`{url}` is not the URL of an API server"))
        };
        let url: Uri = url.parse().map_err(|_| wrong())?;
        if url.host().is_none() || url.scheme_str() != Some("https") {
            return Err(wrong());
        }
        let name = config.cluster_url.host().map(|name| name.trim_matches(['[', ']']).to_owned());
        config.tls_server_name = config.tls_server_name.or(name);
        config.cluster_url = url;
        self.client(config)
    }

    fn client(&self, config: Config) -> Result<Cluster, ClusterError> {
        let timeout = self.options.request_timeout;
        let server = without_user(&config.cluster_url.to_string());
        let client =
            new_client(config).map_err(|error| super::error::connecting(error, &server))?;
        let server = server.trim_end_matches('/').to_owned();
        Ok(Cluster { client, server, timeout, permits: Semaphore::new(Semaphore::MAX_PERMITS) })
    }

    pub(super) async fn config(&self) -> Result<Config, ClusterError> {
        let Self { options, kubeconfig } = self;
        let explicit =
            options.server.is_some() || options.context.is_some() || options.cluster.is_some();
        let usable = kubeconfig
            .clone()
            .filter(|config| !config.contexts.is_empty() || !config.clusters.is_empty());
        let mut config = match usable {
            None if explicit => from_kubeconfig(Kubeconfig::default(), options).await?,
            None => Config::incluster_env().map_err(|_| ClusterError::NoCluster)?,
            Some(kubeconfig) => from_kubeconfig(kubeconfig, options).await?,
        };
        impersonate(&mut config.auth_info, options);
        if let Some(token) = &options.token {
            config.auth_info.token = Some(token.clone().into());
            config.auth_info.token_file = None;
            config.auth_info.exec = None;
        }
        config.disable_compression |= options.disable_compression;
        if let Some(limit) = options.request_timeout {
            config.connect_timeout = Some(limit);
        }
        Ok(config)
    }
}

/// Creates a client. Otherwise kube would run a credential plugin three times, and each run may
/// prompt. A token that expires is still renewed. Only a plugin that returns a certificate instead
/// of a token runs again.
fn new_client(mut config: Config) -> Result<kube::Client, kube::Error> {
    if config.auth_info.exec.is_none() {
        return kube::Client::try_from(config);
    }
    let Some(token) = config.auth_layer()? else { return kube::Client::try_from(config) };
    config.auth_info.exec = None;
    // The layer sends through copies of the service, and only a buffer can be copied.
    let builder = ClientBuilder::try_from(config)?.with_layer(&BufferLayer::new(REQUESTS));
    Ok(builder.with_layer(&token).build())
}

/// The names of all contexts, for completion.
#[must_use]
pub fn context_names(options: &ConnectOptions) -> Vec<String> {
    let target = Connection::load(options.clone()).ok();
    let config = target.and_then(|target| target.kubeconfig);
    config.into_iter().flat_map(|config| config.contexts).map(|entry| entry.name).collect()
}

fn read(path: &Path) -> Result<Kubeconfig, ClusterError> {
    // The message of the parser may quote a token.
    Kubeconfig::read_from(path).map_err(|error| ClusterError::Kubeconfig {
        path: path.to_owned(),
        wrong: match error {
            kube::config::KubeconfigError::ReadConfig(source, _) => source.to_string(),
            _ => "it is not a valid kubeconfig".to_owned(),
        },
    })
}

fn merged() -> Result<Option<Kubeconfig>, ClusterError> {
    let listed = std::env::var_os("KUBECONFIG").filter(|value| !value.is_empty());
    let paths: Vec<PathBuf> = match listed {
        Some(value) => {
            std::env::split_paths(&value).filter(|p| !p.as_os_str().is_empty()).collect()
        }
        None => etcetera::home_dir().map(|home| home.join(".kube/config")).into_iter().collect(),
    };
    let mut merged: Option<Kubeconfig> = None;
    for path in paths.into_iter().filter(|path| path.exists()) {
        let next = read(&path)?;
        merged = Some(match merged {
            None => next,
            Some(first) => first.merge(next).map_err(|_| ClusterError::Kubeconfig {
                path,
                wrong: "its `kind` or `apiVersion` differs from the files before it".to_owned(),
            })?,
        });
    }
    Ok(merged)
}

/// Resolves names and files. As in kubectl, flags for the cluster or the user override the fields
/// of their entries.
async fn from_kubeconfig(
    mut config: Kubeconfig,
    options: &ConnectOptions,
) -> Result<Config, ClusterError> {
    const OURS: &str = "kubectl-envcrypt flags";
    let name = options.context.clone().or(config.current_context.take()).unwrap_or_default();
    let known = config.contexts.iter().position(|entry| entry.name == name);
    let mut context = match known {
        Some(index) => config.contexts[index].context.clone().unwrap_or_default(),
        None if name.is_empty() => Context::default(),
        None => return Err(ClusterError::NoContext(name)),
    };
    if let Some(cluster) = &options.cluster {
        context.cluster.clone_from(cluster);
    }
    if let Some(user) = &options.user {
        context.user = Some(user.clone());
    }
    let cluster_entry = config.clusters.iter().find(|entry| entry.name == context.cluster);
    let mut cluster = match cluster_entry {
        Some(entry) => entry.cluster.clone().unwrap_or_default(),
        None if options.server.is_some() => kube::config::Cluster::default(),
        None if context.cluster.is_empty() => return Err(ClusterError::NoCluster),
        None => return Err(ClusterError::NoClusterEntry(context.cluster)),
    };
    override_cluster(&mut cluster, options);
    let proxy_url = cluster.proxy_url.take().filter(|url| !url.is_empty());
    let user_entry =
        config.auth_infos.iter().find(|entry| Some(&entry.name) == context.user.as_ref());
    let mut user = match (user_entry, &options.user) {
        (Some(entry), _) => entry.auth_info.clone().unwrap_or_default(),
        (None, Some(name)) => return Err(ClusterError::NoUser(name.clone())),
        // client-go also accepts a context whose user is missing.
        (None, None) => AuthInfo::default(),
    };
    override_user(&mut user, options);
    context.cluster = OURS.to_owned();
    context.user = Some(OURS.to_owned());
    config.clusters =
        vec![NamedCluster { name: OURS.to_owned(), cluster: Some(cluster), ..Default::default() }];
    config.auth_infos =
        vec![NamedAuthInfo { name: OURS.to_owned(), auth_info: Some(user), ..Default::default() }];
    config.contexts =
        vec![NamedContext { name: OURS.to_owned(), context: Some(context), ..Default::default() }];
    let chosen = KubeConfigOptions { context: Some(OURS.to_owned()), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(config, &chosen)
        .await
        .map_err(|error| ClusterError::Credentials(error.to_string()))?;
    config.proxy_url = proxy(proxy_url.as_deref(), &config.cluster_url)?;
    Ok(config)
}

fn override_cluster(cluster: &mut kube::config::Cluster, options: &ConnectOptions) {
    if let Some(server) = &options.server {
        cluster.server = Some(server.clone());
    }
    if let Some(path) = &options.certificate_authority {
        cluster.certificate_authority = Some(path.to_string_lossy().into_owned());
        cluster.certificate_authority_data = None;
    }
    if options.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(true);
        cluster.certificate_authority = None;
        cluster.certificate_authority_data = None;
    }
    if let Some(name) = &options.tls_server_name {
        cluster.tls_server_name = Some(name.clone());
    }
}

fn override_user(user: &mut AuthInfo, options: &ConnectOptions) {
    if let Some(path) = &options.client_certificate {
        user.client_certificate = Some(path.to_string_lossy().into_owned());
        user.client_certificate_data = None;
    }
    if let Some(path) = &options.client_key {
        user.client_key = Some(path.to_string_lossy().into_owned());
        user.client_key_data = None;
    }
}

fn impersonate(user: &mut AuthInfo, options: &ConnectOptions) {
    if let Some(name) = &options.impersonate {
        user.impersonate = Some(name.clone());
    }
    if let Some(uid) = &options.impersonate_uid {
        user.impersonate_uid = Some(uid.clone());
    }
    if !options.impersonate_groups.is_empty() {
        user.impersonate_groups = Some(options.impersonate_groups.clone());
    }
    for (name, value) in &options.impersonate_extra {
        let extra = user.impersonate_user_extra.get_or_insert_default();
        extra.entry(name.clone()).or_default().push(value.clone());
    }
}

/// The proxy of the kubeconfig, otherwise of the environment, unless `NO_PROXY` names the server.
/// (kube compares `NO_PROXY` with the proxy instead.)
fn proxy(configured: Option<&str>, server: &Uri) -> Result<Option<Uri>, ClusterError> {
    let of_environment = || {
        Matcher::from_env().intercept(server)?;
        let names: &[&str] = match server.scheme_str() {
            Some("http") => &["HTTP_PROXY", "http_proxy"],
            _ => &["HTTPS_PROXY", "https_proxy"],
        };
        names.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
    };
    let Some(text) = configured.map(str::to_owned).or_else(of_environment) else { return Ok(None) };
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    // The address may hold a password, so it is not shown.
    let wrong = |_| ClusterError::Credentials("the proxy's address is not a valid URL".to_owned());
    text.parse().map(Some).map_err(wrong)
}

fn pod_namespace() -> Option<String> {
    let file = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
    std::env::var("POD_NAMESPACE")
        .ok()
        .or_else(|| std::fs::read_to_string(file).ok())
        .map(|text| text.trim().to_owned())
}
