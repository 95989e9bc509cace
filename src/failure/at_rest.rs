//! Errors of encryption at rest.

use std::path::PathBuf;

use thiserror::Error;

use super::{Explain, plural};

#[derive(Debug, Error)]
pub enum AtRestError {
    /// Some objects were not stored again. Each one was reported.
    #[error("{failed} of {all} objects were not re-encrypted; the others are done")]
    NotReencrypted { failed: usize, all: usize },
    /// `doctor` found problems, and reported them.
    #[error("found {count} {}", plural(*count, "problem"))]
    Unwell { count: usize },
    #[error("{0}")]
    NotDeployed(String),
    #[error("the EncryptionConfiguration cannot be made: {0}")]
    NotMade(String),
    /// The scrollback of a terminal would keep it.
    #[error("the configuration holds a key, and is not shown on a terminal")]
    KeyToTerminal,
    /// Each finding was printed.
    #[error("kube-apiserver would refuse the configuration: {count} {}", plural(*count, "error"))]
    BadConfiguration { count: usize },
    #[error("`{0}` is not text")]
    NotText(PathBuf),
    #[error("it is not a valid EncryptionConfiguration: {0}")]
    NotAConfiguration(String),
    #[error("`{0}` holds no sealed EncryptionConfiguration")]
    NoConfiguration(PathBuf),
    #[error("`{path}` is not a plan: {why}")]
    Plan { path: PathBuf, why: String },
    #[error("there is no rotation: `{0}` does not exist")]
    NoRotation(PathBuf),
    #[error("the rotation is complete")]
    RotationDone(PathBuf),
    #[error("`{path}` cannot be edited: {why}")]
    NotEdited { path: PathBuf, why: String },
    /// Someone changed the file, or named another one.
    #[error("`{config}` is not the file that `{plan}` is about")]
    OtherConfiguration { config: PathBuf, plan: PathBuf },
    /// Nothing was changed.
    #[error("the last step is not complete: {why}")]
    NotProven { why: String, config: PathBuf },
    #[error("{0} objects are left under an old key, or plain")]
    Left(usize),
    #[error("the API servers use no KMS plugin")]
    NoKms,
    #[error("the API servers do not use the same key id yet")]
    KeyIdsDiffer,
    #[error("the backup has no Secret `{0}`")]
    NotInBackup(String),
    /// Nothing that was named opens it.
    #[error("the Secret `{place}` in the backup cannot be opened: {why}")]
    NotOpened { place: String, why: String },
    /// It opened, but it is something else.
    #[error("the Secret `{place}` in the backup cannot be used: {why}")]
    NotASecret { place: String, why: String },
    /// A misspelt name or another prefix looks the same.
    #[error("etcd holds no object of `{0}`")]
    NothingThere(String),
    #[error("`{0}` cannot be read from etcd, whose keys do not name the group")]
    Wildcard(String),
    #[error(
        "every object is under the key id that the API servers use: there is nothing to rotate"
    )]
    NothingToRotate,
    /// etcd holds something that it should not hold. Each object was named.
    #[error("etcd is not as expected: {}", found(*plain, *stale, *residue))]
    NotAsExpected { plain: usize, stale: usize, residue: usize },
}

impl Explain for AtRestError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::KeyToTerminal => "write it to a file with `-w FILE`, or to a pipe",
            Self::Unwell { .. }
            | Self::NotDeployed(_)
            | Self::BadConfiguration { .. }
            | Self::NotMade(_)
            | Self::NotText(_) => {
                return None;
            }
            Self::NotAConfiguration(_) => "run `kubectl envcrypt at-rest config check FILE`",
            Self::NoConfiguration(_) => "seal one with `kubectl envcrypt at-rest config seal`",
            Self::Plan { .. } => "name another file with `--plan`",
            Self::NoRotation(_) => "begin one with `kubectl envcrypt at-rest rotate --config FILE`",
            Self::RotationDone(plan) => {
                return Some(format!("to begin another one, remove `{}`", plan.display()));
            }
            Self::NotEdited { .. } => "run `kubectl envcrypt at-rest config check FILE`",
            Self::OtherConfiguration { .. } => {
                "restore the file from a node of the control plane, or name the right plan with `--plan`"
            }
            Self::NothingThere(_) => {
                "write the resource as the EncryptionConfiguration does, check `--etcd-prefix`, or accept it with `--allow-empty`"
            }
            Self::Wildcard(_) => "name the resources, for example `deployments.apps`, or use `*.*`",
            Self::NothingToRotate => {
                "if the KMS has just rotated, add `--wait`: a plugin follows after three equal answers of the KMS, and kube-apiserver asks the plugin each minute"
            }
            Self::Left(_) => "run `kubectl envcrypt at-rest verify` for their names",
            Self::NoKms => "run `kubectl envcrypt doctor` to see what they use",
            Self::KeyIdsDiffer => {
                "add `--wait`: a plugin follows a rotation after three equal answers of the KMS, and kube-apiserver asks it each minute"
            }
            Self::NotProven { config, .. } => {
                return Some(format!(
                    "copy `{}` to each node of the control plane, then run the command again, with `--wait` to wait; each API server must run with `--encryption-provider-config-automatic-reload=true`",
                    config.display()
                ));
            }
            Self::NotAsExpected { plain: 0, stale: 0, .. } => {
                "run `etcdctl compact REVISION` with the current revision, then `etcdctl defrag` on each member, save a new snapshot, and destroy the old ones; the write-ahead log of a data directory is not searched, and loses its plaintext with the next snapshots of etcd"
            }
            Self::NotInBackup(_) => {
                "run `kubectl envcrypt at-rest verify --snapshot FILE '*.*'` to see what it has, and check `-n`"
            }
            Self::NotOpened { .. } | Self::NotASecret { .. } => return None,
            Self::NotAsExpected { .. } => {
                "check that kube-apiserver encrypts new objects, then run `kubectl envcrypt at-rest reencrypt`"
            }
            Self::NotReencrypted { .. } => {
                "an object that cannot be decrypted needs its old key in the EncryptionConfiguration, or a KMS plugin that runs; then run the command again"
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
