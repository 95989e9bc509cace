//! The versions of one file, in the index and in the history.

use std::collections::HashMap;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use zeroize::Zeroizing;

use super::{GitError, ObjectId, Repository};

/// Where a version of a file is.
#[derive(Clone, PartialEq, Eq)]
pub enum VersionOf {
    Index,
    Commit(ObjectId),
}

/// The contents of a file at some time.
pub struct FileVersion {
    pub of: VersionOf,
    pub bytes: Zeroizing<Vec<u8>>,
}

impl Repository {
    /// The version of a file in the index, and the newest `limit` versions in the history of the
    /// first parents of `HEAD`. `path` names it from the top of the work tree. What this copy does
    /// not have is left out.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if Git cannot read the repository.
    pub fn versions(&self, path: &Path, limit: usize) -> Result<Vec<FileVersion>, GitError> {
        let mut found = Vec::new();
        for entry in self.listed(&["ls-files", "-s", "-z", "--full-name"], path)? {
            // `MODE ID STAGE`, a tab, and the path.
            let id = entry.split(|byte| *byte == b' ').find_map(ObjectId::parse);
            found.extend(id.map(|id| (VersionOf::Index, id)));
        }
        found.extend(self.committed(path, limit)?);
        let mut bytes = self.contents(found.iter().map(|(_, id)| *id))?;
        let version = |(of, id)| Some(FileVersion { of, bytes: bytes.remove(&id)? });
        Ok(found.into_iter().filter_map(version).collect())
    }

    /// The contents of a file after each commit that changed it, the newest first.
    fn committed(&self, path: &Path, limit: usize) -> Result<Vec<(VersionOf, ObjectId)>, GitError> {
        let head = match self.commit("HEAD") {
            Ok(head) => head.to_string(),
            // A new repository.
            Err(GitError::NoCommit(_)) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let limit = format!("--max-count={limit}");
        let log = [
            &["log", "--first-parent", "-m", "--root", "--raw", "-z", "--no-abbrev"][..],
            &["--no-renames", "--no-color", "--no-ext-diff", "--no-textconv", "--no-notes"],
            &["--no-show-signature", "--no-relative", "--ignore-submodules=all", "-O/dev/null"],
            &["--format=%x01%H", &limit, &head],
        ];
        let (mut found, mut commit) = (Vec::new(), None);
        for token in self.listed(&log.concat(), path)? {
            let token = token.strip_prefix(b"\n").unwrap_or(&token);
            match token.first() {
                Some(1) => commit = ObjectId::parse(&token[1..]),
                // `:MODE MODE ID ID STATUS`
                Some(b':') => {
                    let id = token.split(|byte| *byte == b' ').nth(3).and_then(ObjectId::parse);
                    found
                        .extend(commit.zip(id).map(|(commit, id)| (VersionOf::Commit(commit), id)));
                }
                _ => {}
            }
        }
        Ok(found)
    }

    /// The parts, separated by NUL, of what a command prints about one file.
    fn listed(&self, arguments: &[&str], path: &Path) -> Result<Vec<Vec<u8>>, GitError> {
        let mut all: Vec<OsString> = vec!["--literal-pathspecs".into()];
        all.extend(arguments.iter().map(Into::into));
        all.extend(["--".into(), path.into()]);
        let listed = self.output(&all)?;
        Ok(listed.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect())
    }

    /// The contents of files, each once. Those that this copy does not have are left out.
    fn contents(
        &self,
        ids: impl Iterator<Item = ObjectId>,
    ) -> Result<HashMap<ObjectId, Zeroizing<Vec<u8>>>, GitError> {
        let (reader, mut writer) = std::io::pipe().map_err(GitError::Start)?;
        let mut names = String::new();
        ids.for_each(|id| names += &format!("{id}\n"));
        // A pipe holds more than that, so nobody must read it yet.
        writer.write_all(names.as_bytes()).map_err(GitError::Start)?;
        drop(writer);
        let mut found = HashMap::new();
        self.stored(Stdio::from(reader), |blob| {
            found.insert(blob.id, Zeroizing::new(blob.bytes.to_vec()));
        })?;
        Ok(found)
    }
}
