//! The signature that `ssh-keygen -Y sign` makes (PROTOCOL.sshsig of OpenSSH).

use ssh_key::{HashAlg, Signature, SshSig};

use super::key::{field, whole};
use super::{PublicKey, SignatureError, verify};

/// The largest signature that is read, in bytes. One with an RSA key of 16384 bits has 4.2 kB.
const MAX_SIZE: usize = 8 * 1024;
const MAGIC: &[u8] = b"SSHSIG\0\0\0\x01";

/// An SSH signature. It is not verified yet.
pub struct SshSignature {
    key: PublicKey,
    namespace: String,
    hash: HashAlg,
    signature: Signature,
}

impl SshSignature {
    /// Reads the bytes of a signature, without armor.
    ///
    /// # Errors
    /// Returns [`SignatureError::Form`] if they are not exactly one signature of version 1 whose
    /// reserved field is empty.
    pub fn parse(blob: &[u8]) -> Result<Self, SignatureError> {
        Self::read(blob).ok_or(SignatureError::Form)
    }

    fn read(blob: &[u8]) -> Option<Self> {
        let mut rest = blob.strip_prefix(MAGIC).filter(|_| blob.len() <= MAX_SIZE)?;
        let mut next = || -> Option<&[u8]> {
            let found;
            (found, rest) = field(rest)?;
            Some(found)
        };
        let [key, namespace, reserved, hash, signature] =
            [next()?, next()?, next()?, next()?, next()?];
        let signature = Self {
            key: PublicKey::from_bytes(key)?,
            namespace: String::from_utf8(namespace.to_vec()).ok()?,
            hash: std::str::from_utf8(hash).ok()?.parse().ok()?,
            signature: whole(signature)?,
        };
        (rest.is_empty() && reserved.is_empty()).then_some(signature)
    }

    /// Returns the public key that the signature names. Nothing is known of it yet.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Verifies that the key signed this message for this purpose.
    ///
    /// # Errors
    /// Returns [`SignatureError`] if it did not.
    pub fn verify(&self, namespace: &str, message: &[u8]) -> Result<(), SignatureError> {
        if self.namespace != namespace {
            return Err(SignatureError::Namespace);
        }
        let signed = SshSig::signed_data(namespace, self.hash, message);
        verify::verify(self.key.data(), &self.signature, &signed.map_err(|_| SignatureError::Form)?)
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use sha2::{Digest, Sha256, Sha512};

    use super::*;
    use crate::signature::SECRET_NAMESPACE;

    const MESSAGE: &[u8] = b"a statement";
    /// Each is over [`MESSAGE`], made by ssh-keygen of OpenSSH 9.2.
    const SAMPLES: [(&str, &str); 5] = [
        ("ed25519", include_str!("samples/ed25519.sig")),
        ("ecdsa256", include_str!("samples/ecdsa256.sig")),
        ("ecdsa384", include_str!("samples/ecdsa384.sig")),
        ("ecdsa521", include_str!("samples/ecdsa521.sig")),
        ("rsa3072", include_str!("samples/rsa3072.sig")),
    ];

    /// The bytes inside the armor.
    fn blob(armor: &str) -> Vec<u8> {
        let lines: String = armor.lines().filter(|line| !line.starts_with('-')).collect();
        BASE64_STANDARD.decode(lines).expect("base64")
    }

    fn verdict(blob: &[u8], message: &[u8]) -> Result<(), SignatureError> {
        SshSignature::parse(blob)?.verify(SECRET_NAMESPACE, message)
    }

    #[test]
    fn what_ssh_keygen_signed_is_verified() {
        for (name, armor) in SAMPLES {
            assert_eq!(verdict(&blob(armor), MESSAGE), Ok(()), "{name}");
            assert_eq!(verdict(&blob(armor), b"b"), Err(SignatureError::Mismatch), "{name}");
        }
    }

    #[test]
    fn no_bit_of_a_signature_is_free() {
        for (name, armor) in SAMPLES {
            let good = blob(armor);
            for index in 0..good.len() {
                for bit in [0x01, 0x80] {
                    let mut bad = good.clone();
                    bad[index] ^= bit;
                    assert!(verdict(&bad, MESSAGE).is_err(), "{name}: byte {index}");
                }
            }
            for bad in [&good[..good.len() - 1], &[&good[..], b"\0"].concat(), b""] {
                assert_eq!(verdict(bad, MESSAGE), Err(SignatureError::Form), "{name}");
            }
        }
    }

    #[test]
    fn a_signature_for_another_purpose_or_by_a_weak_key_does_not_count() {
        let git = blob(include_str!("samples/git.sig"));
        assert_eq!(verdict(&git, MESSAGE), Err(SignatureError::Namespace));
        let weak = blob(include_str!("samples/rsa1024.sig"));
        assert_eq!(verdict(&weak, MESSAGE), Err(SignatureError::Algorithm));
    }

    fn string(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).expect("short").to_be_bytes(), text].concat()
    }

    /// A signature as a security key makes it, with these flags.
    fn of_security_key(flags: u8) -> Vec<u8> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let kind = b"sk-ssh-ed25519@openssh.com";
        let hash = Sha512::digest(MESSAGE);
        let signed = [
            b"SSHSIG".to_vec(),
            string(SECRET_NAMESPACE.as_bytes()),
            string(b""),
            string(b"sha512"),
            string(&hash),
        ];
        let trailer = [&[flags][..], &5_u32.to_be_bytes()].concat();
        let message =
            [&Sha256::digest(b"ssh:")[..], &trailer, &Sha256::digest(signed.concat())].concat();
        let key = [string(kind), string(pair.public_key().as_ref()), string(b"ssh:")].concat();
        let signature = [string(kind), string(pair.sign(&message).as_ref()), trailer].concat();
        [
            b"SSHSIG\0\0\0\x01".to_vec(),
            string(&key),
            string(SECRET_NAMESPACE.as_bytes()),
            string(b""),
            string(b"sha512"),
            string(&signature),
        ]
        .concat()
    }

    #[test]
    fn a_security_key_must_have_been_touched() {
        assert_eq!(verdict(&of_security_key(1), MESSAGE), Ok(()));
        assert_eq!(verdict(&of_security_key(5), MESSAGE), Ok(()));
        assert_eq!(verdict(&of_security_key(0), MESSAGE), Err(SignatureError::Touch));
        assert_eq!(verdict(&of_security_key(1), b"b"), Err(SignatureError::Mismatch));
    }
}
