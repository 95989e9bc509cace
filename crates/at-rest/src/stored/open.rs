//! Decrypts stored values, as kube-apiserver does.
//!
//! The keys come from an EncryptionConfiguration or from a KMS plugin.

use aes::cipher::{BlockModeDecrypt, KeyIvInit, block_padding::Pkcs7};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::array::typenum::U12;
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{AesGcm, Nonce};
use crypto_secretbox::XSalsa20Poly1305;
use crypto_secretbox::aead::Aead;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{DekSource, EncryptedObject, Local, Provider};

const GCM_NONCE: usize = 12;
const CBC_IV: usize = 16;
const SECRETBOX_NONCE: usize = 24;
/// The size of what makes each key that is derived from a seed another one, in bytes.
const INFO: usize = 32;
/// The size of a derived key, in bytes.
const DERIVED: usize = 32;

/// A decrypted value. It is wiped when it is dropped.
pub type Plaintext = Zeroizing<Vec<u8>>;

/// Why a value cannot be decrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The value names another key.
    #[error("the value is encrypted with key `{0}`, not with this key")]
    OtherKey(String),
    /// The provider does not use keys of this size.
    #[error("a key for {provider} cannot have {size} bytes")]
    KeySize {
        /// The name of the provider or of the type of the DEK.
        provider: &'static str,
        /// The size of the key, in bytes.
        size: usize,
    },
    /// The value is shorter than the shortest ciphertext.
    #[error("the value is too short")]
    TooShort,
    /// The value was encrypted with other bytes of the key, or is not as it was written.
    #[error("the key does not decrypt the value: it is another key, or the value was changed")]
    Refused,
}

/// A key of an EncryptionConfiguration. It is wiped when it is dropped.
pub struct LocalKey {
    name: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl LocalKey {
    /// Returns the key with this name and these bytes, decoded from base64.
    #[must_use]
    pub fn new(name: String, bytes: Zeroizing<Vec<u8>>) -> Self {
        Self { name, bytes }
    }
}

impl Local<'_> {
    /// Decrypts the value. `etcd_key` is the key in etcd that has it, with its prefix.
    ///
    /// # Errors
    /// Returns an [`Error`] when the value has another key, or is not as it was written.
    pub fn open(&self, key: &LocalKey, etcd_key: &[u8]) -> Result<Plaintext, Error> {
        // Anyone who can write to etcd chooses this name.
        let other = || Error::OtherKey(self.key_name().escape_debug().to_string());
        let payload = self.payload(&key.name).ok_or_else(other)?;
        match self.provider {
            Provider::AesCbc => aes_cbc(&key.bytes, payload),
            Provider::AesGcm => aes_gcm("aesgcm", &key.bytes, payload, etcd_key),
            Provider::Secretbox => secretbox(&key.bytes, payload),
        }
    }
}

impl EncryptedObject<'_> {
    /// Decrypts the value. `source` is what the KMS plugin decrypts `encrypted_dek_source` to.
    /// `etcd_key` is the key in etcd that has the value, with its prefix.
    ///
    /// # Errors
    /// Returns an [`Error`] when the value has another key, or is not as it was written.
    pub fn open(&self, source: &[u8], etcd_key: &[u8]) -> Result<Plaintext, Error> {
        let provider = self.dek_source.as_str();
        match self.dek_source {
            DekSource::AesGcmKey => aes_gcm(provider, source, self.encrypted_data, etcd_key),
            DekSource::HkdfSeed => {
                let (info, payload) =
                    self.encrypted_data.split_at_checked(INFO).ok_or(Error::TooShort)?;
                let wrong_size = Error::KeySize { provider, size: source.len() };
                let hkdf = Hkdf::<Sha256>::from_prk(source).map_err(|_| wrong_size)?;
                let mut key = Zeroizing::new([0; DERIVED]);
                hkdf.expand(info, &mut *key).map_err(|_| Error::Refused)?;
                aes_gcm(provider, &*key, payload, etcd_key)
            }
        }
    }
}

/// AES-GCM: the nonce, the ciphertext, the tag.
fn aes_gcm(
    provider: &'static str,
    key: &[u8],
    payload: &[u8],
    etcd_key: &[u8],
) -> Result<Plaintext, Error> {
    fn open<C: KeyInit + AeadInOut<NonceSize = U12>>(
        key: &[u8],
        nonce: &[u8; GCM_NONCE],
        etcd_key: &[u8],
        buffer: &mut Vec<u8>,
    ) -> Option<()> {
        let cipher = C::new_from_slice(key).ok()?;
        cipher.decrypt_in_place(&Nonce::from(*nonce), etcd_key, buffer).ok()
    }

    let (nonce, ciphertext) = payload.split_first_chunk().ok_or(Error::TooShort)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let opened = match key.len() {
        16 => open::<AesGcm<Aes128, U12>>(key, nonce, etcd_key, &mut buffer),
        24 => open::<AesGcm<Aes192, U12>>(key, nonce, etcd_key, &mut buffer),
        32 => open::<AesGcm<Aes256, U12>>(key, nonce, etcd_key, &mut buffer),
        size => return Err(Error::KeySize { provider, size }),
    };
    opened.map(|()| buffer).ok_or(Error::Refused)
}

/// AES-CBC: the initialization vector, then the ciphertext.
fn aes_cbc(key: &[u8], payload: &[u8]) -> Result<Plaintext, Error> {
    fn open<C: KeyIvInit + BlockModeDecrypt>(
        key: &[u8],
        iv: &[u8; CBC_IV],
        buffer: &mut [u8],
    ) -> Option<usize> {
        let cipher = C::new_from_slices(key, iv).ok()?;
        cipher.decrypt_padded::<Pkcs7>(buffer).ok().map(<[u8]>::len)
    }

    let (iv, ciphertext) = payload.split_first_chunk().ok_or(Error::TooShort)?;
    let mut buffer = Zeroizing::new(ciphertext.to_vec());
    let size = match key.len() {
        16 => open::<cbc::Decryptor<Aes128>>(key, iv, &mut buffer),
        24 => open::<cbc::Decryptor<Aes192>>(key, iv, &mut buffer),
        32 => open::<cbc::Decryptor<Aes256>>(key, iv, &mut buffer),
        size => return Err(Error::KeySize { provider: "aescbc", size }),
    };
    buffer.truncate(size.ok_or(Error::Refused)?);
    Ok(buffer)
}

/// NaCl's secretbox: the nonce, the tag, the ciphertext. It is not bound to the key in etcd.
fn secretbox(key: &[u8], payload: &[u8]) -> Result<Plaintext, Error> {
    use crypto_secretbox::KeyInit;

    let wrong_size = Error::KeySize { provider: "secretbox", size: key.len() };
    let cipher = XSalsa20Poly1305::new_from_slice(key).map_err(|_| wrong_size)?;
    let (nonce, ciphertext) = payload.split_at_checked(SECRETBOX_NONCE).ok_or(Error::TooShort)?;
    let opened = cipher.decrypt(nonce.into(), ciphertext);
    opened.map(Zeroizing::new).map_err(|_| Error::Refused)
}
