//! `git merge-file`: merges three texts, line by line.

use std::path::Path;
use std::process::{Command, Stdio};

use super::GitError;
use crate::files::{Disk, MemoryDirectory, MemoryError};
use crate::process;
use zeroize::Zeroizing;

/// How conflicts are written.
#[derive(Debug, Clone, Copy)]
pub struct Conflicts {
    /// The number of characters of a conflict marker. 0 for Git's own number.
    pub marker_size: usize,
    /// Whether to show the common version, too.
    pub with_base: bool,
}

/// A merged text.
pub struct MergedText {
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether it has no conflicts.
    pub is_clean: bool,
}

/// Merges three texts. It needs no repository. If a text is binary, the result is ours, and it
/// counts as a conflict, as in Git.
///
/// # Errors
/// Returns a [`GitError`] if Git cannot be run.
pub fn merge_file(
    conflicts: Conflicts,
    [ours, base, theirs]: [&[u8]; 3],
) -> Result<MergedText, GitError> {
    let git = process::find(Path::new("git")).ok_or(GitError::NoGit)?;
    let mut command = Command::new(git);
    // Without a common version, all of both texts would be one conflict that shows it.
    if base.is_empty() {
        command.args(["-c", "merge.conflictStyle=merge"]);
    }
    command.args(["merge-file", "-p", "-q", "-L", "ours", "-L", "base", "-L", "theirs"]);
    if conflicts.with_base {
        command.arg("--diff3");
    }
    if conflicts.marker_size > 0 {
        command.arg(format!("--marker-size={}", conflicts.marker_size));
    }
    // A file can also have plain Secrets, so this is in memory if there is such a place.
    let error = |error: MemoryError| GitError::Start(std::io::Error::other(error.to_string()));
    let directory = MemoryDirectory::new(Disk::Allowed).map_err(error)?;
    for (name, text) in [("ours", ours), ("base", base), ("theirs", theirs)] {
        command.arg(directory.write(name, text).map_err(error)?);
    }
    let answer = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let answer = answer.map_err(GitError::Start)?;
    // The number of conflicts, at most 127; above, an error.
    match answer.status.code() {
        Some(0) => Ok(MergedText { bytes: Zeroizing::new(answer.stdout), is_clean: true }),
        Some(1..=127) => Ok(MergedText { bytes: Zeroizing::new(answer.stdout), is_clean: false }),
        _ => Ok(MergedText { bytes: Zeroizing::new(ours.to_vec()), is_clean: false }),
    }
}
