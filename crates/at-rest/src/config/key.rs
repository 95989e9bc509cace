//! A key in the configuration.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use super::Cipher;
use super::finding::{Finding, Findings, shown};
use super::read::Fields;
use super::yaml::Node;

/// The size of a new key, in bytes. Each cipher accepts it.
const NEW_KEY_SIZE: usize = 32;

/// Decodes base64 as Go does: padding must be there, and extra bits at the end are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// A key of a local provider.
///
/// It has no `Debug`, `Clone` or `Serialize`, and its bytes are wiped when it is dropped.
pub struct Key {
    /// The name, which kube-apiserver stores with each object.
    pub name: String,
    secret: Zeroizing<Vec<u8>>,
}

impl Key {
    /// Makes a random key of 32 bytes.
    pub(super) fn random(name: &str) -> Result<Self, getrandom::Error> {
        let mut secret = Zeroizing::new(vec![0; NEW_KEY_SIZE]);
        getrandom::fill(&mut secret)?;
        Ok(Self { name: name.to_owned(), secret })
    }

    /// The bytes of the key.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Whether the key is clearly not from a random source.
    pub(super) fn is_weak(&self) -> bool {
        let mut distinct = self.secret.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let has_few = 2 * distinct.len() < self.secret.len();
        distinct.fill(0);
        let is_text = self.secret.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\n');
        let mut steps = self.secret.windows(2).map(|pair| pair[1].wrapping_sub(pair[0]));
        let first = steps.next();
        has_few || is_text || steps.all(|step| Some(step) == first)
    }
}

/// Reads a key. Reports what kube-apiserver refuses.
pub(super) fn read(node: &Node, cipher: Cipher, findings: &mut Findings) -> Option<Key> {
    let fields = Fields::read(node, "a key", &["name", "secret"], findings).ok()?;
    let name = fields.text("name", findings);
    let secret = fields.text("secret", findings);
    let (name, secret) = (name.ok()?, secret.ok()?);
    if name.value.is_empty() {
        findings.error(node.line, "key-name", "the key has no name");
    }
    let key = shown(&name);
    if secret.is_empty() {
        findings.error(secret.line, "key-secret", format!("the key {key} has no secret"));
        return None;
    }
    let Some(bytes) = decode(&secret) else {
        let text = format!("the secret of the key {key} is not base64");
        let hint = "make one with `head -c 32 /dev/urandom | base64`";
        findings.push(Finding::error(secret.line, "key-secret", text).with_hint(hint));
        return None;
    };
    if !cipher.key_sizes().contains(&bytes.len()) {
        let must = match cipher {
            Cipher::Secretbox => "32",
            Cipher::AesGcm | Cipher::AesCbc => "16, 24 or 32",
        };
        let text = format!("the key {key} has {} bytes, but must have {must}", bytes.len());
        findings.error(secret.line, "key-size", text);
        return None;
    }
    Some(Key { name: name.value.to_owned(), secret: bytes })
}

/// Decodes base64. Like Go, this ignores line breaks in it.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut packed = Zeroizing::new(String::with_capacity(text.len()));
    packed.extend(text.chars().filter(|c| !matches!(c, '\r' | '\n')));
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(packed.len())]);
    let size = BASE64.decode_slice(packed.as_bytes(), &mut bytes).ok()?;
    bytes.truncate(size);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(bytes: &[u8]) -> Key {
        Key { name: "key1".into(), secret: Zeroizing::new(bytes.to_vec()) }
    }

    #[test]
    fn base64_is_decoded_as_go_does() {
        for (text, expected) in [
            ("YWI=", Some("ab")),
            ("YW\nI=\r\n", Some("ab")),
            ("YWJ=", Some("ab")),
            ("YWI", None),
            ("YWI= ", None),
            ("YW_=", None),
        ] {
            let bytes = decode(text);
            assert_eq!(bytes.as_deref().map(Vec::as_slice), expected.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_not_random_is_weak() {
        let counted: Vec<u8> = (7..39).collect();
        for bytes in [&[0; 32][..], b"secret is secure", &[1, 2].repeat(16), &counted] {
            assert!(key(bytes).is_weak(), "{bytes:?}");
        }
        assert!((0..1000).all(|_| !Key::random("key1").unwrap().is_weak()));
    }
}
