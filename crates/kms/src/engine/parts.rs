//! A ciphertext in two parts: what the protocol has no room for goes to an annotation.

use std::borrow::Cow;

use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};
use envcrypt_core::seed::MORE_ANNOTATION;

/// The maximum size of a ciphertext, in bytes. The protocol sets it.
const MAX_CIPHERTEXT: usize = 1024;

/// Returns the answer with this ciphertext.
pub fn split(mut ciphertext: Vec<u8>, key_id: &str) -> EncryptResponse {
    let more = ciphertext.split_off(ciphertext.len().min(MAX_CIPHERTEXT));
    let more = Some(more).filter(|more| !more.is_empty());
    let annotations = more.map(|more| (MORE_ANNOTATION.to_owned(), more)).into_iter().collect();
    EncryptResponse { ciphertext, key_id: key_id.to_owned(), annotations }
}

/// Returns the whole ciphertext.
pub fn join(request: &DecryptRequest) -> Cow<'_, [u8]> {
    match request.annotations.get(MORE_ANNOTATION) {
        Some(more) => [&request.ciphertext[..], more].concat().into(),
        None => (&request.ciphertext[..]).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_split_is_joined_again() {
        for (size, annotations) in [(0, 0), (1, 0), (1024, 0), (1025, 1), (5000, 1)] {
            let whole: Vec<u8> = (0..size).map(|n: usize| n.to_le_bytes()[0]).collect();
            let EncryptResponse { ciphertext, key_id, annotations: more } =
                split(whole.clone(), "id");
            assert!(ciphertext.len() <= 1024 && key_id == "id" && more.len() == annotations);
            let request =
                DecryptRequest { ciphertext, uid: String::new(), key_id, annotations: more };
            assert_eq!(join(&request), whole);
        }
    }
}
