//! What branches, tags, other work trees and indexes have now.

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufReader};

use super::repository::{Running, read_until};
use super::{GitError, ObjectId, Repository};

/// The longest entry that is read, in bytes.
const MAX_ENTRY: usize = 64 << 10;
/// How many commits of one file such as `FETCH_HEAD` are read.
const MAX_HEADS: usize = 1000;

/// A file of now, outside of this work tree.
pub struct TipFile<'a> {
    pub id: ObjectId,
    /// The path, from the top of the work tree.
    pub path: &'a [u8],
    /// What has it, for people: `branch main`.
    pub of: &'a str,
}

impl Repository {
    /// Calls `each` with every file of every branch, tag, work tree and index.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if Git cannot read the repository.
    pub fn tips(&self, mut each: impl FnMut(&TipFile<'_>)) -> Result<(), GitError> {
        let mut trees = HashSet::new();
        for (id, of) in self.heads()? {
            if trees.insert(id) {
                let arguments = ["ls-tree", "-r", "-z", "--full-tree", &id.to_string()];
                self.entries(&arguments, "", &of, &mut each)?;
            }
        }
        for (folder, _) in self.work_trees()? {
            let is_here = self.is_here(&folder);
            let of =
                if is_here { "the index".to_owned() } else { format!("the index of {folder}") };
            // The directory of another one may be gone.
            if is_here || std::path::Path::new(&folder).join(".git").exists() {
                self.entries(&["ls-files", "-s", "-z", "--full-name"], &folder, &of, &mut each)?;
            }
        }
        Ok(())
    }

    /// What branches, tags and work trees name, in order.
    fn heads(&self) -> Result<Vec<(ObjectId, String)>, GitError> {
        let format = "--format=%(objectname) %(objecttype) %(*objecttype) %(refname)";
        let refs = ["refs/heads", "refs/remotes", "refs/tags"];
        let listed = self.output(&[&["for-each-ref", format][..], &refs].concat())?;
        let mut heads = Vec::new();
        for line in String::from_utf8_lossy(&listed).lines() {
            let fields: Vec<&str> = line.splitn(4, ' ').collect();
            let [id, kind, peeled, name] = fields[..] else { continue };
            let has_files = |kind| matches!(kind, "commit" | "tree");
            let Some(id) = ObjectId::parse(id.as_bytes()) else { continue };
            if has_files(kind) || kind == "tag" && peeled != "blob" {
                let of = ["refs/heads/", "refs/remotes/", "refs/tags/"].into_iter();
                let of = of.zip(["branch", "branch", "tag"]);
                let mut of = of.filter_map(|(start, of)| Some((of, name.strip_prefix(start)?)));
                let (of, name) = of.next().unwrap_or(("ref", name));
                heads.push((id, format!("{of} {name}")));
            }
        }
        let work_trees = self.work_trees()?.into_iter();
        let name = |folder: String| match self.is_here(&folder) {
            true => "HEAD".to_owned(),
            false => format!("the work tree {folder}"),
        };
        heads.extend(work_trees.filter_map(|(folder, id)| Some((id?, name(folder)))));
        Ok(heads)
    }

    fn is_here(&self, folder: &str) -> bool {
        std::path::Path::new(folder) == self.top()
    }

    /// Each work tree with its commit.
    fn work_trees(&self) -> Result<Vec<(String, Option<ObjectId>)>, GitError> {
        let listed = self.output(&["worktree", "list", "--porcelain"])?;
        let mut all: Vec<(String, Option<ObjectId>)> = Vec::new();
        for line in String::from_utf8_lossy(&listed).lines() {
            if let Some(folder) = line.strip_prefix("worktree ") {
                all.push((folder.to_owned(), None));
            } else if let (Some(id), Some(last)) = (line.strip_prefix("HEAD "), all.last_mut()) {
                // Without a commit, it has only zeros.
                last.1 = ObjectId::parse(id.as_bytes()).filter(|_| id.bytes().any(|b| b != b'0'));
            }
        }
        Ok(all)
    }

    /// The files that `ls-tree` or `ls-files` lists.
    fn entries(
        &self,
        arguments: &[&str],
        folder: &str,
        of: &str,
        each: &mut impl FnMut(&TipFile<'_>),
    ) -> Result<(), GitError> {
        let mut list = self.command();
        if !folder.is_empty() {
            list.args(["-C", folder]);
        }
        list.args(arguments);
        let mut running = Running::start("ls-tree", list)?;
        let mut reader = BufReader::with_capacity(1 << 16, running.stdout());
        let mut entry = Vec::new();
        let mut next = || -> io::Result<bool> {
            let is_any = read_until(&mut reader, 0, MAX_ENTRY, &mut entry)?;
            // `MODE TYPE ID`, or `MODE ID STAGE`, a tab, and the path.
            let mut parts = entry.splitn(2, |byte| *byte == b'\t');
            let (fields, path) =
                (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
            let id = fields.split(|byte| *byte == b' ').find_map(ObjectId::parse);
            if let Some(id) = id {
                each(&TipFile { id, path, of });
            }
            Ok(is_any)
        };
        while next().map_err(|_| GitError::Answer)? {}
        running.finish()
    }

    /// The commits that a fetch or a merge left, and that may be of no branch.
    pub(super) fn other_heads(&self) -> Result<Vec<ObjectId>, GitError> {
        let mut heads = BTreeMap::new();
        for name in ["FETCH_HEAD", "MERGE_HEAD", "ORIG_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"] {
            let path = self.output(&["rev-parse", "--git-path", name])?;
            let path = String::from_utf8_lossy(path.trim_ascii_end()).into_owned();
            let Ok(text) = std::fs::read(self.top().join(path)) else { continue };
            for line in text.split(|byte| *byte == b'\n').take(MAX_HEADS) {
                let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
                let Some(id) = ObjectId::parse(word) else { continue };
                if let std::collections::btree_map::Entry::Vacant(entry) = heads.entry(id) {
                    // What is not stored any more cannot be searched.
                    entry.insert(self.commit(&id.to_string()).ok());
                }
            }
        }
        Ok(heads.into_values().flatten().collect())
    }
}
