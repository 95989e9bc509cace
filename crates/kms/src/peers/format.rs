//! The ciphertexts of other KMS v2 plugins, as each of them writes and reads them.

mod aws;
mod azure;
mod google;
mod plugin;
mod vault;

use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};

use crate::config::Kind;

/// The ciphertexts of one kind of plugin.
pub trait Format: Sync {
    /// Returns what a KEK unwraps, or `None` if another plugin made the ciphertext.
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>>;

    /// Returns what the plugin itself would answer, with its key id. `None` means that the KMS did
    /// not report what the answer needs.
    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse>;
}

/// Returns the format of this kind of plugin.
pub fn format(kind: Kind) -> &'static dyn Format {
    match kind {
        Kind::Aws => &aws::Aws,
        Kind::Vault => &vault::Vault,
        Kind::Azure => &azure::Azure,
        Kind::Google => &google::Google,
        Kind::Plugin => &plugin::Plugin,
    }
}

/// An answer without annotations.
fn answer(ciphertext: Vec<u8>, key_id: &str) -> EncryptResponse {
    EncryptResponse { ciphertext, key_id: key_id.to_owned(), annotations: Default::default() }
}

#[cfg(test)]
mod tests {
    use envcrypt_core::kek::WrappedKey;

    use super::*;

    pub(super) fn wrapped(kek: &str, bytes: &[u8], version: Option<&str>) -> Wrapped {
        let key = WrappedKey { kek: kek.parse().expect("a KEK"), bytes: bytes.to_vec() };
        Wrapped { key, version: version.map(str::to_owned) }
    }

    pub(super) fn request(answer: EncryptResponse) -> DecryptRequest {
        let EncryptResponse { ciphertext, key_id, annotations } = answer;
        DecryptRequest { ciphertext, uid: String::new(), key_id, annotations }
    }
}
