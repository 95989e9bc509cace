//! Which files Git tracks: read from its index, and never by running Git, which obeys
//! settings that stand in the repository it finds.

use std::path::{Component, Path, PathBuf};

use gix_index::entry::Mode;
use gix_index::{File, decode, hash};

use crate::failure::{Failure, SelectError};

/// How deep submodules may stand in one another.
const MAX_MODULES: usize = 8;

/// The files below a directory that Git tracks, ignored or not, as paths below `folder`.
/// None where there is no repository.
pub fn tracked(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: folder.to_owned(), source });
    let real = folder.canonicalize().map_err(error)?;
    let Some(top) = real.ancestors().find(|above| above.join(".git").exists()) else {
        return Ok(Vec::new());
    };
    let mut files = Vec::new();
    collect(top, MAX_MODULES, &mut files)?;
    let below = files.iter().filter_map(|file| file.strip_prefix(&real).ok());
    Ok(below.map(|below| folder.join(below)).collect())
}

/// The files of a work tree and of the submodules in it.
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
        // As Git itself: nothing leads out.
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

/// Where the repository of a work tree is: of a submodule and of a further work tree,
/// a file names it.
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
