//! kubectl's connection flags.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::candidates;
use crate::cluster::ConnectOptions;
use crate::config::duration;

/// kubectl's connection flags.
#[derive(Args, Default)]
#[command(next_help_heading = "Cluster options (as for kubectl)")]
pub struct ClusterArgs {
    /// The namespace
    #[arg(short, long, global = true, add = candidates::namespaces())]
    pub namespace: Option<String>,
    /// The kubeconfig's context
    #[arg(long, global = true, add = candidates::contexts())]
    pub context: Option<String>,
    /// The kubeconfig file, in place of `KUBECONFIG`
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's cluster
    #[arg(long, global = true, hide_short_help = true)]
    pub cluster: Option<String>,
    /// The kubeconfig's user
    #[arg(long, global = true, hide_short_help = true)]
    pub user: Option<String>,
    /// The API server's address
    #[arg(short, long, global = true, hide_short_help = true, value_name = "URL")]
    pub server: Option<String>,
    /// A bearer token; it shows in the process list
    #[arg(long, global = true, hide_short_help = true)]
    pub token: Option<String>,
    /// The user to act as
    #[arg(long = "as", global = true, hide_short_help = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// The uid to act as
    #[arg(long = "as-uid", global = true, hide_short_help = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// A group to act as; repeatable
    #[arg(long = "as-group", global = true, hide_short_help = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// Further user information to act with; repeatable
    #[arg(long = "as-user-extra", global = true, hide_short_help = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub impersonate_extra: Vec<(String, String)>,
    /// The certificate authority's file
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// The client certificate's file
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// The client key's file
    #[arg(long, global = true, hide_short_help = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// The name that the server's certificate must hold
    #[arg(long, global = true, hide_short_help = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Do not check the server's certificate
    #[arg(long, global = true, hide_short_help = true)]
    pub insecure_skip_tls_verify: bool,
    /// Do not compress answers
    #[arg(long, global = true, hide_short_help = true)]
    pub disable_compression: bool,
    /// How long one request may take: 5s, 2m; 0 is no limit
    #[arg(long, global = true, hide_short_help = true, value_name = "TIME", value_parser = duration)]
    pub request_timeout: Option<Duration>,
    /// Accepted as kubectl has it; nothing is cached
    #[arg(long, global = true, hide = true, value_name = "FOLDER")]
    pub cache_dir: Option<PathBuf>,
}

impl ClusterArgs {
    /// As the cluster module takes them.
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
    let pair = text.split_once('=').ok_or("it has the form KEY=VALUE")?;
    Ok((pair.0.to_owned(), pair.1.to_owned()))
}
