//! Where the rules of a repository can be.

use std::path::{Component, Path, PathBuf};

/// The directories in which the rules for the files of `start` can be, the nearest one first.
pub fn searched(start: &Path) -> Vec<&Path> {
    let home = etcetera::home_dir().ok();
    let mut folders = Vec::new();
    for folder in start.ancestors() {
        folders.push(folder);
        if is_top(folder) || Some(folder) == home.as_deref() {
            break;
        }
    }
    folders
}

/// Whether a directory is the top of a Git repository.
pub fn is_top(folder: &Path) -> bool {
    folder.join(".git").exists()
}

/// The top of the Git repository that a directory is in.
pub fn top_of(start: &Path) -> Option<&Path> {
    start.ancestors().find(|folder| is_top(folder))
}

/// The path without `.` and `..`, and without a look at links.
pub fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}
