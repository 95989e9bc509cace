//! Many Secrets, of the cluster or of files, that a command changes.

use clap::Args;

use super::dry_run::ClientDryRun;
use super::files::FileArgs;
use crate::candidates;
use crate::failure::Failure;
use crate::session::local::MakeLocal;

/// Which Secrets.
#[derive(Args, Default)]
pub struct ManyArgs {
    #[command(flatten)]
    pub files: FileArgs,
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    pub all_namespaces: bool,
    /// Secrets of the cluster
    #[arg(value_name = "NAME", conflicts_with_all = ["filename", "all_namespaces", "selector"], add = candidates::secrets())]
    pub names: Vec<String>,
    /// Only tell what would be changed; no KMS is asked to wrap or to open
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub dry_run: Option<ClientDryRun>,
    /// Whether it is for one Secret alone
    #[arg(skip)]
    pub single: bool,
    /// Whether a file is left as it is, and its new text goes to standard output
    #[arg(skip)]
    pub to_stdout: bool,
}

impl ManyArgs {
    /// Whether nothing is to be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.is_some()
    }

    /// Whether naming `local` may make the key.
    pub fn make_local(&self) -> MakeLocal {
        match self.is_dry_run() {
            true => MakeLocal::No,
            false => MakeLocal::Yes,
        }
    }
}

/// That the flags say nothing of which Secrets.
pub fn nothing_named() -> Failure {
    Failure::Usage("name Secrets, files with `-f`, or take some with `-l` or `-A`".to_owned())
}
