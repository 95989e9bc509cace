//! Tagged recipients: `age1tag1…` (P-256) and `age1tagpq1…` (ML-KEM-768 and P-256).
//!
//! Hardware keys have them. A stanza names its recipient with a tag of four bytes, so that nobody
//! has to touch a key for a file that it cannot open. Sealing needs no plugin. Opening needs the
//! plugin of the hardware key. The age crate has them only in a version that does not build beside
//! the newer ML-KEM of [`super::post_quantum`].

use std::collections::HashSet;

use age_core::format::{FileKey, Stanza};
use age_core::secrecy::ExposeSecret;
use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use hkdf::Hkdf;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{DhP256HkdfSha256, MlKem768P256};
use hpke::{Deserializable, Kem, OpModeS, Serializable};
use p256::elliptic_curve::sec1::ToSec1Point;
use sha2::{Digest, Sha256};

use super::post_quantum::decode;

/// The size of a compressed point of P-256, in bytes.
const COMPRESSED: usize = 33;
/// The size of a point of P-256 that is not compressed, in bytes.
const UNCOMPRESSED: usize = 65;

/// A tagged recipient. Both kinds have the same stanza with other names.
pub(super) enum Recipient {
    /// `age1tag1…`
    Classical {
        key: <DhP256HkdfSha256 as Kem>::PublicKey,
        /// The point as it is in the recipient.
        compressed: [u8; COMPRESSED],
    },
    /// `age1tagpq1…`
    PostQuantum(Box<<MlKem768P256 as Kem>::PublicKey>),
}

impl Recipient {
    /// Parses `age1tag1…` and `age1tagpq1…`. Returns `None` if the text is not valid.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(bytes) = decode("age1tagpq", text) {
            let key = <MlKem768P256 as Kem>::PublicKey::from_bytes(&bytes).ok()?;
            return Some(Self::PostQuantum(Box::new(key)));
        }
        let compressed = <[u8; COMPRESSED]>::try_from(&decode("age1tag", text)?[..]).ok()?;
        let point = p256::PublicKey::from_sec1_bytes(&compressed).ok()?.to_sec1_point(false);
        let key = <DhP256HkdfSha256 as Kem>::PublicKey::from_bytes(point.as_bytes()).ok()?;
        Some(Self::Classical { key, compressed })
    }
}

impl age::Recipient for Recipient {
    fn wrap_file_key(
        &self,
        file_key: &FileKey,
    ) -> Result<(Vec<Stanza>, HashSet<String>), age::EncryptError> {
        match self {
            Self::Classical { key, compressed } => {
                let stanza = stanza::<DhP256HkdfSha256>("p256tag", key, compressed, file_key)?;
                Ok((vec![stanza], HashSet::new()))
            }
            Self::PostQuantum(key) => {
                let bytes = key.to_bytes();
                let point = &bytes[bytes.len() - UNCOMPRESSED..];
                let stanza = stanza::<MlKem768P256>("mlkem768p256tag", key, point, file_key)?;
                Ok((vec![stanza], HashSet::from(["postquantum".to_owned()])))
            }
        }
    }
}

/// Seals a file key. `point` is what the tag is computed from.
fn stanza<K: Kem>(
    name: &str,
    key: &K::PublicKey,
    point: &[u8],
    file_key: &FileKey,
) -> Result<Stanza, age::EncryptError> {
    let label = format!("age-encryption.org/{name}");
    let (encapsulated, body) = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeS::Base,
        key,
        label.as_bytes(),
        file_key.expose_secret(),
        b"",
    )
    .map_err(|e| age::EncryptError::Io(std::io::Error::other(e.to_string())))?;
    let encapsulated = encapsulated.to_bytes();
    let input = [&encapsulated[..], &Sha256::digest(point)[..4]].concat();
    let (tag, _) = Hkdf::<Sha256>::extract(Some(label.as_bytes()), &input);
    let encode = |bytes: &[u8]| BASE64_STANDARD_NO_PAD.encode(bytes);
    let args = vec![encode(&tag[..4]), encode(&encapsulated)];
    Ok(Stanza { tag: name.to_owned(), args, body })
}
