//! Recognises values that were opened before, with a key that never leaves this process. So a
//! label that someone changed on a plain Secret costs no call to the KMS.

use envcrypt_core::manifest::Object;
use envcrypt_core::secret::random_bytes;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key of this process.
pub struct Recogniser(Hmac<Sha256>);

/// The values of a sealed Secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Known {
    /// The digest of the sealed Secret.
    pub digest: String,
    values: [u8; 32],
}

impl Recogniser {
    /// Makes a new key.
    pub fn new() -> Self {
        let mut key = [0; 32];
        random_bytes(&mut key);
        Self(Hmac::new_from_slice(&key).expect("any length will do"))
    }

    /// Remembers the type and the values of a plain Secret, which were opened from `digest`.
    pub fn known(&self, digest: &str, object: &Object) -> Known {
        Known { digest: digest.to_owned(), values: self.values(object) }
    }

    /// Returns whether the live Secret has the type and the values that were opened from `digest`.
    pub fn recognises(&self, known: Option<&Known>, digest: &str, live: &Object) -> bool {
        known.is_some_and(|known| known.digest == digest && known.values == self.values(live))
    }

    fn values(&self, object: &Object) -> [u8; 32] {
        let mut mac = self.0.clone();
        let mut part = |bytes: &[u8]| {
            mac.update(&(bytes.len() as u64).to_be_bytes());
            mac.update(bytes);
        };
        part(object.r#type.as_deref().unwrap_or("Opaque").as_bytes());
        for (key, text) in object.data.iter().flatten() {
            part(key.as_bytes());
            part(text.as_deref().unwrap_or("").as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}
