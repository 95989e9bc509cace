//! One value of a Secret, in the clear.

use zeroize::Zeroizing;

/// A value in the clear: no `Debug`, `Display`, `Clone` or `Serialize`, wiped
/// when dropped. [`SecretValue::expose`] is the only way to its bytes.
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes over `bytes`; the caller keeps no copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be encrypted or handed to the person who asked.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no byte at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both hold the same bytes. For comparing two entries that the
    /// same person typed; no secret of another party is involved.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretValue {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}
