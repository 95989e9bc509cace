//! The data-encryption key (DEK).

use zeroize::Zeroizing;

use crate::secret::random_bytes;

/// The size of a DEK in bytes: AES-256.
pub const DATA_KEY_SIZE: usize = 32;

/// A DEK: no `Debug`, `Clone` or `Serialize`, on the heap so that moving it
/// leaves no copy behind, wiped when dropped.
pub struct DataKey(Box<Zeroizing<[u8; DATA_KEY_SIZE]>>);

impl DataKey {
    /// A fresh one from the operating system's generator.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Self(Box::new(Zeroizing::new([0; DATA_KEY_SIZE])));
        random_bytes(&mut **key.0);
        key
    }

    /// Copies `bytes`, or `None` unless there are exactly 32.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != DATA_KEY_SIZE {
            return None;
        }
        let mut key = Self(Box::new(Zeroizing::new([0; DATA_KEY_SIZE])));
        key.0.copy_from_slice(bytes);
        Some(key)
    }

    /// The bytes, for a cipher or a KMS.
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
