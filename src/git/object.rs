//! The id of an object.

use std::fmt;

/// The id of a commit or of the contents of a file: SHA-1 or SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    bytes: [u8; 32],
    /// 20 or 32.
    size: u8,
}

/// How many digits of an id people see.
const SHORT: usize = 7;

impl ObjectId {
    /// Reads the full id in hex.
    pub fn parse(hex: &[u8]) -> Option<Self> {
        let size = match hex.len() {
            40 => 20,
            64 => 32,
            _ => return None,
        };
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(hex.chunks(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self { bytes, size })
    }

    /// The first digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..SHORT].to_owned()
    }
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes[..self.size.into()].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_and_written_in_full() {
        for text in ["0123456789abcdef0123456789abcdef01234567".to_owned(), "a9".repeat(32)] {
            let id = ObjectId::parse(text.as_bytes()).expect("an id");
            assert_eq!(id.to_string(), text);
            assert!(text.starts_with(&id.short()));
        }
        for wrong in ["", "abc", &"g".repeat(40), &"A".repeat(40), &"0".repeat(41)] {
            assert!(ObjectId::parse(wrong.as_bytes()).is_none(), "{wrong}");
        }
    }
}
