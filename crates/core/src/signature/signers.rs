//! The list of those who may sign: `allowed_signers` of ssh-keygen(1).

use std::collections::BTreeSet;

use thiserror::Error;

use super::PublicKey;

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// Who has the key: a name, for example an address. No pattern.
    pub principal: String,
    /// The purposes for which the key may sign. `None`: for all.
    pub namespaces: Option<Vec<String>>,
    /// The first second in which the key may sign, since 1970.
    pub valid_after: Option<u64>,
    /// The last second in which the key may sign, since 1970.
    pub valid_before: Option<u64>,
    /// The key.
    pub key: PublicKey,
}

/// Those who may sign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    pub(super) list: Vec<Signer>,
    pub(super) id: Option<String>,
    pub(super) serial: Option<u64>,
    /// The line with the serial, counted from 1.
    pub(super) serial_line: usize,
    /// The fingerprints of keys that were stolen.
    pub(super) stolen: BTreeSet<String>,
}

/// Why a key may not sign.
#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum SignerError {
    /// The list does not have the key.
    #[error("the list of signers does not have the key")]
    Unknown,
    /// The list has the key for another purpose.
    #[error("the list of signers has the key for another purpose")]
    Purpose,
    /// The key may not sign yet.
    #[error("the key was not valid yet at the time of sealing")]
    Early,
    /// The key may not sign any more.
    #[error("the key was not valid any more at the time of sealing")]
    Late,
}

impl Signers {
    /// Returns the lines of the list.
    #[must_use]
    pub fn list(&self) -> &[Signer] {
        &self.list
    }

    /// Returns the number of the list's version, in seconds since 1970. It grows with each change.
    #[must_use]
    pub fn serial(&self) -> Option<u64> {
        self.serial
    }

    /// Returns what tells this list from all others: 32 hexadecimal digits. It stays the same when
    /// the list changes.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Returns the fingerprints of keys that were stolen, which the list must not have again.
    #[must_use]
    pub fn stolen(&self) -> &BTreeSet<String> {
        &self.stolen
    }

    /// Returns the people who may sign for this purpose at this time, in seconds since 1970.
    #[must_use]
    pub fn people(&self, namespace: &str, time: u64) -> BTreeSet<&str> {
        let may = self.list.iter().filter(|signer| signer.check(namespace, time).is_ok());
        may.map(|signer| signer.principal.as_str()).collect()
    }

    /// Returns the principal who has this key, if it may sign for this purpose at this time, in
    /// seconds since 1970.
    ///
    /// # Errors
    /// Returns a [`SignerError`] if the key may not sign.
    pub fn principal(
        &self,
        key: &PublicKey,
        namespace: &str,
        time: u64,
    ) -> Result<&str, SignerError> {
        let mut refused = SignerError::Unknown;
        for signer in self.list.iter().filter(|signer| signer.key == *key) {
            match signer.check(namespace, time) {
                Ok(()) => return Ok(&signer.principal),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }
}

impl Signer {
    fn check(&self, namespace: &str, time: u64) -> Result<(), SignerError> {
        let is_for = |names: &Vec<String>| names.iter().any(|name| name == namespace);
        if !self.namespaces.as_ref().is_none_or(is_for) {
            return Err(SignerError::Purpose);
        }
        if self.valid_after.is_some_and(|after| time < after) {
            return Err(SignerError::Early);
        }
        if self.valid_before.is_some_and(|before| time > before) {
            return Err(SignerError::Late);
        }
        Ok(())
    }
}
