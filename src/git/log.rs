//! The commits of a repository, and which files each one changed.

use std::io::{self, BufRead, BufReader};

use super::repository::{Running, read_until};
use super::{GitError, ObjectId, Repository};
use crate::terminal;

/// The longest path or name that is read, in bytes. The rest is dropped.
const MAX_TOKEN: usize = 16 << 10;
/// The longest name of an author that is kept, in characters.
const MAX_AUTHOR: usize = 100;

/// A commit.
#[derive(Clone, PartialEq, Eq)]
pub struct Commit {
    pub id: ObjectId,
    /// When it was committed, in RFC 3339 and UTC, or `unknown`.
    pub date: String,
    /// Whoever wrote it.
    pub author: String,
}

/// A file that a commit changed.
pub struct Change<'a> {
    /// The contents before, in each parent.
    pub old: &'a [ObjectId],
    /// The contents after.
    pub new: ObjectId,
    /// The path, from the top of the work tree.
    pub path: &'a [u8],
}

impl Repository {
    /// Calls `each` with every change of every commit, the newest commit first. A merge has only
    /// the files that differ from all its parents.
    ///
    /// # Errors
    /// Returns [`GitError::Failed`] if Git cannot read the repository.
    pub fn log(&self, mut each: impl FnMut(&Commit, &Change<'_>)) -> Result<(), GitError> {
        let mut log = self.command();
        log.args([
            "-c",
            "i18n.logOutputEncoding=UTF-8",
            "log",
            "--all",
            "--reflog",
            "--date-order",
        ]);
        log.args(["--raw", "-z", "-c", "--root", "--no-abbrev", "--no-renames", "--no-color"]);
        log.args(["--no-ext-diff", "--no-textconv", "--no-notes", "--no-show-signature"]);
        log.args(["--no-relative", "--ignore-submodules=all", "-O/dev/null"]);
        log.arg("--format=%x01%H%x00%ct%x00%an");
        log.args(self.other_heads()?.iter().map(ToString::to_string)).arg("--");
        let mut running = Running::start("log", log)?;
        let mut reader = BufReader::with_capacity(1 << 16, running.stdout());
        let read = read(&mut reader, &mut each);
        drop(reader);
        match (read, running.finish()) {
            // Its output was not read to the end, so Git ended without a message.
            (Err(_), Err(GitError::Failed { said, .. })) if said.is_empty() => {
                Err(GitError::Answer)
            }
            (Err(_), Ok(())) => Err(GitError::Answer),
            (_, finished) => finished,
        }
    }
}

fn read(reader: &mut impl BufRead, each: &mut impl FnMut(&Commit, &Change<'_>)) -> io::Result<()> {
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let (mut token, mut path, mut old) = (Vec::new(), Vec::new(), Vec::new());
    let mut commit: Option<Commit> = None;
    while read_until(reader, 0, MAX_TOKEN, &mut token)? {
        let text = token.strip_prefix(b"\n").unwrap_or(&token);
        match text.first() {
            None => {}
            Some(1) => {
                let id = ObjectId::parse(&text[1..]).ok_or_else(wrong)?;
                let mut next = || {
                    let mut text = Vec::new();
                    read_until(reader, 0, MAX_TOKEN, &mut text)?;
                    Ok::<_, io::Error>(String::from_utf8_lossy(&text).into_owned())
                };
                let (date, author) = (next()?, next()?);
                // Anyone can write a commit without a time that makes sense.
                let date = date.parse().map_or_else(|_| "unknown".to_owned(), terminal::time);
                let author = author.chars().take(MAX_AUTHOR).collect();
                commit = Some(Commit { id, date, author });
            }
            Some(b':') => {
                let new = ids(text, &mut old).ok_or_else(wrong)?;
                if !read_until(reader, 0, MAX_TOKEN, &mut path)? {
                    return Err(wrong());
                }
                let commit = commit.as_ref().ok_or_else(wrong)?;
                each(commit, &Change { old: &old, new, path: &path });
            }
            Some(_) => return Err(wrong()),
        }
    }
    Ok(())
}

/// The ids of `:MODE MODE ID ID STATUS`. A merge has one more colon, mode and id for each
/// additional parent.
fn ids(text: &[u8], old: &mut Vec<ObjectId>) -> Option<ObjectId> {
    let parents = text.iter().take_while(|b| **b == b':').count();
    let mut words = text.split(|b| *b == b' ').skip(parents + 1);
    old.clear();
    for _ in 0..parents {
        old.push(ObjectId::parse(words.next()?)?);
    }
    ObjectId::parse(words.next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_merges_and_odd_names_are_read() {
        let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(40));
        let now = 1_795_493_204;
        let text = format!(
            "\u{1}{a}\0{now}\0:x\0\0::100644 100644 100644 {a} {b} {c} MM\0a\nb.yaml\0\u{1}{b}\0{now}\0\0\n:100644 100644 {a} {b} M\0:x\0:000000 100644 {b} {c} A\0y\0\u{1}{c}\0{now}\0me\0"
        );
        let mut found = Vec::new();
        read(&mut text.as_bytes(), &mut |commit, change| {
            let path = String::from_utf8_lossy(change.path).into_owned();
            found.push((commit.author.clone(), change.old.len(), change.new.short(), path));
        })
        .expect("read");
        let of = |author: &str, old, new: &str, path: &str| {
            (author.to_owned(), old, new.repeat(7), path.to_owned())
        };
        assert_eq!(
            found,
            [of(":x", 2, "c", "a\nb.yaml"), of("", 1, "b", ":x"), of("", 1, "c", "y")]
        );
        let odd = format!("\u{1}{a}\0-5x\0me\0:000000 100644 {b} {c} A\0y\0");
        let mut date = String::new();
        read(&mut odd.as_bytes(), &mut |commit, _| date.clone_from(&commit.date)).expect("read");
        assert_eq!(date, "unknown");
        for wrong in ["x\0", ":100644 100644 a b M\0x\0", "\u{1}abc\x001\0a\0"] {
            assert!(read(&mut wrong.as_bytes(), &mut |_, _| ()).is_err(), "{wrong:?}");
        }
    }
}
