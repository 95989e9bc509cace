//! A public key of SSH.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest, Sha256};
use ssh_encoding::Decode;
use ssh_key::public::KeyData;

use super::SignatureError;

/// A public key of SSH. Two keys are equal if their bytes are.
///
/// `Display` writes `KIND BASE64`, as a file `*.pub` has it, without a comment.
#[derive(Debug, Clone)]
pub struct PublicKey {
    bytes: Vec<u8>,
    data: KeyData,
}

impl PublicKey {
    /// Reads the bytes of a key. `None` if they are no key of a known kind, or more than one.
    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        // The library does not compare the length of a field with what it reads from it.
        let mut rest = bytes;
        while !rest.is_empty() {
            (_, rest) = field(rest)?;
        }
        Some(Self { bytes: bytes.to_vec(), data: whole(bytes)? })
    }

    pub(super) fn data(&self) -> &KeyData {
        &self.data
    }

    /// Returns the kind of the key, for example `ssh-ed25519`.
    #[must_use]
    pub fn kind(&self) -> &str {
        // The bytes begin with the kind, after its length.
        let length = usize::from(self.bytes[3]);
        std::str::from_utf8(&self.bytes[4..4 + length]).unwrap_or_default()
    }

    /// Returns whether this kind of key can sign: Ed25519, ECDSA, RSA from 2048 to 8192 bits, and
    /// those of security keys.
    #[must_use]
    pub fn can_sign(&self) -> bool {
        match &self.data {
            KeyData::Ed25519(_)
            | KeyData::Ecdsa(_)
            | KeyData::SkEd25519(_)
            | KeyData::SkEcdsaSha2NistP256(_) => true,
            KeyData::Rsa(key) => {
                key.n.as_positive_bytes().is_some_and(|n| (256..=1024).contains(&n.len()))
            }
            _ => false,
        }
    }

    /// Returns the fingerprint as `ssh-keygen -l` shows it: `SHA256:` and 43 characters.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(Sha256::digest(&self.bytes)))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

/// Reads `KIND BASE64`, with or without a comment.
impl FromStr for PublicKey {
    type Err = SignatureError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut words = text.split_ascii_whitespace();
        let (kind, base64) = words.next().zip(words.next()).ok_or(SignatureError::Key)?;
        let bytes = BASE64_STANDARD.decode(base64).map_err(|_| SignatureError::Key)?;
        let key = Self::from_bytes(&bytes).ok_or(SignatureError::Key)?;
        if key.kind() == kind { Ok(key) } else { Err(SignatureError::Key) }
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), BASE64_STANDARD.encode(&self.bytes))
    }
}

/// The first field, which stands after its length, and what follows.
pub(super) fn field(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// Reads a field that has nothing else in it.
pub(super) fn whole<T: Decode>(mut field: &[u8]) -> Option<T> {
    let value = T::decode(&mut field).ok()?;
    field.is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC9o3rGXf8/0+6VOwd6WyC2kjqIYQvk6hg8hJXHhaSNv";

    #[test]
    fn a_key_is_written_as_it_was_read() {
        let key: PublicKey = format!("{KEY} alice@example.com").parse().expect("a key");
        assert_eq!((key.kind(), key.to_string().as_str()), ("ssh-ed25519", KEY));
        assert_eq!(key.fingerprint().len(), "SHA256:".len() + 43);
        for bad in ["", "ssh-ed25519", &KEY.replace("ssh-ed25519", "ssh-rsa"), &KEY[..70]] {
            assert_eq!(bad.parse::<PublicKey>(), Err(SignatureError::Key), "{bad}");
        }
    }
}
