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
    let args = vec![tag(&label, &encapsulated, point), BASE64_STANDARD_NO_PAD.encode(encapsulated)];
    Ok(Stanza { tag: name.to_owned(), args, body })
}

/// Returns the tag that names the recipient in a stanza.
fn tag(label: &str, encapsulated: &[u8], point: &[u8]) -> String {
    let input = [encapsulated, &Sha256::digest(point)[..4]].concat();
    let (tag, _) = Hkdf::<Sha256>::extract(Some(label.as_bytes()), &input);
    BASE64_STANDARD_NO_PAD.encode(&tag[..4])
}

#[cfg(test)]
mod tests {
    use age::Recipient as _;
    use hpke::OpModeR;

    use super::super::post_quantum::encode;
    use super::*;

    fn keys<K: Kem>() -> (K::PrivateKey, K::PublicKey) {
        let secret = K::derive_keypair(&[7; 64]).0;
        let public = K::sk_to_pk(&secret);
        (secret, public)
    }

    fn classical() -> (<DhP256HkdfSha256 as Kem>::PrivateKey, String) {
        let (secret, public) = keys::<DhP256HkdfSha256>();
        let point = p256::PublicKey::from_sec1_bytes(&public.to_bytes()).expect("a point");
        (secret, encode("age1tag", point.to_sec1_point(true).as_bytes()))
    }

    fn post_quantum() -> (<MlKem768P256 as Kem>::PrivateKey, String) {
        let (secret, public) = keys::<MlKem768P256>();
        (secret, encode("age1tagpq", &public.to_bytes()))
    }

    /// Opens a stanza as a hardware key does.
    fn open<K: Kem>(secret: &K::PrivateKey, stanza: &Stanza) -> Vec<u8> {
        let encapsulated = BASE64_STANDARD_NO_PAD.decode(&stanza.args[1]).expect("base64");
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeR::Base,
            secret,
            &K::EncappedKey::from_bytes(&encapsulated).expect("a key"),
            format!("age-encryption.org/{}", stanza.tag).as_bytes(),
            &stanza.body,
            b"",
        )
        .expect("opened")
    }

    fn wrap(recipient: &str) -> (Stanza, HashSet<String>) {
        let recipient = Recipient::parse(recipient).expect("valid");
        let key = FileKey::new(Box::new([9; 16]));
        let (mut stanzas, labels) = recipient.wrap_file_key(&key).expect("wrapped");
        (stanzas.remove(0), labels)
    }

    /// The key and the point of a recipient.
    struct Hardware<K: Kem>(K::PrivateKey, Vec<u8>);

    impl<K: Kem> age::Identity for Hardware<K> {
        fn unwrap_stanza(&self, stanza: &Stanza) -> Option<Result<FileKey, age::DecryptError>> {
            let label = format!("age-encryption.org/{}", stanza.tag);
            let encapsulated = BASE64_STANDARD_NO_PAD.decode(&stanza.args[1]).expect("base64");
            assert_eq!(stanza.args[0], tag(&label, &encapsulated, &self.1));
            let key = open::<K>(&self.0, stanza).try_into().expect("16 bytes");
            Some(Ok(FileKey::new(Box::new(key))))
        }
    }

    #[test]
    fn the_key_of_the_recipient_opens_what_is_sealed_here() {
        let (secret, recipient) = classical();
        let (stanza, labels) = wrap(&recipient);
        assert_eq!(open::<DhP256HkdfSha256>(&secret, &stanza), [9; 16]);
        assert_eq!((&*stanza.tag, labels.len()), ("p256tag", 0));
        let (secret, recipient) = post_quantum();
        let (stanza, labels) = wrap(&recipient);
        assert_eq!(open::<MlKem768P256>(&secret, &stanza), [9; 16]);
        assert_eq!(stanza.tag, "mlkem768p256tag");
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), ["postquantum"]);
    }

    #[test]
    fn a_stanza_has_the_tag_that_its_hardware_key_looks_for() {
        let (secret, recipient) = classical();
        let point = decode("age1tag", &recipient).expect("valid").to_vec();
        let key = Hardware::<DhP256HkdfSha256>(secret, point);
        assert!(age::Identity::unwrap_stanza(&key, &wrap(&recipient).0).is_some());
        let (secret, recipient) = post_quantum();
        let bytes = decode("age1tagpq", &recipient).expect("valid");
        let point = bytes[bytes.len() - UNCOMPRESSED..].to_vec();
        let key = Hardware::<MlKem768P256>(secret, point);
        assert!(age::Identity::unwrap_stanza(&key, &wrap(&recipient).0).is_some());
    }

    /// The files are by Go's age 1.3.2, for the same recipients.
    #[test]
    fn the_same_key_opens_what_age_sealed_and_its_tag_is_the_same() {
        let (secret, recipient) = classical();
        let point = decode("age1tag", &recipient).expect("valid").to_vec();
        let key = Hardware::<DhP256HkdfSha256>(secret, point);
        let file = include_bytes!("../../../tests/age/tag.age");
        assert_eq!(age::decrypt(&key, file).expect("opened"), b"0123456789abcdef".repeat(2));

        let (secret, recipient) = post_quantum();
        assert_eq!(recipient, include_str!("../../../tests/age/tagpq.pub").trim());
        let bytes = decode("age1tagpq", &recipient).expect("valid");
        let point = bytes[bytes.len() - UNCOMPRESSED..].to_vec();
        let key = Hardware::<MlKem768P256>(secret, point);
        let file = include_bytes!("../../../tests/age/tagpq.age");
        assert_eq!(age::decrypt(&key, file).expect("opened"), b"0123456789abcdef".repeat(2));
    }

    #[test]
    fn other_texts_are_not_tagged_recipients() {
        let (_, good) = classical();
        let mut long = decode("age1tag", &good).expect("valid").to_vec();
        long.push(0);
        for bad in [encode("age1tag", &long), encode("age1tag", &[2; 33][..32]), good + "q"] {
            assert!(Recipient::parse(&bad).is_none(), "{bad}");
        }
        assert!(Recipient::parse(&encode("age1tagpq", &[1; 1249])).is_none());
        // Not a point of the curve.
        assert!(
            Recipient::parse(&encode("age1tag", &[[2].as_slice(), &[255; 32]].concat())).is_none()
        );
    }
}
