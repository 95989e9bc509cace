//! Several Secrets, in the cluster or in files, that a command changes.

use clap::Args;

use super::dry_run::ClientDryRun;
use super::files::FileArgs;
use crate::candidates;
use crate::failure::Failure;
use crate::session::local::MakeLocal;

#[derive(Args, Default)]
pub struct ManyArgs {
    #[command(flatten)]
    pub files: FileArgs,
    /// Select the Secrets of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    pub all_namespaces: bool,
    /// Names of Secrets in the cluster, or evs/NAME for an EnvcryptSecret
    #[arg(value_name = "NAME", conflicts_with_all = ["filename", "all_namespaces", "selector"], add = candidates::secrets())]
    pub names: Vec<String>,
    /// Print what would change, and change nothing; no KMS wraps or unwraps a data key
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub dry_run: Option<ClientDryRun>,
    /// Whether the command works on exactly one Secret
    #[arg(skip)]
    pub single: bool,
    /// Whether the new text goes to standard output instead of into the file
    #[arg(skip)]
    pub to_stdout: bool,
}

impl ManyArgs {
    /// Whether the command must not change anything.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.is_some()
    }

    /// Whether the KEK `local` may be created.
    pub fn make_local(&self) -> MakeLocal {
        match self.is_dry_run() {
            true => MakeLocal::No,
            false => MakeLocal::Yes,
        }
    }
}

/// The error if the flags select no Secret.
pub fn nothing_named() -> Failure {
    Failure::Usage(
        "name Secrets, name files with `-f`, or select Secrets with `-l` or `-A`".to_owned(),
    )
}
