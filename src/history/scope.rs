//! Which part of a repository is in question.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use globset::GlobSet;

use crate::failure::{Failure, SelectError};
use crate::git::Repository;
use crate::scan::is_excluded;

/// The paths of the command line that are in one repository.
pub struct Scope {
    pub repository: Repository,
    named: Vec<Named>,
    excluded: GlobSet,
}

struct Named {
    /// From the top of the work tree. Empty for all of it.
    below: PathBuf,
    /// As the person wrote it.
    path: PathBuf,
}

impl Scope {
    /// One scope for each repository that a path is in, in the order of the paths. Standard input
    /// is in none.
    pub fn of(paths: &[PathBuf], excluded: &GlobSet) -> Result<Vec<Self>, Failure> {
        let mut scopes: Vec<Self> = Vec::new();
        for path in paths.iter().filter(|path| *path != Path::new("-")) {
            let error = |source| Failure::Select(SelectError::Read { path: path.clone(), source });
            let real = path.canonicalize().map_err(error)?;
            let folder = if real.is_dir() { &*real } else { real.parent().unwrap_or(&real) };
            let repository = Repository::of(folder)?;
            let top = repository.top().canonicalize().map_err(error)?;
            let below = real.strip_prefix(&top).map(Path::to_owned).map_err(|_| {
                let outside = format!("it is outside of the work tree `{}`", top.display());
                error(std::io::Error::other(outside))
            })?;
            let named = Named { below, path: path.clone() };
            match scopes.iter_mut().find(|scope| scope.repository.top() == repository.top()) {
                Some(scope) => scope.named.push(named),
                None => {
                    let excluded = excluded.clone();
                    scopes.push(Self { repository, named: vec![named], excluded });
                }
            }
        }
        Ok(scopes)
    }

    /// A path from the top of the work tree, as the person would write it. `None` if it is not in
    /// question.
    pub fn shown(&self, path: &[u8]) -> Option<PathBuf> {
        let path = Path::new(OsStr::from_bytes(path));
        self.named.iter().find_map(|named| {
            let within = path.strip_prefix(&named.below).ok()?;
            if within == Path::new("") {
                return Some(named.path.clone());
            }
            let shown = named.path.join(within);
            let shown = shown.strip_prefix("./").unwrap_or(&shown);
            (!is_excluded(&self.excluded, shown, within)).then(|| shown.to_owned())
        })
    }
}
