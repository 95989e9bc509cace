//! How a value in etcd is encrypted.
//!
//! kube-apiserver writes a prefix before each encrypted value. It names the provider of the
//! EncryptionConfiguration and, for most, the key.
//!
//! Names and key IDs are as they are in etcd. Escape them before you show them.

mod envelope;
mod key;
mod object;
pub mod open;

pub use self::envelope::{DekSource, EncryptedObject};
pub use self::key::EtcdKey;
pub use self::object::Object;
#[cfg(test)]
pub(crate) use self::object::testing;

/// How each encrypted value starts.
const ENCRYPTED: &str = "k8s:enc:";
/// How an object in CBOR starts.
const CBOR: &[u8] = &[0xd9, 0xd9, 0xf7];
/// The maximum size of a name in a prefix, in bytes, if nothing else knows the prefix.
const MAX_PART: usize = 64;
/// How much of an object is read for its type and name, in bytes.
const LOOK: usize = 1 << 16;

/// How a value is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored<'a> {
    /// It is not encrypted.
    Plain {
        /// The encoding of the object.
        encoding: Encoding,
        /// What the object says about itself, if that is easy to read. It never is in CBOR.
        object: Option<Object>,
    },
    /// It is encrypted with a key in the EncryptionConfiguration.
    Local(Local<'a>),
    /// It is encrypted with a KMS plugin that implements version 1 of the API.
    KmsV1 {
        /// The name of the provider.
        name: &'a str,
        /// The wrapped DEK and the ciphertext.
        payload: &'a [u8],
    },
    /// It is encrypted with a KMS plugin that implements version 2 of the API.
    KmsV2 {
        /// The name of the provider.
        name: &'a str,
        /// The ciphertext, and what the plugin needs to decrypt it.
        object: EncryptedObject<'a>,
    },
    /// It has the prefix of an encrypted value, but no provider has this one.
    UnknownProvider {
        /// The start of the value, as in `k8s:enc:rot13:v1:`.
        prefix: &'a str,
    },
    /// It has the prefix of a provider, but not the form that the provider gives a value.
    Damaged {
        /// The prefix of the provider, as in `k8s:enc:kms:v2:`.
        prefix: &'static str,
        /// What is wrong with the rest.
        reason: &'static str,
    },
    /// It is neither an object nor an encrypted value. kube-apiserver does not write this.
    Other,
}

/// How an object is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Protobuf, which kube-apiserver uses for the objects of Kubernetes.
    Protobuf,
    /// JSON, which it uses for custom resources.
    Json,
    /// CBOR, which it uses for custom resources if a feature gate says so.
    Cbor,
}

/// A provider that has its keys in the EncryptionConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    /// AES-CBC with PKCS#7 padding. Nothing authenticates a value.
    AesCbc,
    /// AES-GCM with a random nonce. A value is bound to its key in etcd.
    AesGcm,
    /// XSalsa20-Poly1305.
    Secretbox,
}

impl Provider {
    /// Returns its name in the EncryptionConfiguration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AesCbc => "aescbc",
            Self::AesGcm => "aesgcm",
            Self::Secretbox => "secretbox",
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::AesCbc => "k8s:enc:aescbc:v1:",
            Self::AesGcm => "k8s:enc:aesgcm:v1:",
            Self::Secretbox => "k8s:enc:secretbox:v1:",
        }
    }
}

/// A value that is encrypted with a key in the EncryptionConfiguration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Local<'a> {
    /// The provider.
    pub provider: Provider,
    /// The name of the key, a colon, and the ciphertext.
    rest: &'a [u8],
    /// The size of the name up to the first colon, in bytes.
    name: &'a str,
}

