//! Where the keys come from. A value is looked at once, and never kept.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use envcrypt_at_rest::bolt::{self, Database, Origin};
use envcrypt_at_rest::{etcd, residue};
use thiserror::Error;

use super::client::{Etcd, EtcdError};
use super::pod::{Pod, PodError};

/// Where to look.
pub enum Source {
    /// A member of etcd.
    Live(Etcd),
    /// A snapshot, or the database of a data directory.
    File(Database<File>),
    /// A member in a pod, through `kubectl exec`.
    Pod(Pod),
}

/// What one key of etcd came to.
pub struct Row<T> {
    /// The revision of the last change.
    pub revision: u64,
    /// What was made of the value.
    pub digest: T,
}

/// Why it cannot be looked at.
#[derive(Debug, Error)]
pub enum SourceError {
    #[error(transparent)]
    Live(#[from] EtcdError),
    #[error("`{path}` cannot be opened: {source}")]
    Open { path: PathBuf, source: std::io::Error },
    #[error("`{path}` cannot be read: {source}")]
    File { path: PathBuf, source: bolt::Error },
    #[error("the database cannot be read: {0}")]
    Records(#[from] etcd::Error),
    #[error(transparent)]
    Pod(#[from] PodError),
}

impl Source {
    /// Opens a snapshot of `etcdctl snapshot save`.
    pub fn snapshot(path: &Path) -> Result<Self, SourceError> {
        Self::file(path, Origin::Snapshot)
    }

    /// Opens the database of a data directory.
    pub fn data_directory(path: &Path) -> Result<Self, SourceError> {
        Self::file(&path.join("member/snap/db"), Origin::DataDirectory)
    }

    fn file(path: &Path, origin: Origin) -> Result<Self, SourceError> {
        let file = File::open(path)
            .map_err(|source| SourceError::Open { path: path.to_owned(), source })?;
        let database = Database::open(file, origin)
            .map_err(|source| SourceError::File { path: path.to_owned(), source })?;
        Ok(Self::File(database))
    }

    /// Reads every key with this prefix. `digest` gets each key and its value.
    pub async fn rows<T>(
        &self,
        prefix: &[u8],
        mut digest: impl FnMut(&[u8], &[u8]) -> T,
    ) -> Result<BTreeMap<Vec<u8>, Row<T>>, SourceError> {
        let mut rows = BTreeMap::new();
        let mut take = |key: Vec<u8>, revision: i64, value: &[u8]| {
            let digest = digest(&key, value);
            rows.insert(key, Row { revision: revision.try_into().unwrap_or(0), digest });
        };
        match self {
            Self::Live(etcd) => {
                etcd.each(prefix, |row| take(row.key, row.mod_revision, &row.value)).await?;
            }
            Self::Pod(pod) => {
                pod.each(prefix, |row| take(row.key, row.mod_revision, &row.value)).await?;
            }
            Self::File(database) => {
                return Ok(database.view(|view| {
                    etcd::latest(view, prefix, |record| Row {
                        revision: record.revision.main,
                        digest: digest(record.key, record.value),
                    })
                })?);
            }
        }
        Ok(rows)
    }

    /// Finds plaintext of Secrets that no key holds any more. Only a file has it.
    pub fn residue(&self) -> Result<Option<Vec<residue::Finding>>, SourceError> {
        let Self::File(database) = self else { return Ok(None) };
        let found = database.view(|view| {
            let mut found = Vec::new();
            residue::find(view, residue::is_secret, |finding| found.push(finding))?;
            Ok::<_, etcd::Error>(found)
        })?;
        Ok(Some(found))
    }
}
