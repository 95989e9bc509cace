//! The private keys of the controller.

use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::manifest::{Document, parse};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use thiserror::Error;
use zeroize::Zeroizing;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::SecretValue;

/// The key of the private key in a Secret.
const TLS_KEY: &str = "tls.key";
/// The size of the session key of a value, in bytes.
const SESSION_KEY_SIZE: usize = 32;
/// The size of a tag, in bytes.
const TAG_SIZE: usize = 16;

/// Why there is no private key. It never contains a part of the key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyError {
    /// The text has no private key.
    #[error("it holds no private key: it must be PEM, or a Secret or List with `tls.key`")]
    None,
    /// A private key is not an RSA key that can be used.
    #[error("its private key is not an RSA key of 2048 to 8192 bits")]
    NotRsa,
}

/// A private key of the controller.
///
/// It does not implement `Debug` or `Clone`, because it holds the key.
pub struct PrivateKey(OaepPrivateDecryptingKey);

impl PrivateKey {
    /// Reads the keys of a file: PEM, or a Secret or a `List` of them, as kubeseal takes them.
    ///
    /// # Errors
    /// Returns a [`KeyError`] if there is no key, or if one is not an RSA key.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, KeyError> {
        if memchr::memmem::find(bytes, b"-----BEGIN").is_some() {
            return Self::of_pem(bytes);
        }
        let mut keys = Vec::new();
        for document in parse(bytes).map_err(|_| KeyError::None)? {
            if let Document::Secret(object) = document {
                keys.extend(Self::of_object(&object)?);
            }
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(keys) }
    }

    /// Reads the keys of a Secret of the cluster. A Secret without `tls.key` has none.
    ///
    /// # Errors
    /// Returns a [`KeyError`] if the value is not an RSA key.
    pub fn of_object(object: &Object) -> Result<Vec<Self>, KeyError> {
        let value = |map: &std::collections::BTreeMap<String, Option<String>>| {
            map.get(TLS_KEY).cloned().flatten().map(Zeroizing::new)
        };
        if let Some(text) = object.string_data.as_ref().and_then(value) {
            return Self::of_pem(text.as_bytes());
        }
        let Some(base64) = object.data.as_ref().and_then(value) else { return Ok(Vec::new()) };
        let pem = BASE64_STANDARD.decode(base64.as_bytes()).map_err(|_| KeyError::None)?;
        Self::of_pem(&Zeroizing::new(pem))
    }

    fn of_pem(pem: &[u8]) -> Result<Vec<Self>, KeyError> {
        let mut keys = Vec::new();
        for key in PrivateKeyDer::pem_slice_iter(pem) {
            let pkcs8 = match key.map_err(|_| KeyError::None)? {
                PrivateKeyDer::Pkcs1(key) => pkcs8(key.secret_pkcs1_der()),
                PrivateKeyDer::Pkcs8(key) => Zeroizing::new(key.secret_pkcs8_der().to_vec()),
                _ => return Err(KeyError::NotRsa),
            };
            let key = PrivateDecryptingKey::from_pkcs8(&pkcs8).map_err(|_| KeyError::NotRsa)?;
            keys.push(Self(OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::NotRsa)?));
        }
        if keys.is_empty() { Err(KeyError::None) } else { Ok(keys) }
    }

    /// Opens one value: the length of an RSA ciphertext, the ciphertext of a session key, and the
    /// value under that session key. Returns `None` if this key does not open it under the label.
    pub(super) fn open(&self, bytes: &[u8], label: &[u8]) -> Option<SecretValue> {
        let (size, rest) = bytes.split_at_checked(2)?;
        let (wrapped, message) =
            rest.split_at_checked(u16::from_be_bytes([size[0], size[1]]).into())?;
        let mut buffer = Zeroizing::new(vec![0; self.0.min_output_size()]);
        let session = self.0.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut buffer, Some(label));
        let session: &[u8; SESSION_KEY_SIZE] = (&*session.ok()?).try_into().ok()?;
        if message.len() < TAG_SIZE {
            return None;
        }
        // Each session key encrypts one value, so the nonce is fixed.
        let cipher = Aes256Gcm::new(session.into());
        let value = cipher.decrypt(&Nonce::from([0; 12]), Payload { msg: message, aad: &[] });
        value.ok().map(SecretValue::new)
    }
}

/// Wraps an RSA key of PKCS#1 as PKCS#8: a version, the algorithm, and the key.
fn pkcs8(pkcs1: &[u8]) -> Zeroizing<Vec<u8>> {
    /// `INTEGER 0`, then `SEQUENCE { OBJECT IDENTIFIER rsaEncryption, NULL }`.
    const HEAD: [u8; 18] = [
        0x02, 0x01, 0x00, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
        0x01, 0x05, 0x00,
    ];
    let octets = der_head(0x04, pkcs1.len());
    let size = HEAD.len() + octets.len() + pkcs1.len();
    let sequence = der_head(0x30, size);
    let mut der = Zeroizing::new(Vec::with_capacity(sequence.len() + size));
    for part in [&sequence, &HEAD[..], &octets, pkcs1] {
        der.extend_from_slice(part);
    }
    der
}

/// The tag and the length of a DER value.
fn der_head(tag: u8, size: usize) -> Vec<u8> {
    let bytes = size.to_be_bytes();
    let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1)..];
    match (size, u8::try_from(bytes.len())) {
        (0..128, _) => vec![tag, bytes[0]],
        (_, Ok(length)) => [&[tag, 0x80 | length], bytes].concat(),
        (_, Err(_)) => unreachable!("a length has at most 8 bytes"),
    }
}
