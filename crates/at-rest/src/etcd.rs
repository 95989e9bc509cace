//! What etcd keeps in its database: each revision of each key.
//!
//! A data directory also has a write-ahead log. Changes of the last moments may be only there.

use std::collections::BTreeMap;

use crate::bolt::{self, ReadAt, View};
use crate::proto::{Field, Fields};

/// The size of a revision as a key of the bucket, in bytes. A tombstone has one more byte.
const REVISION: usize = 17;
const SEPARATOR: u8 = b'_';
const TOMBSTONE: &[u8] = b"t";

/// How much memory the keys of [`latest`] may take, in bytes. A cluster with a million objects
/// needs less than half of it.
const MAX_KEYS: usize = 512 << 20;
/// What a key takes besides its bytes, in bytes.
const KEY_OVERHEAD: usize = 64;

/// Why the records of etcd cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be read.
    #[error(transparent)]
    Bolt(#[from] bolt::Error),
    /// The key of a record is not a revision.
    #[error("the database is damaged: a key in bucket `key` is not a revision")]
    Revision,
    /// The value of a record is not that of a key.
    #[error("the database is damaged: revision {0} is not a key and a value")]
    Record(u64),
    /// The keys need too much memory.
    #[error("the database has too many keys: they need more than {MAX_KEYS} bytes of memory")]
    TooManyKeys,
}

/// When a key was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// The number of the transaction.
    pub main: u64,
    /// The number of the change in the transaction.
    pub sub: u64,
}

/// One revision of a key.
pub struct Record<'a> {
    /// When the key was changed.
    pub revision: Revision,
    /// Whether this revision deletes the key.
    pub is_tombstone: bool,
    /// The key.
    pub key: &'a [u8],
    /// The value. A tombstone has none.
    pub value: &'a [u8],
}

