//! What an `EnvcryptSecret` has sealed, in digests that tell nothing about the plaintext.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use envcrypt_cluster::LiveResource;
use envcrypt_core::envelope::SealedSecret;
use sha2::{Digest, Sha256};

/// The digests of a sealed Secret.
pub struct Sealing {
    /// Of the values, the type, `immutable` and the seal. A rewrap does not change it.
    pub digest: String,
    /// Of the wrapped data keys. A rewrap changes it, and then the object is opened once: an object
    /// that no KEK opens any more must not wait for the day on which it is needed.
    pub wrapped: String,
}

impl Sealing {
    /// Computes both.
    pub fn of(secret: &SealedSecret) -> Self {
        let mut hash = Sha256::new();
        for (_, jwe) in secret.parts() {
            for wrapped in &jwe.recipients {
                for part in [wrapped.kek.to_string().as_bytes(), &wrapped.bytes] {
                    hash.update((part.len() as u64).to_be_bytes());
                    hash.update(part);
                }
            }
            hash.update(b".");
        }
        Self {
            digest: BASE64.encode(secret.fingerprint()),
            wrapped: BASE64.encode(hash.finalize()),
        }
    }

    /// Returns whether exactly this was opened and delivered, as the status says.
    pub fn was_opened(&self, resource: &LiveResource) -> bool {
        let status = &resource.status;
        status.digest.as_ref() == Some(&self.digest)
            && status.wrapped.as_ref() == Some(&self.wrapped)
    }
}
