//! `git merge`: the merge driver that Git starts.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::access::opener::Opener;
use crate::failure::{Failure, MergeError};
use crate::files::{self, FileError};
use crate::git::Conflicts;
use crate::merge::{Decide, Decision, Dispute, Merged, Merger, Texts};
use crate::select::files::read_file;
use crate::session::Session;

/// Merge three versions of a file with sealed Secrets. Git runs this.
///
/// The result is written to OURS, or to the file of --output. The exit code is 0 if everything is
/// merged. It is 1 if the result has conflicts.
#[derive(Args)]
#[command(after_help = "Examples:
  # What `git install` tells Git to run
  kubectl-envcrypt git merge --marker-size %L --path=%P %O %A %B

  # Merge three files by hand
  kubectl envcrypt git merge base.yaml ours.yaml theirs.yaml -o merged.yaml")]
pub struct MergeArgs {
    /// The common version; an empty file if there is none
    #[arg(value_name = "BASE")]
    base: PathBuf,
    /// Our version
    #[arg(value_name = "OURS")]
    ours: PathBuf,
    /// Their version
    #[arg(value_name = "THEIRS")]
    theirs: PathBuf,
    /// Number of characters of a conflict marker, from 7 to 100
    #[arg(long, default_value_t = 7, value_name = "NUMBER")]
    marker_size: usize,
    /// Path of the file in the work tree, for rules and messages
    #[arg(long, value_name = "PATH")]
    path: Option<PathBuf>,
    /// Write the result to this file; conflicts then show the common version, too
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Nobody decides: what both sides changed becomes a conflict.
struct Undecided;

impl Decide for Undecided {
    fn decide(&self, _: &Dispute<'_>) -> Result<Decision, Failure> {
        Ok(Decision::Open)
    }
}

pub async fn run(args: MergeArgs, session: &Session) -> Result<(), Failure> {
    let (base, ours) = (read_file(&args.base)?, read_file(&args.ours)?);
    let theirs = read_file(&args.theirs)?;
    // `.gitattributes` sets it. Shorter markers are not found again, and longer ones fill the disk.
    let marker_size = args.marker_size.clamp(7, 100);
    let conflicts = Conflicts { marker_size, with_base: args.output.is_some() };
    let texts = Texts { ours: &ours, base: &base, theirs: &theirs, conflicts };
    // The environment names KEKs to seal to, and rules can change with the KEKs of a branch.
    let merged = match Opener::to_reseal(session, &[]) {
        Ok(opener) => {
            let opener = opener.with_own_key();
            let merger = Merger::new(session, &opener, args.path.as_deref());
            let merged = texts.merge(&merger, &Undecided).await;
            merger.tell_open();
            merged
        }
        Err(failure) => texts.conflict(failure),
    };
    if let Some(failure) = merged.interruption() {
        return Err(failure);
    }
    args.write(&ours, &merged)?;
    let path = args.path.unwrap_or(args.ours);
    match (merged.secrets.is_empty(), merged.text.is_clean) {
        (true, true) => Ok(()),
        // Git reports a conflict of lines itself.
        (true, false) => Err(Failure::Ended(1)),
        (false, _) => Err(MergeError::NotMerged { path, secrets: merged.secrets }.into()),
    }
}

impl MergeArgs {
    /// Writes the result as a whole, or not at all.
    fn write(&self, ours: &[u8], merged: &Merged) -> Result<(), Failure> {
        let new = &merged.text.bytes;
        let written = match &self.output {
            None => files::replace_file(&self.ours, ours, new),
            Some(path) => replace_or_create(path, new),
        };
        Ok(written?)
    }
}

fn replace_or_create(path: &Path, new: &[u8]) -> Result<(), FileError> {
    match std::fs::read(path) {
        Ok(old) => files::replace_file(path, &old, new),
        Err(_) => files::new_file(path, new),
    }
}
