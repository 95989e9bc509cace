//! All files below a directory: read, put back, compared.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Files by their paths below the root.
#[derive(Clone, Default)]
pub struct Tree {
    pub files: BTreeMap<PathBuf, File>,
    directories: Vec<(PathBuf, u32)>,
}

#[derive(Clone, PartialEq, Eq)]
pub struct File {
    pub bytes: Vec<u8>,
    pub mode: u32,
}

impl Tree {
    pub fn read(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.add(root, Path::new(""));
        tree
    }

    fn add(&mut self, root: &Path, below: &Path) {
        for entry in fs::read_dir(root.join(below)).into_iter().flatten().flatten() {
            let path = below.join(entry.file_name());
            let Ok(metadata) = entry.metadata() else { continue };
            let mode = metadata.permissions().mode() & 0o777;
            if metadata.is_dir() {
                self.directories.push((path.clone(), mode));
                self.add(root, &path);
            } else if metadata.is_file() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                self.files.insert(path, File { bytes, mode });
            }
        }
    }

    /// Makes `root` hold exactly this.
    pub fn restore(&self, root: &Path) {
        for entry in fs::read_dir(root).expect("listed").flatten() {
            let gone = match entry.file_type().expect("a type").is_dir() {
                true => fs::remove_dir_all(entry.path()),
                false => fs::remove_file(entry.path()),
            };
            gone.expect("removed");
        }
        for (path, mode) in &self.directories {
            fs::create_dir(root.join(path)).expect("made");
            set_mode(&root.join(path), *mode);
        }
        for (path, file) in &self.files {
            fs::write(root.join(path), &file.bytes).expect("written");
            set_mode(&root.join(path), file.mode);
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
}
