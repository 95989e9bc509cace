//! `k8s-cloudkms-plugin`: what Cloud KMS returned, without additional authenticated data. Its key
//! id is the name of the version of the key.
//!
//! The plugin opens with whichever key the key id names. This server uses only configured keys.

use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};

use super::{Format, answer};

pub(super) struct Google;

impl Format for Google {
    /// Google does not publish how a ciphertext begins, so it may be any.
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>> {
        (!request.ciphertext.is_empty()).then(|| request.ciphertext.clone())
    }

    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse> {
        Some(answer(wrapped.key.bytes, &wrapped.version?))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, wrapped};
    use super::*;

    #[test]
    fn the_key_id_is_the_name_of_the_version() {
        let key = "projects/p/locations/l/keyRings/r/cryptoKeys/k";
        let version = format!("{key}/cryptoKeyVersions/3");
        let written =
            Google.write(wrapped(&format!("gcpkms://{key}"), b"\x0a\x24", Some(&version)));
        let written = written.expect("written");
        assert_eq!((&written.ciphertext[..], &written.key_id), (&b"\x0a\x24"[..], &version));
        assert_eq!(Google.read(&request(written)).as_deref(), Some(&b"\x0a\x24"[..]));
    }
}
