//! A note about sealed files that Git does not merge with this plugin.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::git::{GitError, Repository, Settings};
use crate::merge::setup::MERGE_DRIVER;
use crate::terminal;

/// Prints a note, if the repository uses the merge driver and some sealed files do not.
pub fn tell(sealed: &BTreeSet<PathBuf>) {
    // Without Git, or outside of a repository, there is nothing to say.
    if let Ok(Some(note)) = note(sealed) {
        terminal::note(&note);
    }
}

fn note(sealed: &BTreeSet<PathBuf>) -> Result<Option<String>, GitError> {
    let paths: Vec<PathBuf> = sealed.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let Some(directory) = paths.first().and_then(|path| path.parent()) else { return Ok(None) };
    let repository = Repository::of(directory)?;
    let within: Vec<&Path> =
        paths.iter().filter_map(|path| path.strip_prefix(repository.top()).ok()).collect();
    let without = repository.without_driver(&within)?;
    let has_driver = Settings::All(&repository).get(MERGE_DRIVER)?.is_some();
    let some_use_it = without.len() < within.len();
    Ok(match without.first() {
        Some(first) if has_driver || some_use_it => Some(format!(
            "Git merges {} sealed files line by line, for example `{}`: to add them to `.gitattributes`, run `kubectl envcrypt git install`",
            without.len(),
            first.display()
        )),
        // A job of CI merges nothing, so this is only for a person.
        None if !has_driver && some_use_it && terminal::stderr_is_terminal() => Some(
            "`.gitattributes` names the merge driver of this plugin, but your Git does not have it: run `kubectl envcrypt git install`"
                .to_owned(),
        ),
        _ => None,
    })
}
