//! The command line: the commands, kubectl's connection flags, and what the command
//! line says about itself.

mod about;
mod cluster_args;
mod complete;
mod completion;
mod man;

use clap::{Parser, Subcommand};

use crate::commands::{
    apply, check, create, diff, edit, exec, get, inspect, kek, restart, rewrap, rotate, seal, set,
    unset, unwrap,
};
use crate::failure::Failure;
use crate::session::Session;
use cluster_args::ClusterArgs;

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
    Delete(about::AnyArgs),
    /// Print a completion script.
    Completion(completion::CompletionArgs),
    /// Write the man pages.
    #[command(hide = true)]
    Man(man::ManArgs),
    /// Candidates for the words so far, as kubectl asks for them.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(complete::CompleteArgs),
}

/// Does what the command line says.
///
/// # Errors
/// [`Failure`], to be reported.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    let session = Session::new(cli.cluster.options());
    match cli.command {
        Command::Create(args) => create::run(*args, &session).await,
        Command::Apply(args) => apply::run(args, &session).await,
        Command::Unwrap(args) => unwrap::run(args, &session).await,
        Command::Inspect(args) => inspect::run(args, &session).await,
        Command::Edit(args) => edit::run(args, &session).await,
        Command::Get(args) => get::run(args, &session).await,
        Command::Diff(args) => diff::run(args, &session).await,
        Command::Exec(args) => exec::run(args, &session).await,
        Command::Check(args) => check::run(&args, &session),
        Command::Seal(args) => seal::run(args, &session).await,
        Command::Set(args) => set::run(args, &session).await,
        Command::Unset(args) => unset::run(args, &session).await,
        Command::Rewrap(args) => rewrap::run(args, &session).await,
        Command::Rotate(args) => rotate::run(args, &session).await,
        Command::Restart(args) => restart::run(args, &session).await,
        Command::Version => about::version(),
        Command::Options => about::options(),
        Command::Delete(args) => about::delete(&args),
        Command::Kek(args) => kek::run(args, &session).await,
        Command::Completion(args) => completion::run(args),
        Command::Man(args) => man::run(&args),
        Command::Complete(args) => complete::run(args).await,
    }
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
