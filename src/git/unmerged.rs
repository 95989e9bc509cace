//! The versions of a file with conflicts, as the index keeps them.

use std::path::Path;

use super::{GitError, Repository};
use zeroize::Zeroizing;

/// The versions of one file. A version that a side does not have is `None`.
#[derive(Default)]
pub struct Unmerged {
    pub base: Option<Zeroizing<Vec<u8>>>,
    pub ours: Option<Zeroizing<Vec<u8>>>,
    pub theirs: Option<Zeroizing<Vec<u8>>>,
}

/// Reads the versions of a file, which `path` names from the top of the work tree. Returns `None`
/// if the file has no conflict.
///
/// # Errors
/// Returns a [`GitError`] if Git cannot read the index or a version.
pub fn unmerged(repository: &Repository, path: &Path) -> Result<Option<Unmerged>, GitError> {
    let mut arguments: Vec<std::ffi::OsString> =
        ["--literal-pathspecs", "ls-files", "-u", "-z", "--"].map(Into::into).into();
    arguments.push(path.into());
    let listed = repository.output(&arguments)?;
    let mut versions = Unmerged::default();
    let mut is_unmerged = false;
    // Each entry is `MODE ID STAGE`, a tab, and the path.
    for entry in listed.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let fields = entry.split(|byte| *byte == b'\t').next().unwrap_or_default();
        let fields = String::from_utf8_lossy(fields);
        let fields: Vec<&str> = fields.split(' ').collect();
        let [_, id, stage] = fields[..] else { continue };
        let version = match stage {
            "1" => &mut versions.base,
            "2" => &mut versions.ours,
            _ => &mut versions.theirs,
        };
        *version = Some(repository.output(&["cat-file", "blob", id])?);
        is_unmerged = true;
    }
    Ok(is_unmerged.then_some(versions))
}
