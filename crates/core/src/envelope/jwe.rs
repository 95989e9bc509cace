//! The wire form of a sealed value: a JWE (RFC 7516) in the General JSON Serialization.
//!
//! The reader is strict, and the writer has one form only.

use std::fmt;
use std::marker::PhantomData;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use super::aead::{self, Encrypted, IV_SIZE, TAG_SIZE};
use super::{Binding, MAX_SEALED_SIZE, Refused};
use crate::kek::{DataKey, KekUri, WrappedKey};
use crate::secret::SecretValue;

const ENC: &str = "A256GCM";
const CRIT: [&str; 2] = ["binding", "commitment"];

/// What a JWE contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value of a Secret.
    Value,
    /// The seal over the whole Secret.
    Seal,
}

impl Kind {
    fn typ(self) -> &'static str {
        match self {
            Self::Value => "envcrypt-v1",
            Self::Seal => "envcrypt-v1-seal",
        }
    }
}

/// One JWE of the sealed format, checked for form. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jwe {
    /// The protected header, exactly as in the text. It is the AAD.
    protected: String,
    /// The namespace, name and key that it belongs to.
    pub binding: Binding,
    /// The commitment to the DEK: see [`Jwe::fits`].
    pub commitment: [u8; 32],
    /// The time of sealing, in seconds since 1970.
    pub sealed_at: u64,
    /// The time when this very value was first sealed, in seconds since 1970, if it was sealed
    /// again since. New data keys do not change it.
    born: Option<u64>,
    /// The wrapped DEK, once for each KEK. Nothing authenticates this list.
    pub recipients: Vec<WrappedKey>,
    iv: [u8; IV_SIZE],
    ciphertext: Vec<u8>,
    tag: [u8; TAG_SIZE],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    protected: String,
    recipients: Vec<Map<WireRecipient>>,
    iv: String,
    ciphertext: String,
    tag: String,
}

/// The maximum number of recipients of one value. Anyone can add entries to a file, and each
/// may cost a call to a KMS.
const MAX_RECIPIENTS: usize = 100;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRecipient {
    header: Map<WireKek>,
    encrypted_key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKek {
    alg: String,
    kid: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    typ: String,
    enc: String,
    crit: Vec<String>,
    binding: Map<Binding>,
    commitment: String,
    iat: u64,
    #[serde(default, deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    born: Option<u64>,
}

/// Reads a number. `null` is not one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    u64::deserialize(deserializer).map(Some)
}

/// A JSON object. A derived `Deserialize` would also accept an array.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Map<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMap<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMap<T> {
            type Value = Map<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Map<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Map)
            }
        }

        deserializer.deserialize_map(OnlyMap(PhantomData))
    }
}

/// Everything that a new JWE needs, except the value.
pub(super) struct Parts<'a> {
    pub kind: Kind,
    pub binding: Binding,
    pub sealed_at: u64,
    pub born: Option<u64>,
    pub key: &'a DataKey,
    pub recipients: &'a [WrappedKey],
    /// Must never be used twice with the same key.
    pub iv: [u8; IV_SIZE],
}

impl Jwe {
    /// Encrypts `value` under the DEK.
    pub(super) fn seal(parts: Parts<'_>, value: &[u8]) -> Self {
        let commitment = aead::commitment(parts.key);
        let header = Header {
            typ: parts.kind.typ().to_owned(),
            enc: ENC.to_owned(),
            crit: CRIT.map(str::to_owned).to_vec(),
            binding: Map(parts.binding),
            commitment: BASE64.encode(commitment),
            iat: parts.sealed_at,
            born: parts.born.filter(|born| *born < parts.sealed_at),
        };
        let json = serde_json::to_vec(&header).expect("a header is plain text and numbers");
        let protected = BASE64.encode(json);
        let Encrypted { ciphertext, tag } =
            aead::encrypt(parts.key, &parts.iv, protected.as_bytes(), value);
        Self {
            protected,
            binding: header.binding.0,
            commitment,
            sealed_at: header.iat,
            born: header.born,
            recipients: parts.recipients.to_vec(),
            iv: parts.iv,
            ciphertext,
            tag,
        }
    }