/// Calls `visit` with each record, the oldest first.
///
/// # Errors
/// Returns what `visit` returns, or an [`Error`] when the database is damaged.
pub fn records<R: ReadAt>(
    view: &View<'_, R>,
    mut visit: impl FnMut(&Record<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    view.walk("key", |key, value| visit(&Record::parse(key, value)?))
}

/// Calls `digest` with each revision of the keys that start with `prefix`, the oldest first.
/// Returns what it returned for the last revision of each key that is not deleted.
///
/// Only the keys and the digests stay in memory, not the values.
///
/// # Errors
/// Returns an [`Error`] when the database is damaged, or has too many keys.
pub fn latest<R: ReadAt, T>(
    view: &View<'_, R>,
    prefix: &[u8],
    mut digest: impl FnMut(&Record<'_>) -> T,
) -> Result<BTreeMap<Vec<u8>, T>, Error> {
    let mut latest = BTreeMap::new();
    let mut memory = 0;
    records(view, |record| {
        if !record.key.starts_with(prefix) {
            return Ok(());
        }
        let size = record.key.len() + KEY_OVERHEAD;
        if record.is_tombstone {
            memory -= latest.remove(record.key).map_or(0, |_| size);
        } else if let Some(last) = latest.get_mut(record.key) {
            *last = digest(record);
        } else {
            memory += size;
            if memory > MAX_KEYS {
                return Err(Error::TooManyKeys);
            }
            latest.insert(record.key.to_vec(), digest(record));
        }
        Ok(())
    })?;
    Ok(latest)
}

impl<'a> Record<'a> {
    /// Reads a record: a revision, and a message `mvccpb.KeyValue`.
    fn parse(key: &[u8], message: &'a [u8]) -> Result<Self, Error> {
        let (revision, mark) = key.split_at_checked(REVISION).ok_or(Error::Revision)?;
        let revision = Revision::parse(revision).ok_or(Error::Revision)?;
        if !mark.is_empty() && mark != TOMBSTONE {
            return Err(Error::Revision);
        }
        let mut record = Self { revision, is_tombstone: mark == TOMBSTONE, key: &[], value: &[] };
        for field in Fields::new(message) {
            match field.map_err(|_| Error::Record(revision.main))? {
                (1, Field::Bytes(key)) => record.key = key,
                (5, Field::Bytes(value)) => record.value = value,
                _ => {}
            }
        }
        if record.key.is_empty() { Err(Error::Record(revision.main)) } else { Ok(record) }
    }
}

impl Revision {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (main, rest) = bytes.split_first_chunk()?;
        let (separator, sub) = rest.split_first()?;
        let sub = sub.try_into().ok()?;
        let revision = Self { main: u64::from_be_bytes(*main), sub: u64::from_be_bytes(sub) };
        (*separator == SEPARATOR).then_some(revision)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use crate::bolt::testing::{Builder, leaf};

    /// A record: a revision, a key, and a value unless it is a tombstone.
    pub(crate) type Change<'a> = (u64, &'a [u8], Option<&'a [u8]>);

    pub(crate) fn database(changes: &[Change<'_>]) -> Builder {
        let entries: Vec<_> = changes.iter().map(entry).collect();
        let entries: Vec<_> = entries.iter().map(|(key, value)| (&key[..], &value[..])).collect();
        Builder::new(vec![leaf(&entries)])
    }

    fn entry((revision, key, value): &Change<'_>) -> (Vec<u8>, Vec<u8>) {
        let mut message = field(1, key);
        message.extend(b"\x18\x02"); // mod_revision
        message.extend(value.map(|value| field(5, value)).unwrap_or_default());
        let mark: &[u8] = if value.is_some() { b"" } else { b"t" };
        ([&revision.to_be_bytes(), &b"_\0\0\0\0\0\0\0\0"[..], mark].concat(), message)
    }

    /// A field of a message with up to 16 KiB.
    pub(crate) fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let size = bytes.len();
        let tag = [number << 3 | 2, (size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
        [&tag, bytes].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{Change, database};
    use super::*;
    use crate::bolt::testing::{Builder, leaf};
    use crate::bolt::{Database, Origin};

    fn values(file: &[u8], prefix: &str) -> Result<Vec<(String, String)>, Error> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let database = Database::open(file, Origin::Detect)?;
        database.view(|view| {
            let latest = latest(view, prefix.as_bytes(), |record| text(record.value))?;
            Ok(latest.into_iter().map(|(key, value)| (text(&key), value)).collect())
        })
    }

    #[test]
    fn the_last_revision_of_each_key_counts() {
        let changes: [Change<'_>; 6] = [
            (2, b"/a", Some(b"old")),
            (3, b"/b", Some(b"gone")),
            (4, b"/a", Some(b"new")),
            (5, b"/b", None),
            (6, b"/c", None),
            (7, b"/c", Some(b"back")),
        ];
        let file = database(&changes).build();
        let of = |prefix| values(&file, prefix).unwrap();
        let [a, c] = [("/a", "new"), ("/c", "back")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!(of("/"), [a, c.clone()]);
        assert_eq!(of("/c"), [c]);
        assert!(of("/b").is_empty());
    }

    #[test]
    fn what_is_not_a_record_is_refused() {
        let valid = [&1_u64.to_be_bytes(), &b"_\0\0\0\0\0\0\0\0"[..]].concat();
        let keys = [&valid[..16], &[&valid[..], b"x"].concat(), &[&valid[..], b"tt"].concat()];
        for key in keys.into_iter().chain([&valid.iter().map(|_| b'_').collect::<Vec<_>>()[..8]]) {
            let file = Builder::new(vec![leaf(&[(key, b"\x0a\x01k")])]).build();
            assert!(matches!(values(&file, ""), Err(Error::Revision)), "{key:?}");
        }
        for message in [&b""[..], b"\x0a\x05k", b"\x2a\x01v"] {
            let file = Builder::new(vec![leaf(&[(&valid, message)])]).build();
            assert!(matches!(values(&file, ""), Err(Error::Record(1))), "{message:?}");
        }
    }
}
