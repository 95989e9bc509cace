//! What kube-apiserver stores for a value that a KMS plugin encrypted, by version 2 of the API.

use std::collections::BTreeMap;

use crate::proto::{Field, Fields, Malformed};

/// The maximum size of a key ID and of a wrapped DEK, in bytes, as in kube-apiserver.
const MAX_SIZE: usize = 1024;
/// The maximum size of all annotations, in bytes, as in kube-apiserver.
const MAX_ANNOTATIONS: usize = 32 * 1024;

/// The message `EncryptedObject` of kube-apiserver. Nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedObject<'a> {
    /// The object, encrypted by kube-apiserver.
    pub encrypted_data: &'a [u8],
    /// The key ID that the plugin returned. It has 1 to 1,024 bytes.
    pub key_id: &'a str,
    /// What the plugin returned for the DEK or the seed. It has 1 to 1,024 bytes.
    pub encrypted_dek_source: &'a [u8],
    /// What else the plugin returned: at most 32 KiB.
    pub annotations: BTreeMap<&'a str, &'a [u8]>,
    /// What the plugin decrypts `encrypted_dek_source` to.
    pub dek_source: DekSource,
}

/// What a KMS plugin wrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DekSource {
    /// The DEK for AES-GCM.
    AesGcmKey,
    /// A seed. HKDF-SHA256 derives from it a DEK for AES-GCM, another one for each value.
    HkdfSeed,
}

impl<'a> EncryptedObject<'a> {
    /// Reads the message, and checks it as kube-apiserver does. The error says what is wrong.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, &'static str> {
        let mut object = Self {
            encrypted_data: &[],
            key_id: "",
            encrypted_dek_source: &[],
            annotations: BTreeMap::new(),
            dek_source: DekSource::AesGcmKey,
        };
        let mut annotations = 0;
        for field in Fields::new(message) {
            match field.map_err(|Malformed| "it is not a message")? {
                (1, Field::Bytes(bytes)) => object.encrypted_data = bytes,
                (2, Field::Bytes(bytes)) => {
                    object.key_id = str::from_utf8(bytes).map_err(|_| "the key ID is not UTF-8")?;
                }
                (3, Field::Bytes(bytes)) => object.encrypted_dek_source = bytes,
                (4, Field::Bytes(entry)) => {
                    let (key, value) = annotation(entry).ok_or("an annotation is not valid")?;
                    annotations += key.len() + value.len();
                    if annotations > MAX_ANNOTATIONS {
                        return Err("the annotations are too large");
                    }
                    object.annotations.insert(key, value);
                }
                (5, Field::Number(number)) => object.dek_source = DekSource::new(number)?,
                _ => {}
            }
        }
        object.check()?;
        Ok(object)
    }

    fn check(&self) -> Result<(), &'static str> {
        let is_valid = |size: usize| (1..=MAX_SIZE).contains(&size);
        if self.encrypted_data.is_empty() {
            Err("the encrypted data is empty")
        } else if !is_valid(self.key_id.len()) {
            Err("the key ID is empty or too long")
        } else if !is_valid(self.encrypted_dek_source.len()) {
            Err("the wrapped DEK is empty or too long")
        } else {
            Ok(())
        }
    }
}

impl DekSource {
    fn new(number: u64) -> Result<Self, &'static str> {
        match number {
            0 => Ok(Self::AesGcmKey),
            1 => Ok(Self::HkdfSeed),
            _ => Err("the type of the DEK source is not known"),
        }
    }

    /// Returns its name in the API of kube-apiserver.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AesGcmKey => "AES_GCM_KEY",
            Self::HkdfSeed => "HKDF_SHA256_XNONCE_AES_GCM_SEED",
        }
    }
}

/// Reads an entry of the map: the key, then the value.
fn annotation(entry: &[u8]) -> Option<(&str, &[u8])> {
    let (mut key, mut value) = ("", &[][..]);
    for field in Fields::new(entry) {
        match field.ok()? {
            (1, Field::Bytes(bytes)) => key = str::from_utf8(bytes).ok()?,
            (2, Field::Bytes(bytes)) => value = bytes,
            _ => {}
        }
    }
    Some((key, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::etcd::testing::field;

    fn message(change: impl Fn(u8) -> Option<Vec<u8>>) -> Vec<u8> {
        let fields = [b"data".to_vec(), b"id".to_vec(), b"dek".to_vec()];
        let write = |(number, bytes)| field(number, &change(number).unwrap_or(bytes));
        (1..).zip(fields).flat_map(write).collect()
    }

    #[test]
    fn a_message_without_a_type_wraps_a_key() {
        let message = message(|_| None);
        let object = EncryptedObject::parse(&message).unwrap();
        assert_eq!(object.encrypted_data, b"data");
        assert_eq!((object.key_id, object.encrypted_dek_source), ("id", &b"dek"[..]));
        assert_eq!(object.dek_source, DekSource::AesGcmKey);
        assert!(object.annotations.is_empty());
    }

    #[test]
    fn the_type_and_the_annotations_are_read() {
        let entry = |key: &str, value: &[u8]| {
            field(4, &[field(1, key.as_bytes()), field(2, value)].concat())
        };
        let rest = [entry("a.example.com", b"1"), entry("b.example.com", b""), vec![0x28, 1]];
        let message = [message(|_| None), rest.concat()].concat();
        let object = EncryptedObject::parse(&message).unwrap();
        assert_eq!(object.dek_source, DekSource::HkdfSeed);
        let expected = [("a.example.com", &b"1"[..]), ("b.example.com", b"")];
        assert_eq!(object.annotations, expected.into());
    }

    #[test]
    fn what_kube_apiserver_refuses_is_refused() {
        for number in 1..=3 {
            let empty = message(|n| (n == number).then(Vec::new));
            assert!(EncryptedObject::parse(&empty).is_err(), "field {number} is empty");
        }
        for (size, is_valid) in [(MAX_SIZE, true), (MAX_SIZE + 1, false)] {
            for number in 2..=3 {
                let long = message(|n| (n == number).then(|| vec![b'a'; size]));
                assert_eq!(EncryptedObject::parse(&long).is_ok(), is_valid, "field {number}");
            }
        }
        let binary = message(|n| (n == 2).then(|| vec![0xff]));
        assert_eq!(EncryptedObject::parse(&binary), Err("the key ID is not UTF-8"));
        let unknown = [message(|_| None), vec![0x28, 2]].concat();
        assert!(EncryptedObject::parse(&unknown).is_err());
        let cut = message(|_| None);
        assert!(EncryptedObject::parse(&cut[..cut.len() - 1]).is_err());
    }

    #[test]
    fn annotations_have_a_limit() {
        let entry = field(4, &[field(1, b"a"), field(2, &[0; 8191])].concat());
        let of = |count| [message(|_| None), entry.repeat(count)].concat();
        assert!(EncryptedObject::parse(&of(4)).is_ok());
        assert_eq!(EncryptedObject::parse(&of(5)), Err("the annotations are too large"));
    }
}
