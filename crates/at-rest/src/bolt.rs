//! Reads the files of etcd, which bbolt writes.
//!
//! The reader only reads, at positions. It never maps the file, and it holds one page at a time.
//! A damaged or hostile file gives an error: the reader visits each page at most once, and every
//! size in the file has a limit.

mod meta;
mod page;
mod set;
mod source;
mod tails;
#[cfg(test)]
pub(crate) mod testing;
mod trailer;
mod tree;

use std::io;

pub(crate) use self::page::Page;
pub(crate) use self::set::PageSet;
pub use self::source::ReadAt;

use self::meta::Meta;

/// The maximum size of a file, in bytes. etcd recommends at most 8 GiB.
const MAX_SIZE: u64 = 128 << 30;

/// How often [`Database::view`] starts again when etcd writes at the same time.
const ATTEMPTS: usize = 5;

/// Why a file of etcd cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused to read.
    #[error("cannot read the database")]
    Read(#[from] io::Error),
    /// bbolt did not write this file.
    #[error("the file is not an etcd database")]
    NotBolt,
    /// Both meta pages are damaged, so the root of the database is not known.
    #[error("the database is damaged: neither meta page is valid")]
    Meta,
    /// The file is shorter than the database in it.
    #[error("the database is truncated: it has {size} of {needed} bytes")]
    Truncated {
        /// The size of the file, in bytes.
        size: u64,
        /// The size of the database, in bytes.
        needed: u64,
    },
    /// The file is larger than the reader supports.
    #[error("the database is too large: it has {0} bytes, and the limit is {MAX_SIZE}")]
    TooLarge(u64),
    /// The file should be a snapshot, but does not end with a checksum.
    #[error("the snapshot is incomplete: it does not end with a checksum")]
    NoChecksum,
    /// The checksum at the end of the snapshot is not that of its content.
    #[error("the snapshot is damaged: its checksum does not match")]
    Checksum,
    /// A page does not have the form that bbolt gives it.
    #[error("the database is damaged at page {page}: {reason}")]
    Page {
        /// The number of the page.
        page: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The database has more buckets than the reader supports.
    #[error("the database is damaged: it has too many buckets")]
    Buckets,
    /// The database does not have a bucket that etcd always creates.
    #[error("the database is not from etcd: it has no bucket `{0}`")]
    NoBucket(&'static str),
    /// etcd committed a change during each attempt to read.
    #[error("the database changes while it is read: stop etcd, or save a snapshot and read that")]
    Busy,
}

/// Where a file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `etcdctl snapshot save` wrote it. It ends with a SHA-256 checksum, which is checked.
    Snapshot,
    /// It is `member/snap/db` of a data directory. etcd may write to it at the same time.
    DataDirectory,
    /// The size tells which: only that of a snapshot is 32 more than a multiple of 512 bytes.
    Detect,
}

/// A file of etcd.
pub struct Database<R> {
    file: R,
    is_snapshot: bool,
}

impl<R: ReadAt> Database<R> {
    /// Opens a file. This reads a snapshot once as a whole, to check its checksum.
    ///
    /// # Errors
    /// Returns an [`Error`] when the file is not a database, is truncated, or has another checksum.
    pub fn open(file: R, origin: Origin) -> Result<Self, Error> {
        let size = file.size()?;
        if size > MAX_SIZE {
            return Err(Error::TooLarge(size));
        }
        let is_snapshot = match origin {
            Origin::Detect => trailer::is_there(size),
            Origin::Snapshot if !trailer::is_there(size) => return Err(Error::NoChecksum),
            Origin::Snapshot => true,
            Origin::DataDirectory => false,
        };
        if is_snapshot {
            trailer::check(&file, size)?;
        }
        let database = Self { file, is_snapshot };
        database.newest()?;
        Ok(database)
    }

    /// Returns whether the file is a snapshot, as opposed to the database of a data directory.
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.is_snapshot
    }

    /// Calls `read` with the newest committed state.
    ///
    /// If etcd commits a change in the meantime, it may have reused a page of that state. Then the
    /// result of `read` is dropped, and `read` is called again.
    ///
    /// # Errors
    /// Returns what `read` returns, or an [`Error`]: [`Error::Busy`] when etcd commits too often.
    pub fn view<T, E: From<Error>>(
        &self,
        mut read: impl FnMut(&View<'_, R>) -> Result<T, E>,
    ) -> Result<T, E> {
        for _ in 0..ATTEMPTS {
            let view = self.newest()?;
            let result = read(&view);
            if self.is_snapshot || self.newest()?.meta.txid == view.meta.txid {
                return result;
            }
        }
        Err(Error::Busy.into())
    }

    fn newest(&self) -> Result<View<'_, R>, Error> {
        let trailer = if self.is_snapshot { trailer::SIZE } else { 0 };
        let size = self.file.size()?.saturating_sub(trailer);
        let meta = Meta::newest(&self.file, size)?;
        Ok(View { file: &self.file, size, meta })
    }
}

