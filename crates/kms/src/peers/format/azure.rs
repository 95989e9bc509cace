//! `kubernetes-kms` of Azure: what Key Vault returned, in base64url, with the algorithm in an
//! annotation. Its key id is the SHA-256 of the key's identifier, with the version.
//!
//! The plugin calls `encrypt` and `decrypt` with RSA-OAEP-256. `wrapKey` and `unwrapKey` do the same
//! to the same bytes.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};
use sha2::{Digest, Sha256};

use super::{Format, answer};

/// The annotations without which the plugin opens nothing.
const ANNOTATIONS: [(&str, &str); 2] =
    [("algorithm.azure.akv.io", "RSA-OAEP-256"), ("version.azure.akv.io", "1")];

pub(super) struct Azure;

impl Format for Azure {
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>> {
        let has = |(name, value): (&str, &str)| {
            request.annotations.get(name).is_some_and(|there| there == value.as_bytes())
        };
        ANNOTATIONS.into_iter().all(has).then(|| BASE64.decode(&request.ciphertext).ok())?
    }

    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse> {
        let (host, key) = wrapped.key.kek.rest().split_once('/')?;
        let identifier = format!("https://{host}/keys/{key}");
        let key_id: String =
            Sha256::digest(identifier).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut written = answer(BASE64.encode(wrapped.key.bytes).into_bytes(), &key_id);
        let annotation = |(name, value): (&str, &str)| (name.to_owned(), value.into());
        written.annotations = ANNOTATIONS.into_iter().map(annotation).collect();
        Some(written)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, wrapped};
    use super::*;

    #[test]
    fn the_annotations_and_the_hash_are_what_the_plugin_checks() {
        let kek = "azurekms://team.vault.azure.net/k8s/0123456789abcdef0123456789abcdef";
        let written = Azure.write(wrapped(kek, b"\xff\xfe\xfd\xfc", None)).expect("written");
        assert_eq!(written.ciphertext, b"__79_A");
        // printf https://team.vault.azure.net/keys/k8s/0123456789abcdef0123456789abcdef | sha256sum
        assert_eq!(
            written.key_id,
            "9aac258a7940b8599468203263ee48d50aa612310af957192e249cf50d122941"
        );
        assert_eq!(written.annotations["algorithm.azure.akv.io"], b"RSA-OAEP-256");
        let mut read = request(written);
        assert_eq!(Azure.read(&read).as_deref(), Some(&b"\xff\xfe\xfd\xfc"[..]));
        // KMS v1 used RSA1_5, which is another algorithm.
        read.annotations.insert("algorithm.azure.akv.io".to_owned(), b"RSA1_5".to_vec());
        assert!(Azure.read(&read).is_none());
    }
}
