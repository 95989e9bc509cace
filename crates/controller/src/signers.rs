//! Who may have written what is delivered: a list of signers from outside of the cluster's objects.

use std::io::Read;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use envcrypt_core::access::AccessError;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::signature::{Demand, Signers};

use crate::outcome::Outcome;

/// The maximum size of a list, in bytes.
const MAX_SIZE: u64 = 64 << 10;

/// The file with the list, for example from a ConfigMap. It is read again for each object, so a
/// change of the ConfigMap needs no restart.
#[derive(Debug, Clone)]
pub struct SignersFile {
    /// The file, in the form of `allowed_signers` of ssh-keygen(1).
    pub path: PathBuf,
    /// How many different principals must have signed.
    pub needed: NonZeroUsize,
}

impl SignersFile {
    /// Checks offline that those who may sign have signed, labels and annotations included.
    ///
    /// # Errors
    /// Returns the [`Outcome`] for the object.
    pub fn check(&self, sealed: &SealedSecret) -> Result<(), Outcome> {
        let demand =
            self.read().map_err(|cause| Outcome::signers_unreadable(&self.path, &cause))?;
        let signed = sealed.check_signatures(&demand).map_err(AccessError::from)?;
        match signed.uncovered.first() {
            None => Ok(()),
            Some(name) => Err(Outcome::unsigned(name)),
        }
    }

    /// Reads the list.
    ///
    /// # Errors
    /// Returns why it cannot be read.
    pub fn read(&self) -> Result<Demand, String> {
        let mut text = String::new();
        std::fs::File::open(&self.path)
            .and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text))
            .map_err(|error| error.to_string())?;
        let signers = Signers::parse(&text).map_err(|error| error.to_string())?;
        if signers.list().is_empty() {
            return Err("it names nobody".to_owned());
        }
        Ok(Demand {
            signers: Arc::new(signers),
            needed: self.needed,
            file: Arc::<Path>::from(self.path.as_path()),
        })
    }
}
