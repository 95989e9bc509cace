//! The paths by which a file is known. Whoever writes to a repository can put a link in the place of
//! a directory, so a rule for the path that a person names must not vanish behind it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{is_file, real_place, rules_start};
use crate::config::{top_of, without_dots};
use crate::failure::{Failure, SelectError};

/// As many links as the system follows.
const MAX_LINKS: usize = 40;

/// One place at which a file is looked up in rules and pins.
#[derive(Debug, PartialEq, Eq)]
pub struct Spot {
    /// The directory in which the search for rules starts.
    pub start: PathBuf,
    /// The path of the file. `None` for standard input and live Secrets.
    pub path: Option<PathBuf>,
}

/// Every place of a file, the one that the rules about KEKs use first: the path as the person named
/// it, and what it becomes with each link. Links outside of repositories do not matter: whoever
/// writes to a repository cannot make them.
///
/// # Errors
/// Fails if the working directory cannot be read.
pub fn spots(path: Option<&Path>) -> Result<Vec<Spot>, Failure> {
    let Some(path) = path.filter(is_file) else {
        return Ok(vec![Spot { start: rules_start(None)?, path: None }]);
    };
    let read = |source| Failure::Select(SelectError::Read { path: ".".into(), source });
    let here = std::env::current_dir().map_err(read)?;
    let named = std::env::var_os("PWD").map(PathBuf::from);
    let named = named.filter(|named| named.canonicalize().is_ok_and(|named| named == here));
    let mut paths = vec![real_place(path)?];
    for base in [Some(here.clone()), named].into_iter().flatten() {
        let path = base.join(path);
        for found in [spellings(&path), spellings(&without_dots(&path))].into_iter().flatten() {
            let is_within = |link: &Path| link.starts_with(&here) || is_in_repository(link);
            let matters = found.link.as_deref().and_then(Path::parent).is_none_or(is_within);
            if matters && !paths.contains(&found.path) {
                paths.push(found.path);
            }
        }
    }
    let spot = |path: PathBuf| {
        let start = path.parent().unwrap_or(Path::new("/")).to_owned();
        Spot { start, path: Some(path) }
    };
    Ok(paths.into_iter().map(spot).collect())
}

fn is_in_repository(directory: &Path) -> bool {
    top_of(directory).is_some()
}

/// A path on the way to a file.
pub struct Spelling {
    pub path: PathBuf,
    /// The link in it. What is before the link has none, what is after it may have more.
    pub link: Option<PathBuf>,
}

/// Follows the links of an absolute path one by one. The last spelling has no link, unless there
/// are too many.
pub fn spellings(path: &Path) -> Vec<Spelling> {
    let names = |path: &Path| -> VecDeque<OsString> {
        path.components().map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut all = Vec::new();
    let (mut real, mut rest) = (PathBuf::from("/"), names(path));
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&name);
        let target = next.read_link().ok().filter(|_| all.len() < MAX_LINKS);
        let Some(target) = target else {
            real = next;
            continue;
        };
        let spelled = rest.iter().fold(next.clone(), |path, name| path.join(name));
        all.push(Spelling { path: without_dots(&spelled), link: Some(next) });
        let mut names = names(&target);
        names.append(&mut rest);
        rest = names;
    }
    all.push(Spelling { path: real, link: None });
    all
}
