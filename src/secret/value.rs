//! One value of a Secret, in the clear.

use zeroize::Zeroizing;

/// A value in the clear: no `Debug`, `Display`, `Clone` or `Serialize`, wiped
/// when dropped. [`SecretValue::expose`] is the only way to its bytes.
pub struct SecretValue(Zeroizing<Vec<u8>>);

/// Something about a value that is more often a mistake than meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// One line of text that ends with a line break, as `echo` makes it.
    TrailingNewline,
    /// Nothing at all.
    Empty,
}

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

    /// What a careful colleague would point out.
    #[must_use]
    pub fn remark(&self) -> Option<Remark> {
        match self.expose() {
            [] => Some(Remark::Empty),
            [line @ .., b'\n'] if !line.contains(&b'\n') && std::str::from_utf8(line).is_ok() => {
                Some(Remark::TrailingNewline)
            }
            _ => None,
        }
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretValue {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(bytes: &[u8]) -> Option<Remark> {
        SecretValue::new(bytes.to_vec()).remark()
    }

    #[test]
    fn remarks_on_what_is_likely_a_mistake() {
        assert_eq!(remark(b""), Some(Remark::Empty));
        assert_eq!(remark(b"hunter2\n"), Some(Remark::TrailingNewline));
        assert_eq!(remark(b"hunter2\r\n"), Some(Remark::TrailingNewline));
        assert_eq!(remark(b"two\nlines\n"), None);
        assert_eq!(remark(b"\xff\xfe\n"), None);
        assert_eq!(remark(b"hunter2"), None);
    }
}
