//! The files that Git tracks. They are read from the index. Running Git would be unsafe, because
//! it obeys settings in the repository.

use std::path::{Component, Path, PathBuf};

use gix_index::entry::Mode;
use gix_index::{File, decode, hash};

use crate::config::top_of;
use crate::failure::{Failure, SelectError};

/// How deep submodules may be nested.
const MAX_MODULES: usize = 8;

/// The files below `folder` that Git tracks, even if they match an ignore pattern. Empty if there
/// is no repository.
pub fn tracked(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: folder.to_owned(), source });
    let real = folder.canonicalize().map_err(error)?;
    let Some(top) = top_of(&real) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    collect(top, MAX_MODULES, &mut files)?;
    let below = files.iter().filter_map(|file| file.strip_prefix(&real).ok());
    Ok(below.map(|below| folder.join(below)).collect())
}

/// The files of a work tree and of its submodules.
fn collect(top: &Path, modules: usize, into: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let index = repository(top).join("index");
    if !index.exists() {
        return Ok(());
    }
    let error = |error: &dyn std::fmt::Display| {
        Failure::Select(SelectError::Read {
            path: index.clone(),
            source: std::io::Error::other(error.to_string()),
        })
    };
    let read = |kind| File::at(&index, kind, true, decode::Options::default());
    let file = read(hash::Kind::Sha1).or_else(|_| read(hash::Kind::Sha256));
    let file = file.map_err(|e| error(&e))?;
    for entry in file.entries() {
        let path = gix_path(entry.path(&file));
        // Like Git, accept no path that leaves the work tree.
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            continue;
        }
        let path = top.join(path);
        if entry.mode == Mode::COMMIT {
            if modules > 0 && path.join(".git").exists() {
                collect(&path, modules - 1, into)?;
            }
        } else if entry.mode != Mode::SYMLINK {
            into.push(path);
        }
    }
    Ok(())
}

/// The repository of a work tree. In a submodule and in an additional work tree, `.git` is a
/// file that names it.
fn repository(top: &Path) -> PathBuf {
    let git = top.join(".git");
    let named = std::fs::read_to_string(&git).ok();
    let named = named.as_deref().and_then(|text| text.strip_prefix("gitdir: "));
    named.map_or(git, |path| top.join(path.trim_end()))
}

fn gix_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(bytes))
}
