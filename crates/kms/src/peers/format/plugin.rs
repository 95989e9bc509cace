//! Any other KMS v2 plugin, which still runs: it opens what it wrapped, and it wraps.

use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};
use envcrypt_core::kek::k8skms::{pack, unpack};

use super::Format;

pub(super) struct Plugin;

impl Format for Plugin {
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>> {
        let DecryptRequest { ciphertext, key_id, annotations, .. } = request.clone();
        pack(EncryptResponse { ciphertext, key_id, annotations })
    }

    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse> {
        let DecryptRequest { ciphertext, key_id, annotations, .. } = unpack(&wrapped.key.bytes)?;
        Some(EncryptResponse { ciphertext, key_id, annotations })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, wrapped};
    use super::*;

    #[test]
    fn the_plugin_gets_back_all_that_it_answered() {
        let annotations = [("nonce.example".to_owned(), vec![1, 2])].into();
        let answer =
            EncryptResponse { ciphertext: vec![0xe1, 7], key_id: "key-1".to_owned(), annotations };
        let bytes = pack(answer.clone()).expect("within bounds");
        let written = Plugin.write(wrapped("k8skms:///a.sock", &bytes, Some("key-1")));
        assert_eq!(written.as_ref(), Some(&answer));
        assert_eq!(Plugin.read(&request(answer)), Some(bytes));
    }
}
