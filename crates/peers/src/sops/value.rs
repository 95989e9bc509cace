//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use aes_gcm::aead::array::ArraySize;
use aes_gcm::aead::consts::{U12, U16, U32};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::aes::Aes256;
use aes_gcm::{AesGcm, KeyInit, Nonce};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_core::kek::DataKey;
use envcrypt_core::secret::random_bytes;
use zeroize::Zeroizing;

/// How every encrypted value begins.
pub(crate) const PREFIX: &str = "ENC[AES256_GCM,";
/// The size of a nonce that SOPS writes, in bytes.
const NONCE_SIZE: usize = 32;
/// The size of a tag, in bytes.
const TAG_SIZE: usize = 16;

/// The type of a value before it was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Str,
    Int,
    Float,
    Bool,
    Time,
    Bytes,
    Comment,
}

/// An encrypted value.
pub(super) struct Encrypted {
    /// The ciphertext, then the tag.
    message: Vec<u8>,
    nonce: Vec<u8>,
    pub kind: Kind,
}

impl Encrypted {
    /// Returns `None` if the text has not the form of an encrypted value.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let members = text.strip_prefix(PREFIX)?.strip_suffix(']')?;
        let mut members = members.split(',');
        let mut member = |name: &str| members.next()?.strip_prefix(name);
        let (data, iv, tag, kind) =
            (member("data:")?, member("iv:")?, member("tag:")?, member("type:")?);
        let mut message = BASE64_STANDARD.decode(data).ok()?;
        let tag = BASE64_STANDARD.decode(tag).ok().filter(|tag| tag.len() == TAG_SIZE)?;
        message.extend_from_slice(&tag);
        let kind = match kind {
            "str" => Kind::Str,
            "int" => Kind::Int,
            "float" => Kind::Float,
            "bool" => Kind::Bool,
            "time" => Kind::Time,
            "bytes" => Kind::Bytes,
            "comment" => Kind::Comment,
            _ => return None,
        };
        let is_last = members.next().is_none();
        is_last.then_some(Self { message, nonce: BASE64_STANDARD.decode(iv).ok()?, kind })
    }

    /// Returns the text of the value, or `None` if the tag does not match.
    pub(super) fn open(&self, key: &DataKey, aad: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self.nonce.len() {
            NONCE_SIZE => self.open_with::<U32>(key, aad),
            16 => self.open_with::<U16>(key, aad),
            12 => self.open_with::<U12>(key, aad),
            _ => None,
        }
    }

    fn open_with<N: ArraySize>(&self, key: &DataKey, aad: &str) -> Option<Zeroizing<Vec<u8>>> {
        let nonce = <&Nonce<N>>::try_from(&self.nonce[..]).ok()?;
        let payload = Payload { msg: &self.message, aad: aad.as_bytes() };
        let cipher = AesGcm::<Aes256, N>::new(key.expose().into());
        cipher.decrypt(nonce, payload).ok().map(Zeroizing::new)
    }
}

/// Encrypts a text. SOPS leaves an empty one as it is.
pub(super) fn encrypt(key: &DataKey, aad: &str, text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut nonce = [0; NONCE_SIZE];
    random_bytes(&mut nonce);
    let cipher = AesGcm::<Aes256, U32>::new(key.expose().into());
    let message = cipher
        .encrypt(&Nonce::<U32>::from(nonce), Payload { msg: text, aad: aad.as_bytes() })
        .expect("a value is far below AES-GCM's bound");
    let (data, tag) = message.split_at(text.len());
    let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("{PREFIX}data:{},iv:{},tag:{},type:str]", base64(data), base64(&nonce), base64(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> DataKey {
        DataKey::from_slice(&[7; 32]).expect("32 bytes")
    }

    #[test]
    fn another_place_another_key_and_another_form_do_not_open() {
        let text = encrypt(&key(), "data:a:", b"hunter2");
        let value = Encrypted::parse(&text).expect("a value");
        assert!(value.open(&key(), "data:a:").is_some_and(|open| *open == b"hunter2"));
        assert!(value.open(&key(), "data:b:").is_none());
        assert!(value.open(&DataKey::generate(), "data:a:").is_none());
        for bad in [
            "ENC[AES256_GCM,data:,iv:AA==,tag:AA==,type:str]",
            &text.replace("type:str", "type:object"),
            &text.replace("AES256_GCM", "AES256_CBC"),
            &text.replace(']', ""),
            &text.replace("type:str]", "type:str,x:y]"),
            &format!("{text} "),
        ] {
            assert!(Encrypted::parse(bad).is_none(), "{bad}");
        }
        let short = text.replace("iv:", "iv:AAAA");
        assert!(
            Encrypted::parse(&short).is_none_or(|value| value.open(&key(), "data:a:").is_none())
        );
    }

    #[test]
    fn a_nonce_of_twelve_bytes_opens_too() {
        use aes_gcm::Aes256Gcm;
        let cipher = Aes256Gcm::new(key().expose().into());
        let payload = Payload { msg: b"x".as_slice(), aad: b"a:".as_slice() };
        let message = cipher.encrypt(&Nonce::from([9; 12]), payload).expect("encrypted");
        let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
        let (data, iv, tag) = (base64(&message[..1]), base64(&[9; 12]), base64(&message[1..]));
        let text = format!("{PREFIX}data:{data},iv:{iv},tag:{tag},type:str]");
        let value = Encrypted::parse(&text).expect("a value");
        assert!(value.open(&key(), "a:").is_some_and(|open| *open == b"x"));
    }

    proptest! {
        #[test]
        fn any_value_comes_back(text in proptest::collection::vec(any::<u8>(), 1..200), aad in ".*") {
            let value = Encrypted::parse(&encrypt(&key(), &aad, &text)).expect("a value");
            prop_assert!(value.open(&key(), &aad).is_some_and(|open| *open == text));
        }

        #[test]
        fn no_text_makes_it_panic(text in "(ENC\\[AES256_GCM,)?.*") {
            let _ = Encrypted::parse(&text);
        }
    }
}
