//! Which list `clusters` is for a file, and by which paths its patterns know the file.

use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use crate::config::{Rules, searched};
use crate::failure::Failure;
use crate::session::Session;

/// The first file with a list `clusters`, from these rules upwards. A nested file without the list
/// does not switch off the list above it.
pub fn with_guards(
    session: &Session,
    mut nearest: Option<Rc<Rules>>,
) -> Result<Option<Rc<Rules>>, Failure> {
    while let Some(rules) = nearest.as_ref().filter(|rules| rules.guards.is_empty()) {
        nearest = match searched(rules.root()).get(1) {
            Some(parent) => session.rules_of(parent)?,
            None => None,
        };
    }
    Ok(nearest)
}

/// The file as the person named it, without following links, and the file that a link leads to.
pub fn other_places(path: &Path) -> Vec<PathBuf> {
    let named = std::env::current_dir().ok().map(|here| lexical(&here.join(path)));
    named.into_iter().chain(path.canonicalize().ok()).collect()
}

fn lexical(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                found.pop();
            }
            part => found.push(part),
        }
    }
    found
}

/// The entries whose `path` matches no file: their numbers and patterns, and whether the pattern is
/// the name of a directory.
pub fn unmatched(rules: &Rules) -> Vec<(usize, String, bool)> {
    let paths = rules.guards.iter().filter_map(|guard| Some((guard.number, guard.path.as_ref()?)));
    let mut left: Vec<_> = paths.collect();
    let files = ignore::WalkBuilder::new(rules.root())
        .standard_filters(false)
        .filter_entry(|entry| entry.file_name() != ".git")
        .build();
    for entry in files.filter_map(Result::ok) {
        if left.is_empty() {
            break;
        }
        let is_file = entry.file_type().is_some_and(|kind| !kind.is_dir());
        let path = entry.path().strip_prefix(rules.root()).ok().filter(|_| is_file);
        left.retain(|(_, pattern)| path.is_none_or(|path| !pattern.matches(path)));
    }
    let named = left.into_iter().map(|(number, pattern)| {
        let is_folder = rules.root().join(pattern.as_str()).is_dir();
        (number, pattern.to_string(), is_folder)
    });
    named.collect()
}
