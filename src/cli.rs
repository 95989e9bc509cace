//! The command line: kubectl's connection flags, and the commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::cluster::ConnectOptions;
use crate::commands::{
    apply, check, complete, completion, create, diff, edit, exec, get, inspect, kek, man, restart,
    rewrap, rotate, seal, set, unset, unwrap, words,
};
use crate::config::duration;

/// Kubernetes Secrets that only your KMS can open.
///
/// Values are asked for without echo, sealed on this machine under a
/// key-encryption key (KEK), and put into Git or the cluster. Only whoever the
/// KMS lets in can unwrap them.
#[derive(Parser)]
#[command(
    name = "kubectl-envcrypt",
    bin_name = "kubectl envcrypt",
    version,
    max_term_width = 100,
    args_override_self = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// Which cluster.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The commands.
#[derive(Subcommand)]
pub enum Command {
    /// Create a sealed Secret from what you type.
    Create(Box<create::CreateArgs>),
    /// Apply sealed Secrets to the cluster, as they are or unwrapped.
    Apply(apply::ApplyArgs),
    /// Open sealed Secrets: a plain manifest, or one value.
    #[command(alias = "decrypt")]
    Unwrap(unwrap::UnwrapArgs),
    /// Show what a sealed Secret tells without opening it.
    #[command(alias = "describe")]
    Inspect(inspect::InspectArgs),
    /// Seal plain Secrets, of files or of the cluster.
    #[command(alias = "encrypt")]
    Seal(seal::SealArgs),
    /// List the sealed Secrets of the cluster.
    #[command(alias = "list")]
    Get(get::GetArgs),
    /// Compare files with the cluster, key by key.
    Diff(diff::DiffArgs),
    /// Change the values of a sealed Secret in your editor.
    Edit(edit::EditArgs),
    /// Set values of a sealed Secret.
    Set(set::SetArgs),
    /// Take keys out of a sealed Secret.
    Unset(unset::UnsetArgs),
    /// Run a program with the values of sealed Secrets.
    Exec(exec::ExecArgs),
    /// Find plain Secrets, and sealed ones that are not as they should be.
    Check(check::CheckArgs),
    /// Change the KEKs of sealed Secrets; values stay as they are.
    Rewrap(rewrap::RewrapArgs),
    /// Seal the values of sealed Secrets anew, under new data keys.
    Rotate(rotate::RotateArgs),
    /// Restart the workloads that use Secrets, after showing them.
    Restart(restart::RestartCommandArgs),
    /// Make, list, trust and test key-encryption keys.
    Kek(kek::KekArgs),
    /// Print the version.
    Version,
    /// List the flags that every command takes.
    #[command(hide = true)]
    Options,
    /// Told to use kubectl's own.
    #[command(hide = true, disable_help_flag = true)]
    Delete(words::AnyArgs),
    /// Print a completion script.
    Completion(completion::CompletionArgs),
    /// Write the man pages.
    #[command(hide = true)]
    Man(man::ManArgs),
    /// Candidates for the words so far, as kubectl asks for them.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(complete::CompleteArgs),
}

/// kubectl's connection flags.
#[derive(Args, Default)]
#[command(next_help_heading = "Cluster options (as for kubectl)")]
pub struct ClusterArgs {
    /// The namespace
    #[arg(short, long, global = true, add = complete::namespaces())]
    pub namespace: Option<String>,
    /// The kubeconfig's context
    #[arg(long, global = true, add = complete::contexts())]
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