impl<'a> Local<'a> {
    /// Returns the name of the key, up to its first colon.
    ///
    /// kube-apiserver allows colons in this name, and then the value does not tell where the name
    /// ends. [`Local::payload`] with each known name does.
    #[must_use]
    pub fn key_name(&self) -> &'a str {
        self.name
    }

    /// Returns the ciphertext, if the key can have this name.
    #[must_use]
    pub fn payload(&self, key_name: &str) -> Option<&'a [u8]> {
        self.rest.strip_prefix(key_name.as_bytes())?.strip_prefix(b":")
    }
}

impl<'a> Stored<'a> {
    /// Tells how a value is stored. This reads only its start, unless a KMS plugin encrypted it.
    #[must_use]
    pub fn classify(value: &'a [u8]) -> Self {
        const KMS_V1: &str = "k8s:enc:kms:v1:";
        const KMS_V2: &str = "k8s:enc:kms:v2:";

        if !value.starts_with(ENCRYPTED.as_bytes()) {
            return Self::plain(value);
        }
        for provider in [Provider::AesCbc, Provider::AesGcm, Provider::Secretbox] {
            if let Some(rest) = value.strip_prefix(provider.prefix().as_bytes()) {
                return match name(rest) {
                    Some((name, _)) => Self::Local(Local { provider, rest, name }),
                    None => Self::Damaged { prefix: provider.prefix(), reason: "no key is named" },
                };
            }
        }
        let damaged = |prefix, reason| Self::Damaged { prefix, reason };
        if let Some(rest) = value.strip_prefix(KMS_V1.as_bytes()) {
            return match name(rest) {
                Some((name, payload)) => Self::KmsV1 { name, payload },
                None => damaged(KMS_V1, "no plugin is named"),
            };
        }
        if let Some(rest) = value.strip_prefix(KMS_V2.as_bytes()) {
            let Some((name, message)) = name(rest) else {
                return damaged(KMS_V2, "no plugin is named");
            };
            return match EncryptedObject::parse(message) {
                Ok(object) => Self::KmsV2 { name, object },
                Err(reason) => damaged(KMS_V2, reason),
            };
        }
        Self::UnknownProvider { prefix: unknown_prefix(value) }
    }

    /// Returns whether the value is an object that is not encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        matches!(self, Self::Plain { .. })
    }

    fn plain(value: &'a [u8]) -> Self {
        let encoding = if value.starts_with(object::PROTOBUF) {
            Encoding::Protobuf
        } else if value.starts_with(object::JSON) {
            Encoding::Json
        } else if value.starts_with(CBOR) {
            Encoding::Cbor
        } else {
            return Self::Other;
        };
        let start = &value[..value.len().min(LOOK)];
        Self::Plain { encoding, object: Object::identify(start).map(|(object, _)| object) }
    }
}

/// Splits a name from what follows its colon.
fn name(rest: &[u8]) -> Option<(&str, &[u8])> {
    let end = rest.iter().position(|b| *b == b':').filter(|end| *end > 0)?;
    Some((str::from_utf8(&rest[..end]).ok()?, &rest[end + 1..]))
}

