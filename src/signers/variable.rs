//! `ENVCRYPT_SIGNERS`: a list from outside of the repository.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::list_at;
use crate::config::{MAX_SIGNATURES, SIGNATURES_VARIABLE, SIGNERS_VARIABLE, is_top};
use crate::failure::{Failure, SignersError};
use crate::session::{Session, spellings};
use envcrypt_core::signature::Demand;

/// Whether the environment asks for signatures of every Secret.
pub fn is_named() -> bool {
    Variables::of_process().signers.is_some()
}

/// The variables. An empty one is an error: a CI without its protected variables must not pass.
pub struct Variables {
    pub signers: Option<OsString>,
    pub signatures: Option<OsString>,
}

impl Variables {
    pub fn of_process() -> Self {
        let variable = |name| std::env::var_os(name);
        Self { signers: variable(SIGNERS_VARIABLE), signatures: variable(SIGNATURES_VARIABLE) }
    }

    /// What they ask of the Secrets in these directories. `None` if they are not set.
    pub fn demand(self, session: &Session, starts: &[&Path]) -> Result<Option<Demand>, Failure> {
        let all = [(SIGNERS_VARIABLE, &self.signers), (SIGNATURES_VARIABLE, &self.signatures)];
        for (name, value) in all {
            if value.as_ref().is_some_and(|value| value.is_empty()) {
                return Err(SignersError::EmptyVariable(name).into());
            }
        }
        let Some(file) = self.signers.map(PathBuf::from) else {
            return match self.signatures {
                Some(_) => Err(SignersError::NumberAlone.into()),
                None => Ok(None),
            };
        };
        let needed = self.signatures.map_or(Some(NonZeroUsize::MIN), |text| {
            let number: NonZeroUsize = text.to_str()?.parse().ok()?;
            (number.get() <= MAX_SIGNATURES).then_some(number)
        });
        let needed = needed.ok_or(SignersError::Number)?;
        let (_, signers) = list_at(session, &file)?;
        if signers.list().is_empty() {
            return Err(SignersError::Empty(file).into());
        }
        // Whoever may write to the repository could change such a list, or the link to it.
        let absolute = std::path::absolute(&file).unwrap_or_else(|_| file.clone());
        let paths = spellings(&absolute);
        let is_inside = |top: &Path| paths.iter().any(|found| found.path.starts_with(top));
        if starts.iter().any(|start| guarded(start).any(is_inside)) {
            return Err(SignersError::Inside(file).into());
        }
        Ok(Some(Demand { signers, needed, file: file.as_path().into() }))
    }
}

/// The top of the repository of a directory, and of those that have it as a submodule.
fn guarded(start: &Path) -> impl Iterator<Item = &Path> {
    let mut tops = start.ancestors().filter(|top| is_top(top));
    let nearest = tops.next();
    let git = nearest.and_then(git_directory);
    // A repository that only lies in another one is guarded alone.
    let has_it = move |top: &&Path| {
        let outer = top.join(".git").canonicalize();
        git.as_ref().is_some_and(|git| outer.is_ok_and(|outer| git.starts_with(outer)))
    };
    nearest.into_iter().chain(tops.filter(has_it))
}

/// Where the file `.git` of a submodule leads to.
fn git_directory(top: &Path) -> Option<PathBuf> {
    let text = std::fs::read_to_string(top.join(".git")).ok()?;
    top.join(text.strip_prefix("gitdir:")?.trim()).canonicalize().ok()
}
