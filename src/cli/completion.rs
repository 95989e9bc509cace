//! `completion`: scripts for the shells, and the script that kubectl looks for.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell as ClapShell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::terminal;

/// kubectl runs this to complete the words after `kubectl envcrypt`.
const KUBECTL_SCRIPT: &str = "#!/bin/sh
# Completion of `kubectl envcrypt`: put this on your PATH, executable, under
# the name kubectl_complete-envcrypt.
exec kubectl-envcrypt __complete -- \"$@\"
";

/// Print a completion script.
///
/// `completion kubectl` prints the script that completes `kubectl envcrypt`. It works in every
/// shell that has kubectl's own completion. It also completes the names of Secrets, keys,
/// namespaces, contexts and KEKs. The other scripts complete the program under its own name,
/// kubectl-envcrypt.
#[derive(Args)]
#[command(after_help = "Examples:
  # Complete `kubectl envcrypt`
  kubectl envcrypt completion kubectl > ~/.local/bin/kubectl_complete-envcrypt
  chmod +x ~/.local/bin/kubectl_complete-envcrypt

  # Complete `kubectl-envcrypt` in bash
  source <(kubectl envcrypt completion bash)")]
pub struct CompletionArgs {
    /// Shell that runs the script, or kubectl
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "lower")]
enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    Power,
    Kubectl,
}

pub fn run(args: CompletionArgs) -> Result<(), Failure> {
    let shell = match args.shell {
        Shell::Kubectl => return Ok(terminal::stdout(KUBECTL_SCRIPT.as_bytes())?),
        Shell::Bash => ClapShell::Bash,
        Shell::Zsh => ClapShell::Zsh,
        Shell::Fish => ClapShell::Fish,
        Shell::Power => ClapShell::PowerShell,
    };
    let mut script = Vec::new();
    // A shell completes the command that it runs, so the script needs the program's own name.
    let mut command = Cli::command().bin_name("kubectl-envcrypt");
    clap_complete::generate(shell, &mut command, "kubectl-envcrypt", &mut script);
    Ok(terminal::stdout(&script)?)
}
