//! The contents of all files that a repository holds, now or at any time, one at a time.
//!
//! `git rev-list --objects` names them, and `git cat-file --batch` reads the names from it. So
//! nothing of the history is kept in memory, except one file.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{ChildStdout, Stdio};

use zeroize::Zeroizing;

use super::repository::Running;
use super::{GitError, ObjectId, Repository};

/// The largest file that is read, in bytes: 64 MiB.
const MAX_BLOB: u64 = 64 << 20;
/// The longest line in which Git names an object, in bytes. The rest of a longer path is dropped.
const MAX_LINE: usize = 64 << 10;

/// How many paths of too large files are kept.
const MAX_LARGE: usize = 1000;

/// Which files.
#[derive(Clone, Copy)]
pub enum Reach {
    /// All files of all branches, tags, stashes, reflogs and work trees, also those that are only
    /// staged.
    All,
    /// The files of one commit.
    Tree(ObjectId),
    /// The files of a commit and of all commits before it.
    Before(ObjectId),
    /// Every file that is stored, also if nothing refers to it. They have no paths.
    Stored,
}

/// The contents of a file.
pub struct Blob<'a> {
    pub id: ObjectId,
    /// One of its paths, from the top of the work tree. It may be empty.
    pub path: &'a [u8],
    /// They may contain plaintext values.
    pub bytes: &'a [u8],
}

/// What was read, and what could not be.
#[derive(Default)]
pub struct Seen {
    /// Objects that this copy of the repository does not have.
    pub missing: usize,
    /// The paths of files that are larger than [`MAX_BLOB`]. Of very many, some are left out.
    pub too_large: Vec<Vec<u8>>,
}

impl Repository {
    /// Calls `each` with every file.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if Git cannot read the repository.
    pub fn blobs(&self, reach: Reach, each: impl FnMut(Blob<'_>)) -> Result<Seen, GitError> {
        let format = "--batch=%(objectname) %(objecttype) %(objectsize) %(rest)";
        let mut cat = self.command();
        cat.args(["cat-file", "--buffer", format]);
        let list = match reach {
            Reach::Stored => {
                cat.args(["--batch-all-objects", "--unordered"]);
                None
            }
            _ => {
                let mut list = self.named(reach)?;
                cat.stdin(Stdio::from(list.stdout()));
                Some(list)
            }
        };
        let mut cat = Running::start("cat-file", cat)?;
        let mut reader = BufReader::with_capacity(1 << 16, cat.stdout());
        let seen = read(&mut reader, each);
        // Nobody reads any more, so both end.
        drop(reader);
        let Ok(seen) = seen else {
            return Err(match cat.finish() {
                Err(GitError::Failed { said, .. }) if said.is_empty() => GitError::Answer,
                ended => ended.err().unwrap_or(GitError::Answer),
            });
        };
        // If the list ended early, so did the stream.
        list.map_or(Ok(()), Running::finish)?;
        cat.finish()?;
        Ok(seen)
    }

    /// Calls `each` with every file that standard input names by its id.
    pub(super) fn stored(&self, ids: Stdio, each: impl FnMut(Blob<'_>)) -> Result<Seen, GitError> {
        let mut cat = self.command();
        cat.args(["cat-file", "--batch=%(objectname) %(objecttype) %(objectsize)"]).stdin(ids);
        let mut cat = Running::start("cat-file", cat)?;
        let mut reader = BufReader::with_capacity(1 << 16, cat.stdout());
        let seen = read(&mut reader, each).map_err(|_| GitError::Answer);
        drop(reader);
        let seen = seen?;
        cat.finish()?;
        Ok(seen)
    }

    /// `git rev-list`, which prints the ids and paths of the files.
    fn named(&self, reach: Reach) -> Result<Running, GitError> {
        let mut list = self.command();
        list.args(["rev-list", "--objects", "--missing=print"]);
        // With this filter, Git does not name missing directories.
        if !self.is_partial()? {
            list.arg("--filter=object:type=blob");
        }
        match reach {
            Reach::Tree(commit) => list.arg("--no-walk").arg(commit.to_string()),
            Reach::Before(commit) => list.arg(commit.to_string()),
            _ => {
                list.args(["--all", "--reflog", "--indexed-objects"]);
                list.args(self.other_heads()?.iter().map(ToString::to_string))
            }
        };
        list.arg("--");
        Running::start("rev-list", list)
    }

    /// The contents of one file.
    pub fn blob(&self, id: ObjectId) -> Result<Zeroizing<Vec<u8>>, GitError> {
        self.output(&["cat-file", "blob", &id.to_string()])
    }
}

/// Reads the answer of `git cat-file`.
fn read(reader: &mut BufReader<ChildStdout>, mut each: impl FnMut(Blob<'_>)) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let (mut line, mut bytes) = (Vec::new(), Zeroizing::new(Vec::new()));
    while read_line(reader, &mut line)? {
        let mut parts = line.splitn(4, |b| *b == b' ');
        let mut part = || parts.next().unwrap_or_default();
        let (id, kind, size, path) = (part(), part(), part(), part());
        if kind == b"missing" {
            seen.missing += 1;
            continue;
        }
        let size = std::str::from_utf8(size).ok().and_then(|size| size.parse::<u64>().ok());
        let (id, size) = ObjectId::parse(id).zip(size).ok_or(io::ErrorKind::InvalidData)?;
        if kind == b"blob" && size <= MAX_BLOB {
            bytes.clear();
            reader.by_ref().take(size).read_to_end(&mut bytes)?;
            if bytes.len() as u64 != size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            each(Blob { id, path, bytes: &bytes });
        } else {
            if kind == b"blob" && seen.too_large.len() < MAX_LARGE {
                seen.too_large.push(path.to_owned());
            }
            io::copy(&mut reader.by_ref().take(size), &mut io::sink())?;
        }
        // The line break after the contents.
        reader.by_ref().read_exact(&mut [0])?;
    }
    Ok(seen)
}

/// Reads a line without its end, of at most [`MAX_LINE`] bytes. `false` at the end.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    super::repository::read_until(reader, b'\n', MAX_LINE, line)
}
