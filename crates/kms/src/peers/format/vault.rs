//! `vault-kubernetes-kms`: the text of Vault, `vault:v3:…`, without associated data. Its key id is
//! the version of the key, `3`. Before its release 0.1.1, the key id was a time.

use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};

use super::{Format, answer};

pub(super) struct Vault;

impl Format for Vault {
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>> {
        let ciphertext = &request.ciphertext;
        ciphertext.starts_with(b"vault:v").then(|| ciphertext.clone())
    }

    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse> {
        let version = wrapped.version?;
        Some(answer(wrapped.key.bytes, version.strip_prefix('v')?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, wrapped};
    use super::*;

    #[test]
    fn the_key_id_is_the_version_of_the_key() {
        let written = Vault.write(wrapped("hashivault://k", b"vault:v12:YWJj", Some("v12")));
        let written = written.expect("written");
        assert_eq!((&written.ciphertext[..], &*written.key_id), (&b"vault:v12:YWJj"[..], "12"));
        assert_eq!(Vault.read(&request(written)).as_deref(), Some(&b"vault:v12:YWJj"[..]));
        assert!(Vault.read(&DecryptRequest::default()).is_none());
        assert!(Vault.write(wrapped("hashivault://k", b"vault:", None)).is_none());
    }
}
