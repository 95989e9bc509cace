//! Errors of encryption at rest.

use thiserror::Error;

use super::Explain;

#[derive(Debug, Error)]
pub enum AtRestError {
    /// Some objects were not stored again. Each one was reported.
    #[error("{failed} of {all} objects were not re-encrypted; the others are done")]
    NotReencrypted { failed: usize, all: usize },
    #[error("the backup has no Secret `{0}`")]
    NotInBackup(String),
    /// Nothing that was named opens it.
    #[error("the Secret `{place}` in the backup cannot be opened: {why}")]
    NotOpened { place: String, why: String },
    /// It opened, but it is something else.
    #[error("the Secret `{place}` in the backup cannot be used: {why}")]
    NotASecret { place: String, why: String },
    /// etcd holds something that it should not hold. Each object was named.
    #[error("etcd is not as expected: {}", found(*plain, *stale, *residue))]
    NotAsExpected { plain: usize, stale: usize, residue: usize },
}

impl Explain for AtRestError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotAsExpected { plain: 0, stale: 0, .. } => {
                "run `etcdctl compact` and `etcdctl defrag` on each member, save a new snapshot, and destroy the old ones; the write-ahead log of a data directory is not searched, and loses its plaintext with the next snapshots of etcd"
            }
            Self::NotInBackup(_) => {
                "run `kubectl envcrypt at-rest verify --snapshot FILE '*.*'` to see what it has, and check `-n`"
            }
            Self::NotOpened { .. } | Self::NotASecret { .. } => return None,
            Self::NotAsExpected { .. } => {
                "check that kube-apiserver encrypts new objects, then run `kubectl envcrypt at-rest reencrypt`"
            }
            Self::NotReencrypted { .. } => {
                "an object that cannot be decrypted needs its old key: put the key back into the EncryptionConfiguration, then run the command again"
            }
        };
        Some(text.to_owned())
    }
}

fn found(plain: usize, stale: usize, residue: usize) -> String {
    let parts = [
        (plain, "not encrypted"),
        (stale, "encrypted in another way"),
        (residue, "left in unused places of the file"),
    ];
    let parts = parts.into_iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}
