//! The data-encryption key (DEK).

use zeroize::Zeroizing;

use crate::secret::random_bytes;

/// The size of a DEK, in bytes. A DEK is a key for AES-256.
pub const DATA_KEY_SIZE: usize = 32;

/// A data key (DEK), which is wiped when it is dropped.
///
/// It does not implement `Debug`, `Clone` or `Serialize`. It is on the heap, so that a move leaves
/// no copy in memory.
pub struct DataKey(Box<Zeroizing<[u8; DATA_KEY_SIZE]>>);

impl DataKey {
    /// Returns a new DEK from the random number generator of the operating system.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; DATA_KEY_SIZE])));
        random_bytes(&mut **key.0);
        key
    }

    /// Copies a DEK from `bytes`. Returns `None` if there are not exactly [`DATA_KEY_SIZE`] bytes.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != DATA_KEY_SIZE {
            return None;
        }
        let mut key = Self(Box::new(Zeroizing::new([0; DATA_KEY_SIZE])));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// Returns the bytes of the DEK, for a cipher or a KMS.
    #[must_use]
    pub fn expose(&self) -> &[u8; DATA_KEY_SIZE] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_keys_differ_and_only_32_bytes_are_a_key() {
        assert!(DataKey::generate().expose() != DataKey::generate().expose());
        assert!(DataKey::from_slice(&[7; 31]).is_none());
        assert!(DataKey::from_slice(&[7; 33]).is_none());
        assert!(DataKey::from_slice(&[7; 32]).is_some());
    }
}
