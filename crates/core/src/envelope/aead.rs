//! AES-256-GCM with padding, and the commitment to the key. Only this module and `seed` use aes-gcm.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::kek::DataKey;
use crate::secret::SecretValue;

/// The size of an IV, in bytes.
pub(super) const IV_SIZE: usize = 12;
/// The size of a tag, in bytes.
pub(super) const TAG_SIZE: usize = 16;
/// A value is padded to a multiple of this size, in bytes.
pub(super) const BLOCK: usize = 64;

const COMMITMENT_INFO: &[u8] = b"kubectl-envcrypt v1 commitment";

/// A ciphertext and its tag.
pub(super) struct Encrypted {
    pub ciphertext: Vec<u8>,
    pub tag: [u8; TAG_SIZE],
}

/// The tag or the padding is wrong. The error does not say which, so that it is not an oracle.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadTag;

/// Computes the commitment, which ties a header to one DEK: HKDF-SHA256 (RFC 5869) without
/// salt.
///
/// AES-GCM alone does not commit to its key: a ciphertext can be valid under two keys.
pub(super) fn commitment(key: &DataKey) -> [u8; 32] {
    let mut output = [0; 32];
    Hkdf::<Sha256>::new(None, key.expose())
        .expand(COMMITMENT_INFO, &mut output)
        .expect("32 bytes are within HKDF's bound");
    output
}

/// Pads the value and encrypts it.
pub(super) fn encrypt(key: &DataKey, iv: &[u8; IV_SIZE], aad: &[u8], value: &[u8]) -> Encrypted {
    let padded = pad(value);
    let cipher = Aes256Gcm::new(key.expose().into());
    let mut ciphertext = cipher
        .encrypt(&Nonce::from(*iv), Payload { msg: &padded, aad })
        .expect("a value is far below AES-GCM's bound");
    let mut tag = [0; TAG_SIZE];
    tag.copy_from_slice(&ciphertext[padded.len()..]);
    ciphertext.truncate(padded.len());
    Encrypted { ciphertext, tag }
}

/// Decrypts the value and removes the padding.
pub(super) fn decrypt(
    key: &DataKey,
    iv: &[u8; IV_SIZE],
    aad: &[u8],
    encrypted: &Encrypted,
) -> Result<SecretValue, BadTag> {
    let mut message = Vec::with_capacity(encrypted.ciphertext.len() + TAG_SIZE);
    message.extend_from_slice(&encrypted.ciphertext);
    message.extend_from_slice(&encrypted.tag);
    let cipher = Aes256Gcm::new(key.expose().into());
    let padded = cipher
        .decrypt(&Nonce::from(*iv), Payload { msg: &message, aad })
        .map(Zeroizing::new)
        .map_err(|_| BadTag)?;
    unpad(padded).map(SecretValue::from)
}

/// Pads as in ISO/IEC 7816-4: one byte 0x80, then zeros up to a multiple of [`BLOCK`].
fn pad(value: &[u8]) -> Zeroizing<Vec<u8>> {
    let size = padded_size(value.len());
    let mut padded = Zeroizing::new(Vec::with_capacity(size));
    padded.extend_from_slice(value);
    padded.push(0x80);
    padded.resize(size, 0);
    padded
}

/// Returns the padded size of a value of `size` bytes.
pub(super) fn padded_size(size: usize) -> usize {
    (size + 1).next_multiple_of(BLOCK)
}

fn unpad(mut padded: Zeroizing<Vec<u8>>) -> Result<Zeroizing<Vec<u8>>, BadTag> {
    let end = padded.iter().rposition(|b| *b != 0).ok_or(BadTag)?;
    if padded[end] != 0x80 || padded.len() != padded_size(end) {
        return Err(BadTag);
    }
    padded.truncate(end);
    Ok(padded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_hides_the_length_and_comes_off_again() {
        for (length, size) in [(0, 64), (1, 64), (63, 64), (64, 128), (127, 128), (128, 192)] {
            let value = vec![0x80; length];
            let padded = pad(&value);
            assert_eq!(padded.len(), size);
            assert!(unpad(padded).is_ok_and(|unpadded| *unpadded == value));
        }
    }

    #[test]
    fn any_other_padding_is_a_bad_tag() {
        let zeros = vec![0; 64];
        let without_mark = vec![1; 64];
        let not_a_block = [&[0x80][..], &[0; 62]].concat();
        let a_block_too_many = [&[0x80][..], &[0; 127]].concat();
        for bad in [Vec::new(), zeros, without_mark, not_a_block, a_block_too_many] {
            assert!(unpad(Zeroizing::new(bad)).is_err());
        }
    }

    #[test]
    fn the_commitment_is_hkdf() {
        // Python: HKDF(SHA256(), 32, None, b"kubectl-envcrypt v1 commitment").derive(bytes(32))
        let key = DataKey::from_slice(&[0; 32]).expect("32 bytes");
        assert_eq!(
            hex(&commitment(&key)),
            "092efd3680dc3d459e1bd06f35fd555b9f9885a8c48560572ae37fee25432095"
        );
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02x}")).collect()
    }
}