/// Returns the start of a value, up to the second colon after the common prefix.
fn unknown_prefix(value: &[u8]) -> &str {
    let rest = &value[ENCRYPTED.len()..];
    let colons = rest.iter().take(MAX_PART).enumerate().filter(|(_, b)| **b == b':');
    let end = colons.map(|(at, _)| at + 1).nth(1).unwrap_or_default();
    let is_text = rest[..end].iter().all(u8::is_ascii_graphic);
    let end = ENCRYPTED.len() + if is_text { end } else { 0 };
    str::from_utf8(&value[..end]).unwrap_or(ENCRYPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local<'a>(provider: Provider, rest: &'a [u8], name: &'a str) -> Stored<'a> {
        Stored::Local(Local { provider, rest, name })
    }

    #[test]
    fn a_local_provider_names_its_key() {
        for (value, expected) in [
            ("k8s:enc:aescbc:v1:key1:iv", local(Provider::AesCbc, b"key1:iv", "key1")),
            ("k8s:enc:aesgcm:v1:k:", local(Provider::AesGcm, b"k:", "k")),
            ("k8s:enc:secretbox:v1:k::", local(Provider::Secretbox, b"k::", "k")),
        ] {
            assert_eq!(Stored::classify(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn a_key_with_a_colon_in_its_name_has_its_payload_after_the_name() {
        let Stored::Local(local) = Stored::classify(b"k8s:enc:aesgcm:v1:a:b:data") else {
            panic!("not local");
        };
        assert_eq!(local.key_name(), "a");
        assert_eq!(local.payload("a"), Some(&b"b:data"[..]));
        assert_eq!(local.payload("a:b"), Some(&b"data"[..]));
        assert_eq!(local.payload("b"), None);
        assert_eq!(local.payload(""), None);
    }

    #[test]
    fn version_1_of_the_kms_api_names_its_plugin() {
        let expected = Stored::KmsV1 { name: "aws", payload: b"\0\x01data" };
        assert_eq!(Stored::classify(b"k8s:enc:kms:v1:aws:\0\x01data"), expected);
    }

    #[test]
    fn a_prefix_without_the_rest_is_damaged() {
        for (value, expected) in [
            ("k8s:enc:aescbc:v1:key", "k8s:enc:aescbc:v1:"),
            ("k8s:enc:aesgcm:v1:", "k8s:enc:aesgcm:v1:"),
            ("k8s:enc:secretbox:v1::data", "k8s:enc:secretbox:v1:"),
            ("k8s:enc:kms:v1:", "k8s:enc:kms:v1:"),
            ("k8s:enc:kms:v2:name", "k8s:enc:kms:v2:"),
            ("k8s:enc:kms:v2:name:", "k8s:enc:kms:v2:"),
            ("k8s:enc:kms:v2:name:\u{1}", "k8s:enc:kms:v2:"),
        ] {
            let found = Stored::classify(value.as_bytes());
            assert!(
                matches!(found, Stored::Damaged { prefix, .. } if prefix == expected),
                "{value}"
            );
        }
    }

    #[test]
    fn an_unknown_provider_is_not_taken_for_a_plain_object() {
        let long = format!("k8s:enc:{}:v1:", "x".repeat(MAX_PART));
        for (value, prefix) in [
            (&b"k8s:enc:rot13:v1:key:data"[..], "k8s:enc:rot13:v1:"),
            (b"k8s:enc:kms:v3:name:data", "k8s:enc:kms:v3:"),
            (b"k8s:enc:aescbc:v2:name:data", "k8s:enc:aescbc:v2:"),
            (b"k8s:enc:\xff\xfe:v1:x", "k8s:enc:"),
            (b"k8s:enc:one", "k8s:enc:"),
            (b"k8s:enc:", "k8s:enc:"),
            (long.as_bytes(), "k8s:enc:"),
        ] {
            assert_eq!(Stored::classify(value), Stored::UnknownProvider { prefix });
        }
    }

    #[test]
    fn a_plain_object_is_known_by_its_start() {
        let encoding = |value| match Stored::classify(value) {
            Stored::Plain { encoding, .. } => Some(encoding),
            Stored::Other => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(encoding(b"k8s\0"), Some(Encoding::Protobuf));
        assert_eq!(encoding(b"{}"), Some(Encoding::Json));
        assert_eq!(encoding(b"\xd9\xd9\xf7\xa0"), Some(Encoding::Cbor));
        for value in [&b""[..], b"k8s", b"k8s\x01", b"k8s:enc", b"\xd9\xd9", b"vault:v1:abc"] {
            assert_eq!(encoding(value), None);
        }
    }

    #[test]
    fn a_plain_object_in_json_has_a_type_and_a_name() {
        let json = br#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"}}"#;
        let Stored::Plain { object: Some(object), .. } = Stored::classify(json) else {
            panic!("no object");
        };
        assert_eq!(object.api_version, "example.com/v1");
        assert_eq!(object.kind, "Widget");
        assert_eq!(object.name.as_deref(), Some("a"));
    }
}
