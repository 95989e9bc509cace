//! Compares values without keeping them.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use envcrypt_core::secret::random_bytes;

/// What stands for a value within one run.
pub type Fingerprint = [u8; 16];

/// Makes fingerprints. Without its key, which is new for each run, nobody can test a guess.
pub struct Fingerprints {
    key: Zeroizing<[u8; 32]>,
}

impl Fingerprints {
    pub fn new() -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random_bytes(&mut *key);
        Self { key }
    }

    /// Equal for equal values.
    pub fn of(&self, value: &[u8]) -> Fingerprint {
        let hash = Sha256::new().chain_update(*self.key).chain_update(value).finalize();
        std::array::from_fn(|at| hash[at])
    }
}
