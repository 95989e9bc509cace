//! `man`: writes the man pages, from the same source as the help.

use std::path::PathBuf;

use clap::{Args, CommandFactory};

use crate::cli::Cli;
use crate::failure::Failure;
use crate::files::FileError;

/// Write the man pages.
#[derive(Args)]
pub struct ManArgs {
    /// Directory to write to; it is created if it does not exist
    #[arg(value_name = "DIRECTORY")]
    folder: PathBuf,
}

/// Writes the pages. It replaces files that exist already.
pub fn run(args: &ManArgs) -> Result<(), Failure> {
    let failed = |source| FileError::Io { path: args.folder.clone(), source };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    let command = Cli::command().bin_name("kubectl-envcrypt").display_name("kubectl-envcrypt");
    clap_mangen::generate_to(command, &args.folder).map_err(failed)?;
    Ok(())
}
