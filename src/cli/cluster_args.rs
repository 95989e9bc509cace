//! kubectl's connection flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::candidates;
use crate::config::duration;
use envcrypt_cluster::ConnectOptions;

#[derive(Args, Default)]
#[command(next_help_heading = "Cluster options (as in kubectl)")]
pub struct ClusterArgs {
    /// Namespace to use
    #[arg(short, long, global = true, add = candidates::namespaces())]
    pub namespace: Option<String>,
    /// Context of the kubeconfig to use
    #[arg(long, global = true, add = candidates::contexts())]
    pub context: Option<String>,
    /// Kubeconfig file, instead of `KUBECONFIG`
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Cluster of the kubeconfig to use
    #[arg(long, global = true, hide_short_help = true)]
    pub cluster: Option<String>,
    /// User of the kubeconfig to use
    #[arg(long, global = true, hide_short_help = true)]
    pub user: Option<String>,
    /// Address of the API server
    #[arg(short, long, global = true, hide_short_help = true, value_name = "URL")]
    pub server: Option<String>,
    /// Bearer token for the API server; it is visible in the process list
    #[arg(long, global = true, hide_short_help = true)]
    pub token: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, hide_short_help = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", global = true, hide_short_help = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// Group to impersonate (can be repeated)
    #[arg(long = "as-group", global = true, hide_short_help = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// Extra user information for the impersonation (can be repeated)
    #[arg(long = "as-user-extra", global = true, hide_short_help = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub impersonate_extra: Vec<(String, String)>,
    /// File with the certificate of the certificate authority
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// File with the client certificate
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// File with the client key
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Server name that the server's certificate must have
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not verify the server's certificate
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,
    /// Do not compress responses
    #[arg(long, global = true, hide_short_help = true)]
    pub disable_compression: bool,
    /// Time limit for one request, for example 5s or 2m; 0 means no limit
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub request_timeout: Option<Duration>,
    /// Accepted because kubectl has it; nothing is cached
    #[arg(long, global = true, hide = true, value_name = "DIRECTORY")]
    pub cache_dir: Option<PathBuf>,
}

impl ClusterArgs {
    /// The flags, in the form that the cluster module needs.
    #[must_use]
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            namespace: self.namespace.clone().filter(|name| !name.is_empty()),
            server: self.server.clone(),
            token: self.token.clone(),
            impersonate: self.impersonate.clone(),
            impersonate_uid: self.impersonate_uid.clone(),
            impersonate_groups: self.impersonate_groups.clone(),
            impersonate_extra: self.impersonate_extra.clone(),
            certificate_authority: self.certificate_authority.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            tls_server_name: self.tls_server_name.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            disable_compression: self.disable_compression,
            request_timeout: self.request_timeout.filter(|time| !time.is_zero()),
        }
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').ok_or("it must have the form KEY=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}
