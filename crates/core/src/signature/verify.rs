//! The cryptography of a signature, for each kind of key that ssh-keygen signs with.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use sha2::{Digest, Sha256};
use ssh_encoding::Decode;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, EcdsaCurve, HashAlg, Mpint, Signature};

use super::SignatureError;

/// The flag of a security key that a person touched it (WebAuthn: user present).
const USER_PRESENT: u8 = 1;
/// Flags and counter, which follow the signature of a security key.
const TRAILER: usize = 5;

/// Verifies that `key` signed `message`.
pub(super) fn verify(
    key: &KeyData,
    signature: &Signature,
    message: &[u8],
) -> Result<(), SignatureError> {
    let bytes = signature.as_bytes();
    match (key, signature.algorithm()) {
        (KeyData::Ed25519(key), Algorithm::Ed25519) => check(&ED25519, &key.0, message, bytes),
        (KeyData::Ecdsa(key), Algorithm::Ecdsa { curve }) if key.curve() == curve => {
            ecdsa(curve, key.as_sec1_bytes(), message, bytes)
        }
        (KeyData::Rsa(key), Algorithm::Rsa { hash: Some(hash) }) => {
            let algorithm = match hash {
                HashAlg::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
                HashAlg::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
                _ => return Err(SignatureError::Algorithm),
            };
            let n = key.n.as_positive_bytes().ok_or(SignatureError::Form)?;
            let e = key.e.as_positive_bytes().ok_or(SignatureError::Form)?;
            if n.len() < 256 {
                return Err(SignatureError::Algorithm);
            }
            let parts = RsaPublicKeyComponents { n, e };
            parts.verify(algorithm, message, bytes).map_err(|_| SignatureError::Mismatch)
        }
        (KeyData::SkEd25519(key), Algorithm::SkEd25519) => {
            let (bytes, message) = security_key(key.application(), message, bytes)?;
            check(&ED25519, &key.public_key().0, &message, bytes)
        }
        (KeyData::SkEcdsaSha2NistP256(key), Algorithm::SkEcdsaSha2NistP256) => {
            let (bytes, message) = security_key(key.application(), message, bytes)?;
            ecdsa(EcdsaCurve::NistP256, key.ec_point().as_bytes(), &message, bytes)
        }
        _ => Err(SignatureError::Algorithm),
    }
}

fn check(
    algorithm: &'static dyn VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let key = UnparsedPublicKey::new(algorithm, key);
    key.verify(message, signature).map_err(|_| SignatureError::Mismatch)
}

/// A signature over a curve is two integers in the form of SSH. The library takes them at their
/// full length.
fn ecdsa(
    curve: EcdsaCurve,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    let (algorithm, size): (&'static dyn VerificationAlgorithm, usize) = match curve {
        EcdsaCurve::NistP256 => (&ECDSA_P256_SHA256_FIXED, 32),
        EcdsaCurve::NistP384 => (&ECDSA_P384_SHA384_FIXED, 48),
        EcdsaCurve::NistP521 => (&ECDSA_P521_SHA512_FIXED, 66),
    };
    let mut reader = signature;
    let mut fixed = Vec::with_capacity(2 * size);
    for _ in 0..2 {
        let number = Mpint::decode(&mut reader).map_err(|_| SignatureError::Form)?;
        let bytes = number.as_positive_bytes().ok_or(SignatureError::Form)?;
        let zeros = size.checked_sub(bytes.len()).ok_or(SignatureError::Form)?;
        fixed.extend(std::iter::repeat_n(0, zeros));
        fixed.extend_from_slice(bytes);
    }
    match reader.is_empty() {
        true => check(algorithm, key, message, &fixed),
        false => Err(SignatureError::Form),
    }
}

/// What a security key signs, and its signature without the flags and the counter
/// (PROTOCOL.u2f of OpenSSH).
fn security_key<'s>(
    application: &str,
    message: &[u8],
    signature: &'s [u8],
) -> Result<(&'s [u8], Vec<u8>), SignatureError> {
    let end = signature.len().checked_sub(TRAILER).ok_or(SignatureError::Form)?;
    let (bytes, trailer) = signature.split_at(end);
    if trailer[0] & USER_PRESENT == 0 {
        return Err(SignatureError::Touch);
    }
    let mut signed = Sha256::digest(application).to_vec();
    signed.extend_from_slice(trailer);
    signed.extend_from_slice(&Sha256::digest(message));
    Ok((bytes, signed))
}
