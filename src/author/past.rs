//! Refuses to sign what someone brought back: the change would make it look new.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::AuthorError;
use crate::failure::{Failure, SelectError};
use crate::git::{GitError, Repository, VersionOf};
use crate::terminal;
use envcrypt_core::envelope::{Jwe, Kind, SealedSecret, is_too_late, now};
use envcrypt_core::manifest::{self, Document};
use envcrypt_core::secret::{Namespace, Place};

/// How many versions of a file are read.
const MAX_VERSIONS: usize = 100;

/// Earlier versions of the file that was asked for last.
#[derive(Default)]
pub struct Past {
    last: RefCell<Option<(PathBuf, Rc<Vec<Known>>)>>,
}

/// A sealed Secret of an earlier version.
struct Known {
    of: VersionOf,
    place: Place,
    /// In seconds since 1970.
    sealed_at: u64,
}

impl Past {
    /// Refuses a Secret if Git has a later seal of it for this file. `default` is the namespace of
    /// objects that name none.
    ///
    /// # Errors
    /// Returns [`AuthorError::Older`], or a [`Failure`] if Git cannot read the repository.
    pub fn check(
        &self,
        secret: &SealedSecret,
        path: &Path,
        default: &Namespace,
    ) -> Result<(), Failure> {
        let Some(seal) = secret.seal.as_ref().filter(|_| path != Path::new("-")) else {
            return Ok(());
        };
        let (place, now) = (&secret.meta.place, now());
        let is_newer = |known: &&Known| {
            // A time that cannot be true comes from a wrong clock.
            known.sealed_at > seal.sealed_at
                && !is_too_late(known.sealed_at, now)
                && known.place == *place
        };
        let known = self.of(path, default)?;
        let Some(newer) = known.iter().filter(is_newer).max_by_key(|known| known.sealed_at) else {
            return Ok(());
        };
        Err(AuthorError::Older {
            place: place.to_string(),
            sealed: terminal::time(seal.sealed_at),
            newer: terminal::time(newer.sealed_at),
            of: match newer.of {
                VersionOf::Index => "the index".to_owned(),
                VersionOf::Commit(id) => format!("the commit {}", id.short()),
            },
        }
        .into())
    }

    /// Reads the versions of a file, once for all of its Secrets.
    fn of(&self, path: &Path, default: &Namespace) -> Result<Rc<Vec<Known>>, Failure> {
        if let Some((_, known)) = self.last.borrow().as_ref().filter(|(of, _)| of == path) {
            return Ok(known.clone());
        }
        let known = Rc::new(read(path, default)?);
        self.last.replace(Some((path.to_owned(), known.clone())));
        Ok(known)
    }
}

fn read(path: &Path, default: &Namespace) -> Result<Vec<Known>, Failure> {
    let error = |source| Failure::Select(SelectError::Read { path: path.to_owned(), source });
    // Git knows the file that a link leads to.
    let path = path.canonicalize().map_err(error)?;
    let repository = match Repository::of(path.parent().unwrap_or(Path::new("/"))) {
        Ok(repository) => repository,
        Err(GitError::NoRepository(_) | GitError::NoGit) => return Ok(Vec::new()),
        Err(other) => return Err(other.into()),
    };
    let top = repository.top().canonicalize().map_err(GitError::Start)?;
    let Ok(within) = path.strip_prefix(&top) else { return Ok(Vec::new()) };
    let mut known = Vec::new();
    for version in repository.versions(within, MAX_VERSIONS)? {
        for document in manifest::parse(&version.bytes).unwrap_or_default() {
            let Document::Secret(object) = document else { continue };
            let seal = object.seal().and_then(|text| Jwe::parse(Kind::Seal, text.as_bytes()).ok());
            if let (Some(Jwe { sealed_at, .. }), Ok(place)) = (seal, object.place(default)) {
                known.push(Known { of: version.of.clone(), place, sealed_at });
            }
        }
    }
    Ok(known)
}
