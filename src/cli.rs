//! The command line: the commands, kubectl's connection flags, completion and man pages.

mod about;
mod cluster_args;
mod complete;
mod completion;
mod man;
mod reference;

use clap::{Parser, Subcommand};

use crate::commands::{
    apply, at_rest, audit, check, convert, create, diff, doctor, edit, exec, get, git, guard,
    inspect, kek, policy, restart, rewrap, rotate, seal, set, sign, signers, unset, unwrap,
};
use crate::failure::Failure;
use crate::session::Session;
use cluster_args::ClusterArgs;

/// Create, store and use Kubernetes Secrets that only your KMS can open.
///
/// You type a value without echo, or the plugin generates it. The plugin seals it on this
/// machine, under a key-encryption key (KEK). Then you commit the sealed Secret to Git or apply
/// it to the cluster. Your KMS decides who can unwrap it.
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
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// The commands. The help of each is at its arguments: a doc comment here would hide the long
/// help there.
#[derive(Subcommand)]
pub enum Command {
    Create(Box<create::CreateArgs>),
    Apply(apply::ApplyArgs),
    #[command(alias = "decrypt")]
    Unwrap(unwrap::UnwrapArgs),
    #[command(alias = "describe")]
    Inspect(inspect::InspectArgs),
    #[command(alias = "encrypt")]
    Seal(seal::SealArgs),
    #[command(alias = "list")]
    Get(get::GetArgs),
    Diff(diff::DiffArgs),
    Edit(edit::EditArgs),
    Set(set::SetArgs),
    Unset(unset::UnsetArgs),
    Exec(exec::ExecArgs),
    Check(Box<check::CheckArgs>),
    Krm(check::krm::KrmArgs),
    Git(git::GitArgs),
    Audit(Box<audit::AuditArgs>),
    Convert(convert::ConvertArgs),
    Rewrap(rewrap::RewrapArgs),
    Rotate(rotate::RotateArgs),
    Sign(sign::SignArgs),
    Restart(restart::RestartCommandArgs),
    Kek(kek::KekArgs),
    Signers(signers::SignersArgs),
    Guard(guard::GuardArgs),
    Policy(Box<policy::PolicyArgs>),
    AtRest(at_rest::AtRestArgs),
    Doctor(Box<doctor::DoctorArgs>),
    /// Print the version.
    #[command(after_help = "Examples:
  # Print the version of the plugin
  kubectl envcrypt version")]
    Version,
    /// List the flags that every command accepts.
    #[command(hide = true)]
    Options,
    /// Explain how to delete a sealed Secret.
    #[command(hide = true, disable_help_flag = true)]
    Delete(about::AnyArgs),
    Completion(completion::CompletionArgs),
    #[command(hide = true)]
    Man(man::ManArgs),
    /// Print completion candidates, in the form that kubectl reads.
    #[command(name = "__complete", hide = true, disable_help_flag = true)]
    Complete(complete::CompleteArgs),
    /// Print the reference of all commands as Markdown.
    #[command(name = "__reference", hide = true)]
    Reference,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`], for the caller to report.
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
        Command::Check(args) => check::run(*args, &session).await,
        Command::Krm(args) => check::krm::run(&args, &session),
        Command::Git(args) => git::run(args, &session).await,
        Command::Audit(args) => audit::run(*args, &session).await,
        Command::Convert(args) => convert::run(&args, &session),
        Command::Seal(args) => seal::run(args, &session).await,
        Command::Set(args) => set::run(args, &session).await,
        Command::Unset(args) => unset::run(args, &session).await,
        Command::Rewrap(args) => rewrap::run(args, &session).await,
        Command::Rotate(args) => rotate::run(args, &session).await,
        Command::Sign(args) => sign::run(args, &session).await,
        Command::Restart(args) => restart::run(args, &session).await,
        Command::Version => about::version(),
        Command::Options => about::options(),
        Command::Delete(args) => about::delete(&args),
        Command::Kek(args) => kek::run(args, &session).await,
        Command::Signers(args) => signers::run(args, &session).await,
        Command::Guard(args) => guard::run(args, &session).await,
        Command::Policy(args) => policy::run(*args, &session).await,
        Command::Doctor(args) => doctor::run(*args, &session).await,
        Command::AtRest(args) => at_rest::run(args, &session).await,
        Command::Completion(args) => completion::run(args),
        Command::Man(args) => man::run(&args),
        Command::Complete(args) => complete::run(args).await,
        Command::Reference => reference::run(),
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
