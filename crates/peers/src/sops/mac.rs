//! The message authentication code over the values of a file.

use envcrypt_core::kek::DataKey;
use sha2::{Digest, Sha512};

use super::error::SopsError;
use super::metadata::Metadata;
use super::value::{Encrypted, encrypt};

/// SHA-256 of `sops`: how the hash begins if only encrypted values are authenticated.
const ONLY_ENCRYPTED: [u8; 32] = [
    0x8a, 0x3f, 0xd2, 0xad, 0x54, 0xce, 0x66, 0x52, 0x7b, 0x10, 0x34, 0xf3, 0xd1, 0x47, 0xbe, 0x0b,
    0x0b, 0x97, 0x5b, 0x3b, 0xf4, 0x4f, 0x72, 0xc6, 0xfd, 0xad, 0xec, 0x81, 0x76, 0xf2, 0x7d, 0x69,
];

/// The hash over the values of a file, in its order.
pub(super) struct Mac {
    hash: Sha512,
    only_encrypted: bool,
}

impl Mac {
    pub(super) fn new(only_encrypted: bool) -> Self {
        let mut hash = Sha512::new();
        if only_encrypted {
            hash.update(ONLY_ENCRYPTED);
        }
        Self { hash, only_encrypted }
    }

    /// Takes the next value, in its text form.
    pub(super) fn take(&mut self, text: &[u8], is_encrypted: bool) {
        if is_encrypted || !self.only_encrypted {
            self.hash.update(text);
        }
    }

    /// The hash in upper-case hexadecimal.
    pub(super) fn text(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02X}")).collect()
    }

    /// Compares it with the MAC of the metadata.
    pub(super) fn check(self, metadata: &Metadata, key: &DataKey) -> Result<(), SopsError> {
        let mac = Encrypted::parse(&metadata.mac).ok_or(SopsError::Mac)?;
        let mac = mac.open(key, &metadata.last_modified).ok_or(SopsError::Mac)?;
        match *mac == self.text().as_bytes() {
            true => Ok(()),
            false => Err(SopsError::Mac),
        }
    }

    /// The MAC for the metadata.
    pub(super) fn encrypted(self, last_modified: &str, key: &DataKey) -> String {
        encrypt(key, last_modified, self.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::Sha256;

    #[test]
    fn the_start_for_encrypted_values_alone_is_the_hash_of_sops() {
        assert_eq!(<[u8; 32]>::from(Sha256::digest("sops")), ONLY_ENCRYPTED);
    }

    #[test]
    fn plain_values_count_unless_only_encrypted_ones_do() {
        let text = |only, values: &[(&str, bool)]| {
            let mut mac = Mac::new(only);
            values.iter().for_each(|(value, encrypted)| mac.take(value.as_bytes(), *encrypted));
            mac.text()
        };
        let both = [("a", false), ("b", true)];
        assert_ne!(text(false, &both), text(false, &both[1..]));
        assert_eq!(text(true, &both), text(true, &both[1..]));
        // Nothing stands between values.
        assert_eq!(text(false, &both), text(false, &[("ab", true)]));
        assert_eq!(text(false, &[]).len(), 128);
        assert!(text(false, &[]).starts_with("CF83E1357EEFB8BD"), "SHA-512 of nothing");
    }
}
