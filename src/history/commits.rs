//! In which commits the contents of files came and went.

use std::collections::HashMap;
use std::path::PathBuf;

use crate::git::{Change, Commit, GitError, ObjectId};
use crate::history::Scope;

/// How many paths of the same contents are kept.
const MAX_PATHS: usize = 16;

/// A commit by its place in the log: 0 is the newest one.
type Age = u32;

/// The commits of some files.
#[derive(Default)]
pub(super) struct Commits {
    /// Those that matter, by age.
    commits: HashMap<Age, Commit>,
    files: HashMap<ObjectId, Life>,
}

/// When the contents of a file came and went, under the paths in question.
#[derive(Default)]
struct Life {
    /// The oldest commit that has them.
    came: Option<Age>,
    /// The newest commit that wrote them, and the newest one that replaced or removed them.
    written: Option<Age>,
    removed: Option<Age>,
    paths: Vec<PathBuf>,
    /// Whether they also are under a path that is not in question.
    is_elsewhere: bool,
    /// What has them now.
    of: Option<String>,
}

/// What is known about a value from the files that had it.
pub struct Story {
    /// The oldest commit that has it. `None` if no commit has it: it is only staged, or nothing
    /// refers to it.
    pub first: Option<Commit>,
    /// The newest commit that wrote or removed it.
    pub last: Option<Commit>,
    /// Whether that commit removed it.
    pub is_removed: bool,
    /// Its path in the first commit.
    pub path: PathBuf,
    /// Which of the files this path is from.
    pub file: usize,
    /// The branch, tag, work tree or index that has it now, for people: `branch main`. It may be
    /// the one of this work tree.
    pub of: Option<String>,
}

impl Commits {
    /// Finds the commits of these files.
    pub(super) fn find(
        scope: &Scope,
        wanted: impl IntoIterator<Item = ObjectId>,
    ) -> Result<Self, GitError> {
        let files = wanted.into_iter().map(|id| (id, Life::default()));
        let mut found = Self { commits: HashMap::new(), files: files.collect() };
        if found.files.is_empty() {
            return Ok(found);
        }
        let (mut age, mut last) = (0, None);
        scope.repository.log(|commit, change| {
            if last.is_some_and(|last| last != commit.id) {
                age += 1;
            }
            last = Some(commit.id);
            found.note(scope, age, commit, change);
        })?;
        scope.repository.tips(|tip| {
            if let Some(life) = found.files.get_mut(&tip.id).filter(|life| life.of.is_none()) {
                life.of = scope.shown(tip.path).map(|_| tip.of.to_owned());
            }
        })?;
        Ok(found)
    }

    fn note(&mut self, scope: &Scope, age: Age, commit: &Commit, change: &Change<'_>) {
        let mut is_wanted = false;
        for old in change.old {
            let Some(life) = self.files.get_mut(old) else { continue };
            if *old != change.new && scope.shown(change.path).is_some() {
                is_wanted = true;
                life.removed.get_or_insert(age);
            }
        }
        if let Some(life) = self.files.get_mut(&change.new) {
            match scope.shown(change.path) {
                None => life.is_elsewhere = true,
                Some(path) => {
                    is_wanted = true;
                    life.came = Some(age);
                    life.written.get_or_insert(age);
                    // The path of the oldest commit comes last.
                    life.paths.retain(|known| *known != path);
                    if life.paths.len() == MAX_PATHS {
                        life.paths.remove(0);
                    }
                    life.paths.push(path);
                }
            }
        }
        if is_wanted {
            self.commits.entry(age).or_insert_with(|| commit.clone());
        }
    }

    /// The paths of a file in the commits. Of very many, some are left out.
    pub(super) fn paths(&self, id: ObjectId) -> &[PathBuf] {
        self.files.get(&id).map_or(&[], |life| &life.paths)
    }

    /// Whether something has this file now.
    pub(super) fn is_now(&self, id: ObjectId) -> bool {
        self.files.get(&id).is_some_and(|life| life.of.is_some())
    }

    /// The story of a value that these files had. `None` if none of them is in question. A file
    /// comes with a path, for one that is in no commit.
    pub(super) fn story(&self, scope: &Scope, files: &[(ObjectId, &[u8])]) -> Option<Story> {
        let life = |id| self.files.get(id);
        let lives = || files.iter().filter_map(|(id, _)| life(id));
        let of = lives().find_map(|life| life.of.clone());
        let oldest = files
            .iter()
            .enumerate()
            .filter_map(|(file, (id, _))| life(id)?.came.map(|age| (age, file)))
            .max_by_key(|(age, file)| (*age, usize::MAX - file));
        let Some((age, file)) = oldest else {
            let unnamed = files.iter().enumerate().find_map(|(file, (id, path))| {
                let is_elsewhere = life(id).is_some_and(|life| life.is_elsewhere);
                let path = if path.is_empty() { Some(PathBuf::new()) } else { scope.shown(path) };
                path.filter(|_| !is_elsewhere).map(|path| (file, path))
            });
            let (file, path) = unnamed?;
            return Some(Story { first: None, last: None, is_removed: false, path, file, of });
        };
        let written = lives().filter_map(|life| life.written).min();
        let removed = lives().filter_map(|life| life.removed).min();
        let is_removed = removed.is_some_and(|age| written.is_none_or(|written| age < written));
        let last = if is_removed { removed } else { written };
        let commit = |age: Age| self.commits.get(&age).cloned();
        let path = life(&files[file].0)?.paths.last()?.clone();
        Some(Story { first: commit(age), last: last.and_then(commit), is_removed, path, file, of })
    }
}
