//! The post-quantum hybrid of age: recipients `age1pq…` and the stanza `mlkem768x25519`.
//!
//! It is HPKE (RFC 9180) in base mode, with ML-KEM-768 and X25519 (X-Wing), HKDF-SHA256 and
//! ChaCha20-Poly1305. The age crate does not have it.

use std::collections::HashSet;

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use bech32::{FromBase32, ToBase32, Variant};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::XWing;
use hpke::{Deserializable, Kem, OpModeR, OpModeS, Serializable};
use zeroize::Zeroizing;

use crate::secret::random_bytes;

const STANZA: &str = "mlkem768x25519";
const INFO: &[u8] = b"age-encryption.org/mlkem768x25519";
const RECIPIENT_PREFIX: &str = "age1pq";
const IDENTITY_PREFIX: &str = "age-secret-key-pq-";

/// A recipient: the public key.
pub(super) struct Recipient(<XWing as Kem>::PublicKey);

/// An identity: the 32-byte seed of both secret keys.
pub(super) struct Identity(<XWing as Kem>::PrivateKey);

impl Recipient {
    /// Parses `age1pq…`. Returns `None` if the text is not valid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = decode(RECIPIENT_PREFIX, text)?;
        <XWing as Kem>::PublicKey::from_bytes(&bytes).ok().map(Self)
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&encode(RECIPIENT_PREFIX, &self.0.to_bytes()))
    }
}

impl Identity {
    /// Returns a new identity.
    pub(super) fn generate() -> Self {
        let mut seed = Zeroizing::new([0u8; 32]);
        random_bytes(&mut *seed);
        Self(<XWing as Kem>::PrivateKey::from_bytes(&*seed).expect("a seed of 32 bytes"))
    }

    /// Parses `AGE-SECRET-KEY-PQ-1…`. Returns `None` if the text is not valid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = decode(IDENTITY_PREFIX, text)?;
        <XWing as Kem>::PrivateKey::from_bytes(&bytes).ok().map(Self)
    }

    /// Returns the recipient of this identity.
    pub(super) fn recipient(&self) -> Recipient {
        Recipient(XWing::sk_to_pk(&self.0))
    }

    /// Returns the text for an identity file.
    pub(super) fn to_text(&self) -> Zeroizing<String> {
        let seed = Zeroizing::new(self.0.to_bytes());
        Zeroizing::new(encode(IDENTITY_PREFIX, &seed[..]).to_uppercase())
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        let (encapsulated, body) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeS::Base,
            &self.0,
            INFO,
            file_key.expose_secret(),
            b"",
        )
        .map_err(|e| age::EncryptError::Io(std::io::Error::other(e.to_string())))?;
        let argument = BASE64_STANDARD_NO_PAD.encode(encapsulated.to_bytes());
        let stanza = Stanza { tag: STANZA.to_owned(), args: vec![argument], body };
        // With this label, age refuses to mix it with recipients that are not post-quantum.
        Ok((vec![stanza], HashSet::from(["postquantum".to_owned()])))
    }
}

impl age::Identity for Identity {
    fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
        if stanza.tag != STANZA {
            return None;
        }
        let [argument] = &stanza.args[..] else {
            return Some(Err(age::DecryptError::InvalidHeader));
        };
        let encapsulated = BASE64_STANDARD_NO_PAD
            .decode(argument)
            .ok()
            .and_then(|bytes| <XWing as Kem>::EncappedKey::from_bytes(&bytes).ok());
        let Some(encapsulated) = encapsulated else {
            return Some(Err(age::DecryptError::InvalidHeader));
        };
        let opened = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, XWing>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO,
            &stanza.body,
            b"",
        );
        // The stanza does not name its recipient. If it does not open, it belongs to another one.
        let opened = Zeroizing::new(opened.ok()?);
        Some(FileKey::try_init_with_mut(|key| {
            if opened.len() != key.len() {
                return Err(age::DecryptError::InvalidHeader);
            }
            key.copy_from_slice(&opened);
            Ok(())
        }))
    }
}

pub(super) fn encode(prefix: &str, bytes: &[u8]) -> String {
    bech32::encode(prefix, bytes.to_base32(), Variant::Bech32).expect("a valid prefix")
}

pub(super) fn decode(prefix: &str, text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (found, data, variant) = bech32::decode(text).ok()?;
    if !found.eq_ignore_ascii_case(prefix) || variant != Variant::Bech32 {
        return None;
    }
    Vec::from_base32(&data).ok().map(Zeroizing::new)
}
