//! One plaintext value of a Secret.

use zeroize::Zeroizing;

/// A plaintext value, wiped when it is dropped.
///
/// It does not implement `Debug`, `Display`, `Clone` or `Serialize`.
/// [`SecretValue::expose`] is the only access to its bytes.
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes ownership of `bytes`. The caller must not keep a copy.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Returns the bytes. Use them only to encrypt the value, or to give it to the user who asked
    /// for it.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the size in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether the size is 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether both values have the same bytes.
    ///
    /// The comparison does not take constant time. Use it only to compare two values that belong
    /// to the same user.
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
