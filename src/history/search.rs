//! Searches every file that a repository ever had.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use super::Story;
use super::commits::Commits;
use crate::failure::Failure;
use crate::git::{Blob, ObjectId, Reach, Seen};
use crate::history::Scope;
use crate::scan;
use envcrypt_core::manifest::FileKind;

/// What a search found: the files with something in them, and their commits.
pub struct History<'a> {
    scope: &'a Scope,
    /// Each with one of its paths, from the top of the work tree.
    files: Vec<(ObjectId, Box<[u8]>)>,
    commits: Commits,
    /// What could not be searched, and what to do about it.
    pub incomplete: Vec<String>,
}

/// Calls `each` with every file and the number that it gets. `each` returns whether there is
/// something in it: only then, the file keeps the number.
///
/// With `unreachable`, it also searches what nothing refers to any more.
pub fn search(
    scope: &Scope,
    unreachable: bool,
    mut each: impl FnMut(u32, &Blob<'_>) -> bool,
) -> Result<History<'_>, Failure> {
    let mut files: Vec<(ObjectId, Box<[u8]>)> = Vec::new();
    let mut known = HashMap::new();
    let mut take = |blob: Blob<'_>| {
        let number = u32::try_from(files.len()).expect("a file has at least one byte");
        if !known.contains_key(&blob.id) && each(number, &blob) {
            known.insert(blob.id, number);
            files.push((blob.id, blob.path.into()));
        }
    };
    let mut seen = scope.repository.blobs(Reach::All, &mut take)?;
    if unreachable {
        // It lists everything again, so what is missing counts once.
        seen.missing = scope.repository.blobs(Reach::Stored, &mut take)?.missing.max(seen.missing);
    }
    let mut incomplete = incomplete(scope, &seen)?;
    let commits = match Commits::find(scope, files.iter().map(|(id, _)| *id)) {
        Ok(commits) => commits,
        // In a clone without trees, the commits cannot be compared.
        Err(error) if seen.missing > 0 => {
            incomplete.push(format!("the commits cannot be named: {error}"));
            Commits::default()
        }
        Err(error) => return Err(error.into()),
    };
    Ok(History { scope, files, commits, incomplete })
}

fn incomplete(scope: &Scope, seen: &Seen) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    if scope.repository.top().join(".gitmodules").exists() {
        let reason = "the history of submodules is not searched: run the command in each of them";
        all.push(reason.to_owned());
    }
    if scope.repository.is_shallow()? {
        all.push("the clone is shallow: run `git fetch --unshallow`; with actions/checkout, set `fetch-depth: 0`".to_owned());
    }
    if seen.missing > 0 {
        all.push(format!(
            "{} objects are not in this clone, which may be a partial one: run the command in a full clone",
            seen.missing
        ));
    }
    // Other large files are no manifests, as in the work tree.
    let is_manifest = |path: &&PathBuf| scan::kind(path) != FileKind::Other;
    let large = seen.too_large.iter().filter_map(|path| scope.shown(path));
    let large: BTreeSet<PathBuf> = large.filter(|path| is_manifest(&path)).collect();
    all.extend(large.iter().map(|path| format!("`{}` is larger than 64 MiB", path.display())));
    Ok(all)
}

impl History<'_> {
    /// The story of a value that the files with these numbers had. `None` if none of them is in
    /// question.
    pub fn story(&self, files: impl IntoIterator<Item = u32>) -> Option<Story> {
        let files: Vec<_> = files.into_iter().map(|number| self.file(number)).collect();
        self.commits.story(self.scope, &files)
    }

    /// Whether a branch, a tag, another work tree or an index has this file now.
    pub fn is_now(&self, number: u32) -> bool {
        self.commits.is_now(self.file(number).0)
    }

    /// Whether a file is a manifest by one of its paths, or has no path.
    pub fn is_manifest(&self, number: u32) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let (id, path) = self.file(number);
        let is_manifest = |path: &std::path::Path| scan::kind(path) != FileKind::Other;
        let paths = self.commits.paths(id);
        (path.is_empty() && paths.is_empty())
            || is_manifest(std::path::Path::new(std::ffi::OsStr::from_bytes(path)))
            || paths.iter().any(|path| is_manifest(path))
    }

    /// A file by its number, with one of its paths.
    pub fn file(&self, number: u32) -> (ObjectId, &[u8]) {
        let (id, path) = &self.files[number as usize];
        (*id, path)
    }
}
