//! The files to search: those that are named, and those that Git tracks or does not ignore.

use std::path::{Path, PathBuf};

use clap::Args;
use globset::{Glob, GlobSet, GlobSetBuilder};
use ignore::{Walk, WalkBuilder};

use super::tracked::tracked;
use crate::failure::{Failure, SelectError};

/// Which files of directories are searched.
#[derive(Args, Default)]
pub struct FileSet {
    /// Skip paths that match this pattern, for example tests/** (can be repeated)
    #[arg(long, value_name = "GLOB", value_parser = glob)]
    exclude: Vec<Glob>,
    /// Check files that Git ignores, too
    #[arg(long)]
    no_ignore: bool,
}

impl FileSet {
    /// The files in order: those that are named, and those that Git tracks or does not ignore.
    pub fn files(
        &self,
        paths: &[PathBuf],
        failures: &mut Vec<Failure>,
    ) -> Result<Vec<PathBuf>, Failure> {
        let excluded = self.excluded();
        let mut files = Vec::new();
        let mut named = Vec::new();
        for path in paths {
            if path == Path::new("-") || (path.exists() && !path.is_dir()) {
                // A file that is named is always checked.
                named.push(path.clone());
                continue;
            }
            if let Err(source) = std::fs::metadata(path) {
                return Err(Failure::Select(SelectError::Read { path: path.clone(), source }));
            }
            let mut take = |found: &Path| {
                let within = found.strip_prefix(path).unwrap_or(found);
                let found = found.strip_prefix("./").unwrap_or(found);
                if !is_excluded(&excluded, found, within) {
                    files.push(found.to_owned());
                }
            };
            for entry in self.walk(path) {
                match entry {
                    Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                        take(entry.path());
                    }
                    Ok(_) => {}
                    Err(error) => failures.push(read_error(path, error)),
                }
            }
            let tracked = tracked(path).unwrap_or_else(|failure| {
                failures.push(failure);
                Vec::new()
            });
            for found in tracked {
                if found.symlink_metadata().is_ok_and(|found| found.is_file()) {
                    take(&found);
                }
            }
        }
        // Most are in order already.
        files.sort();
        files.dedup();
        named.retain(|path| files.binary_search(path).is_err());
        named.extend(files);
        Ok(named)
    }

    fn walk(&self, path: &Path) -> Walk {
        WalkBuilder::new(path)
            .hidden(false)
            .git_ignore(!self.no_ignore)
            .git_exclude(!self.no_ignore)
            .git_global(!self.no_ignore)
            .ignore(false)
            .parents(!self.no_ignore)
            .sort_by_file_name(Ord::cmp)
            .filter_entry(|entry| entry.file_name() != ".git")
            .build()
    }

    /// The patterns of `--exclude`.
    pub fn excluded(&self) -> GlobSet {
        let mut set = GlobSetBuilder::new();
        for glob in &self.exclude {
            set.add(glob.clone());
        }
        set.build().expect("each was parsed before")
    }
}

/// Whether a pattern matches the path, the path within the directory that is searched, or one of
/// their directories: excluding a directory excludes everything in it.
pub fn is_excluded(excluded: &GlobSet, path: &Path, within: &Path) -> bool {
    path.ancestors().chain(within.ancestors()).any(|part| excluded.is_match(part))
}

fn glob(text: &str) -> Result<Glob, String> {
    Glob::new(text).map_err(|_| format!("`{text}` is not a valid path pattern"))
}

fn read_error(path: &Path, error: ignore::Error) -> Failure {
    let source = error.into_io_error().unwrap_or_else(|| std::io::ErrorKind::Other.into());
    Failure::Select(SelectError::Read { path: path.to_owned(), source })
}