/// One committed state of a [`Database`].
pub struct View<'a, R> {
    file: &'a R,
    /// The size of the file without a checksum, in bytes.
    size: u64,
    meta: Meta,
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::testing::{Builder, bucket, leaf};
    use super::*;

    fn keys(file: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        Database::open(file, Origin::Detect)?.view(|view| {
            let mut keys = Vec::new();
            view.walk("key", |key, _| {
                keys.push(key.to_vec());
                Ok::<_, Error>(())
            })?;
            Ok(keys)
        })
    }

    #[test]
    fn a_file_that_is_not_a_database_is_refused() {
        for file in [&[][..], &[0; 31], &[7; 8192], &[0; 512 + 31]] {
            assert!(matches!(keys(file), Err(Error::NotBolt)), "{} bytes", file.len());
        }
    }

    #[test]
    fn a_snapshot_needs_its_checksum() {
        let database = Builder::with_keys(&[b"a"]).build();
        let opened = Database::open(&database[..], Origin::Snapshot);
        assert!(matches!(opened, Err(Error::NoChecksum)));

        let mut snapshot = testing::snapshot(&database);
        assert_eq!(keys(&snapshot).unwrap(), [b"a"]);
        assert!(Database::open(&snapshot[..], Origin::Snapshot).is_ok_and(|d| d.is_snapshot()));
        *snapshot.last_mut().unwrap() ^= 1;
        assert!(matches!(keys(&snapshot), Err(Error::Checksum)));
    }

    #[test]
    fn a_change_anywhere_in_a_snapshot_is_noticed() {
        let snapshot = testing::snapshot(&Builder::with_keys(&[b"a"]).build());
        for at in (0..snapshot.len()).step_by(97) {
            let mut changed = snapshot.clone();
            changed[at] ^= 0x10;
            assert!(matches!(keys(&changed), Err(Error::Checksum)), "at {at}");
        }
    }

    /// A database that etcd writes to: one file for each commit.
    struct Live {
        states: Vec<Vec<u8>>,
        commits: Cell<usize>,
    }

    impl ReadAt for Live {
        fn size(&self) -> io::Result<u64> {
            (&self.states[self.commits.get()][..]).size()
        }

        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            (&self.states[self.commits.get()][..]).read_exact_at(buffer, offset)
        }
    }

    /// Reads a database to which etcd commits `commits` times, once in each attempt. Returns also
    /// the number of attempts.
    fn read_live(commits: usize) -> (Result<Vec<u8>, Error>, usize) {
        let state = |txid| Builder { txid, ..Builder::with_keys(&[&[txid as u8]]) }.build();
        let states = (2..).take(commits + 1).map(state).collect();
        let file = Live { states, commits: Cell::new(0) };
        let database = Database::open(file, Origin::DataDirectory).unwrap();
        let mut attempts = 0;
        let result = database.view(|view| {
            attempts += 1;
            let mut keys = Vec::new();
            view.walk("key", |key, _| {
                keys.extend_from_slice(key);
                Ok::<_, Error>(())
            })?;
            database.file.commits.set(attempts.min(commits));
            Ok(keys)
        });
        (result, attempts)
    }

    #[test]
    fn a_commit_during_an_attempt_starts_another() {
        let (result, attempts) = read_live(2);
        assert_eq!(result.unwrap(), [4], "the key of the last transaction");
        assert_eq!(attempts, 3);
    }

    #[test]
    fn a_database_that_changes_all_the_time_is_busy() {
        let (result, attempts) = read_live(ATTEMPTS);
        assert!(matches!(result, Err(Error::Busy)), "{result:?}");
        assert_eq!(attempts, ATTEMPTS);
    }

    #[test]
    fn an_empty_bucket_has_no_keys_and_a_missing_one_is_an_error() {
        assert!(keys(&Builder::with_keys(&[]).build()).unwrap().is_empty());
        let other = Builder::new(vec![leaf(&[])]).entry(b"other", &bucket(3, &[])).build();
        assert!(matches!(keys(&other), Err(Error::NoBucket("key"))));
    }
}
