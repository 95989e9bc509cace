//! What Git needs to know, and the files that it is for.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::git::{Repository, pattern_of};
use envcrypt_core::manifest::sealed_tokens;

/// The largest file that can be a manifest, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// The setting that names the merge driver.
pub const MERGE_DRIVER: &str = "merge.envcrypt.driver";

/// The settings of the drivers. Git merges several common versions with its own driver: a KMS has
/// nothing to do there.
pub const SETTINGS: [(&str, &str); 5] = [
    // Git appends a path of the work tree, which can start with `-`.
    ("diff.envcrypt.textconv", "kubectl-envcrypt git textconv --"),
    ("diff.envcrypt.cachetextconv", "false"),
    ("merge.envcrypt.name", "sealed Secrets, key by key"),
    (MERGE_DRIVER, "kubectl-envcrypt git merge --marker-size=%L --path=%P %O %A %B"),
    ("merge.envcrypt.recursive", "text"),
];

/// Values of settings that earlier versions of this plugin wrote.
const EARLIER: [(&str, &str); 1] = [("diff.envcrypt.textconv", "kubectl-envcrypt git textconv")];

/// Whether this plugin wrote the value of a setting.
pub fn is_own(name: &str, value: &str) -> bool {
    SETTINGS.iter().chain(&EARLIER).any(|own| *own == (name, value))
}

/// The files with sealed values that Git tracks or does not ignore, from the top of the work tree.
pub fn sealed_files(repository: &Repository) -> Result<Vec<PathBuf>, Failure> {
    let arguments = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    let listed = repository.output(&arguments)?;
    let mut files: Vec<PathBuf> = listed
        .split(|byte| *byte == 0)
        .filter(|path| !path.is_empty())
        .map(|path| PathBuf::from(OsString::from_vec(path.to_vec())))
        .filter(|path| is_sealed(&repository.top().join(path)))
        .collect();
    files.sort();
    // A file with conflicts is listed once for each version.
    files.dedup();
    Ok(files)
}

fn is_sealed(path: &Path) -> bool {
    let is_file =
        path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_SIZE);
    is_file && std::fs::read(path).is_ok_and(|bytes| holds_sealed(&bytes))
}

/// Whether a text has a sealed value or a seal.
pub fn holds_sealed(bytes: &[u8]) -> bool {
    sealed_tokens(bytes).iter().any(|token| token.jwe.is_some())
}

/// The pattern that matches exactly this file.
pub fn exactly(path: &Path) -> Vec<u8> {
    pattern_of(path.as_os_str().as_bytes(), true)
}
