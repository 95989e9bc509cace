//! `aws-encryption-provider`: the digit 1, then what AWS KMS returned. Its key id is the key as its
//! `--key` names it.

use envcrypt_core::kek::Wrapped;
use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};

use super::{Format, answer};

/// The first byte: the version of its format.
const VERSION: u8 = b'1';

pub(super) struct Aws;

impl Format for Aws {
    fn read(&self, request: &DecryptRequest) -> Option<Vec<u8>> {
        request.ciphertext.strip_prefix(&[VERSION]).map(<[u8]>::to_vec)
    }

    /// The key id is the ARN, as `--key` should name it.
    fn write(&self, wrapped: Wrapped) -> Option<EncryptResponse> {
        let ciphertext = [&[VERSION], &wrapped.key.bytes[..]].concat();
        Some(answer(ciphertext, wrapped.key.kek.rest()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{request, wrapped};
    use super::*;

    #[test]
    fn a_digit_comes_before_the_blob() {
        let arn = "arn:aws:kms:eu-west-1:111122223333:key/1234";
        let written = Aws.write(wrapped(&format!("awskms:///{arn}"), b"\x01\x02blob", None));
        let written = written.expect("written");
        assert_eq!(written.ciphertext, b"1\x01\x02blob");
        assert_eq!(written.key_id, arn);
        assert_eq!(Aws.read(&request(written)).as_deref(), Some(&b"\x01\x02blob"[..]));
        assert!(Aws.read(&DecryptRequest::default()).is_none());
    }
}