    /// Reads a JWE from JSON and checks its form. This does not decrypt anything.
    ///
    /// # Errors
    /// Returns [`Refused`] for everything that is not in this format.
    pub fn parse(kind: Kind, json: &[u8]) -> Result<Self, Refused> {
        if json.len() > MAX_SEALED_SIZE {
            return Err(Refused::TooLarge);
        }
        // The message of serde would quote the text.
        let Map(wire): Map<Wire> = serde_json::from_slice(json).map_err(|_| Refused::Malformed)?;
        let header = decode("protected", &wire.protected)?;
        let Map(header): Map<Header> =
            serde_json::from_slice(&header).map_err(|_| Refused::Malformed)?;
        let Map(binding) = header.binding;
        if header.typ != kind.typ() {
            return Err(Refused::Typ);
        }
        if header.enc != ENC {
            return Err(Refused::Enc);
        }
        if header.crit != CRIT {
            return Err(Refused::Crit);
        }
        if binding.scope().is_none() || binding.key.is_some() != (kind == Kind::Value) {
            return Err(Refused::Binding(binding.to_string().into()));
        }
        let is_valid = |born| kind == Kind::Value && born <= header.iat;
        if !header.born.is_none_or(is_valid) {
            return Err(Refused::Born);
        }
        if wire.recipients.is_empty() {
            return Err(Refused::Malformed);
        }
        if wire.recipients.len() > MAX_RECIPIENTS {
            return Err(Refused::TooManyRecipients);
        }
        let ciphertext = decode("ciphertext", &wire.ciphertext)?;
        if ciphertext.is_empty() || ciphertext.len() % aead::BLOCK != 0 {
            return Err(Refused::Tag);
        }
        Ok(Self {
            commitment: decode_array("commitment", &header.commitment)?,
            recipients: wire.recipients.iter().map(recipient).collect::<Result<_, _>>()?,
            iv: decode_array("iv", &wire.iv)?,
            tag: decode_array("tag", &wire.tag)?,
            ciphertext,
            binding,
            sealed_at: header.iat,
            born: header.born,
            protected: wire.protected,
        })
    }

    /// Returns the compact JSON that a Secret stores.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        self.json_around(BASE64.encode(&self.ciphertext))
    }

    /// Returns the size of [`Jwe::to_json`] in bytes, without encoding the ciphertext.
    #[must_use]
    pub fn json_size(&self) -> usize {
        let ciphertext = base64::encoded_len(self.ciphertext.len(), false);
        self.json_around(String::new()).len() + ciphertext.expect("far below the bound")
    }

    fn json_around(&self, ciphertext: String) -> Vec<u8> {
        let recipient = |wrapped: &WrappedKey| {
            Map(WireRecipient {
                header: Map(WireKek {
                    alg: wrapped.kek.scheme().to_owned(),
                    kid: wrapped.kek.to_string(),
                }),
                encrypted_key: BASE64.encode(&wrapped.bytes),
            })
        };
        let wire = Wire {
            protected: self.protected.clone(),
            recipients: self.recipients.iter().map(recipient).collect(),
            iv: BASE64.encode(self.iv),
            ciphertext,
            tag: BASE64.encode(self.tag),
        };
        serde_json::to_vec(&wire).expect("a JWE is plain text")
    }

    /// Returns the time when this very value was first sealed, in seconds since 1970.
    #[must_use]
    pub fn born(&self) -> u64 {
        self.born.unwrap_or(self.sealed_at)
    }

    /// Returns whether `key` is the DEK in the commitment.
    #[must_use]
    pub fn fits(&self, key: &DataKey) -> bool {
        aead::commitment(key) == self.commitment
    }

    /// Decrypts the content. The caller must compare the binding with the place before.
    pub(super) fn open(&self, key: &DataKey) -> Result<SecretValue, Refused> {
        if !self.fits(key) {
            return Err(Refused::Commitment);
        }
        let encrypted = Encrypted { ciphertext: self.ciphertext.clone(), tag: self.tag };
        aead::decrypt(key, &self.iv, self.protected.as_bytes(), &encrypted)
            .map_err(|aead::BadTag| Refused::Tag)
    }

    /// Returns SHA-256 over `protected "." iv "." ciphertext "." tag`. The recipients are not part
    /// of it, so that rewrapping does not change it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(&self.protected);
        for part in [&self.iv[..], &self.ciphertext, &self.tag] {
            hash.update(b".");
            hash.update(BASE64.encode(part));
        }
        hash.finalize().into()
    }

    /// Returns the size of the ciphertext in bytes: the size of the value after padding.
    #[must_use]
    pub fn padded_size(&self) -> usize {
        self.ciphertext.len()
    }
}

fn recipient(Map(wire): &Map<WireRecipient>) -> Result<WrappedKey, Refused> {
    let Map(header) = &wire.header;
    let kek: KekUri = header.kid.parse().map_err(|_| Refused::Kid)?;
    if header.alg != kek.scheme() || header.kid != kek.as_str() {
        return Err(Refused::Kid);
    }
    Ok(WrappedKey { kek, bytes: decode("encrypted_key", &wire.encrypted_key)? })
}

fn decode(member: &'static str, text: &str) -> Result<Vec<u8>, Refused> {
    BASE64.decode(text).map_err(|_| Refused::Base64(member))
}

fn decode_array<const N: usize>(member: &'static str, text: &str) -> Result<[u8; N], Refused> {
    decode(member, text)?.try_into().map_err(|_| Refused::Base64(member))
}

#[cfg(test)]
mod tests;
