//! The types of Secrets that the API server knows, and the values that each type requires.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use rustls::crypto::aws_lc_rs;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use super::{Key, MAX_SECRET_SIZE, Meta, SecretValue};

/// Why the values of a Secret are not valid for its type.
///
/// An error names keys and sizes. It never contains a value.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum TypeError {
    /// A key that the type requires is missing.
    #[error("a Secret of type `{kind}` needs `{key}`")]
    Missing {
        /// The type.
        kind: SecretType,
        /// The missing key, or the keys of which one is required.
        key: &'static str,
    },
    /// A value does not have the form that the type requires.
    #[error("the value of `{key}` is not valid for the type `{kind}`: it {wrong}")]
    Unfit {
        /// The type.
        kind: SecretType,
        /// The key of the value.
        key: &'static str,
        /// What is wrong, without the value itself.
        wrong: &'static str,
    },
    /// The certificate or the private key cannot be read. The text says which one and why.
    #[error("the certificate and the private key cannot be used: {0}")]
    Tls(&'static str),
    /// The private key does not match the certificate.
    #[error(
        "the certificate and the private key cannot be used: the private key does not match the certificate"
    )]
    NoPair,
    /// The type is empty, contains whitespace or control characters, or starts with
    /// `envcrypt.dev/`.
    #[error("`{0}` is not a valid type for a Secret")]
    Name(String),
    /// All values together are larger than [`MAX_SECRET_SIZE`].
    #[error(
        "the values have {size} bytes in total; a Secret can have at most {MAX_SECRET_SIZE} bytes"
    )]
    TooLarge {
        /// The size of all values together, in bytes.
        size: usize,
    },
}

/// The type of a Secret after unwrapping.
///
/// `FromStr` accepts the full name (`kubernetes.io/tls`) and the short name of kubectl
/// (`tls`). `Display` writes the full name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretType {
    /// `Opaque`. kubectl calls it `generic`.
    Opaque,
    /// `kubernetes.io/basic-auth`: requires `username` or `password`.
    BasicAuth,
    /// `kubernetes.io/ssh-auth`: requires `ssh-privatekey`.
    SshAuth,
    /// `kubernetes.io/tls`: requires `tls.crt` and `tls.key`.
    Tls,
    /// `kubernetes.io/dockerconfigjson`: requires `.dockerconfigjson`. kubectl calls it
    /// `docker-registry`.
    DockerConfigJson,
    /// `kubernetes.io/dockercfg`, the older form: requires `.dockercfg`.
    DockerCfg,
    /// `bootstrap.kubernetes.io/token`: requires `token-id` and `token-secret`.
    BootstrapToken,
    /// `kubernetes.io/service-account-token`: requires an annotation with the name of the
    /// service account.
    ServiceAccountToken,
    /// Any other type. No key is required.
    Other(String),
}

impl SecretType {
    /// Returns the full name, as a manifest has it in `type`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Opaque => "Opaque",
            Self::BasicAuth => "kubernetes.io/basic-auth",
            Self::SshAuth => "kubernetes.io/ssh-auth",
            Self::Tls => "kubernetes.io/tls",
            Self::DockerConfigJson => "kubernetes.io/dockerconfigjson",
            Self::DockerCfg => "kubernetes.io/dockercfg",
            Self::BootstrapToken => "bootstrap.kubernetes.io/token",
            Self::ServiceAccountToken => "kubernetes.io/service-account-token",
            Self::Other(name) => name,
        }
    }

    /// Checks that the values are valid for the type.
    ///
    /// The API server makes most of these checks. Some are stricter, because the values could
    /// never work: for example, a private key that does not match its certificate.
    ///
    /// # Errors
    /// Returns a [`TypeError`] that names the key. It never contains a value.
    pub fn check(&self, meta: &Meta, values: &BTreeMap<Key, SecretValue>) -> Result<(), TypeError> {
        let find = |key: &str| values.iter().find(|(k, _)| k.as_str() == key).map(|(_, v)| v);
        let demand = |key: &'static str| {
            find(key).ok_or_else(|| TypeError::Missing { kind: self.clone(), key })
        };
        let unfit = |key, wrong| Err(TypeError::Unfit { kind: self.clone(), key, wrong });
        match self {
            Self::BasicAuth if find("username").is_none() && find("password").is_none() => {
                Err(TypeError::Missing { kind: self.clone(), key: "username` or `password" })
            }
            Self::SshAuth if demand("ssh-privatekey")?.is_empty() => {
                unfit("ssh-privatekey", "is empty")
            }
            Self::Tls => tls_pair(demand("tls.crt")?, demand("tls.key")?),
            Self::DockerConfigJson if !is_json_object(demand(".dockerconfigjson")?) => {
                unfit(".dockerconfigjson", "is not a JSON object")
            }
            Self::DockerCfg if !is_json_object(demand(".dockercfg")?) => {
                unfit(".dockercfg", "is not a JSON object")
            }
            Self::BootstrapToken if !is_token_part(demand("token-id")?, 6) => {
                unfit("token-id", "must be 6 lower-case letters and digits")
            }
            Self::BootstrapToken if !is_token_part(demand("token-secret")?, 16) => {
                unfit("token-secret", "must be 16 lower-case letters and digits")
            }
            Self::ServiceAccountToken
                if !meta.annotations.contains_key("kubernetes.io/service-account.name") =>
            {
                Err(TypeError::Missing {
                    kind: self.clone(),
                    key: "kubernetes.io/service-account.name` as an annotation: use `--annotations",
                })
            }
            _ => Ok(()),
        }
    }
}

impl FromStr for SecretType {
    type Err = TypeError;

    /// Parses the full name or the short name of kubectl.
    fn from_str(text: &str) -> Result<Self, TypeError> {
        Ok(match text {
            "Opaque" | "generic" => Self::Opaque,
            "kubernetes.io/basic-auth" | "basic-auth" => Self::BasicAuth,
            "kubernetes.io/ssh-auth" | "ssh-auth" => Self::SshAuth,
            "kubernetes.io/tls" | "tls" => Self::Tls,
            "kubernetes.io/dockerconfigjson" | "docker-registry" => Self::DockerConfigJson,
            "kubernetes.io/dockercfg" => Self::DockerCfg,
            "bootstrap.kubernetes.io/token" | "bootstrap-token" => Self::BootstrapToken,
            "kubernetes.io/service-account-token" => Self::ServiceAccountToken,
            other
                if other.is_empty()
                    || other.starts_with("envcrypt.dev/")
                    || other.chars().any(|c| c.is_whitespace() || c.is_control()) =>
            {
                return Err(TypeError::Name(other.to_owned()));
            }
            other => Self::Other(other.to_owned()),
        })
    }
}

impl fmt::Display for SecretType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Checks that a private key matches a certificate.
///
/// Both are PEM. `certificate` may be a chain with the certificate of the key first.
///
/// # Errors
/// Returns [`TypeError::Tls`] if one of the two cannot be read. Returns [`TypeError::NoPair`]
/// if the private key does not match the certificate.
pub fn tls_pair(certificate: &SecretValue, key: &SecretValue) -> Result<(), TypeError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.expose())
        .collect::<Result<_, _>>()
        .map_err(|_| TypeError::Tls("the certificate is not PEM"))?;
    if chain.is_empty() {
        return Err(TypeError::Tls("the certificate is not PEM"));
    }
    if memchr::memmem::find(key.expose(), b"ENCRYPTED").is_some() {
        return Err(TypeError::Tls("the private key is protected by a passphrase"));
    }
    let key = PrivateKeyDer::from_pem_slice(key.expose())
        .map_err(|_| TypeError::Tls("the private key is not PEM"))?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider())
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TypeError::NoPair,
            rustls::Error::InvalidCertificate(_) => {
                TypeError::Tls("the certificate cannot be read")
            }
            _ => TypeError::Tls("the type of the private key is not supported"),
        })
        .map(drop)
}

fn is_json_object(value: &SecretValue) -> bool {
    use serde::de::IgnoredAny;
    serde_json::from_slice::<BTreeMap<String, IgnoredAny>>(value.expose()).is_ok()
}

fn is_token_part(value: &SecretValue, length: usize) -> bool {
    value.len() == length
        && value.expose().iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Place, PlainSecret};

    fn check(kind: &str, values: &[(&str, &str)]) -> Result<(), TypeError> {
        let place = Place {
            namespace: "default".parse().expect("valid"),
            name: "x".parse().expect("valid"),
        };
        let meta = Meta {
            place,
            kind: kind.parse()?,
            immutable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        };
        let values = values
            .iter()
            .map(|(k, v)| (k.parse().expect("a key"), SecretValue::new(v.as_bytes().to_vec())))
            .collect();
        PlainSecret { meta, values }.check()
    }

    #[test]
    fn each_type_demands_its_keys() {
        for (kind, values, fits) in [
            ("generic", &[][..], true),
            ("basic-auth", &[], false),
            ("basic-auth", &[("password", "")], true),
            ("ssh-auth", &[("ssh-privatekey", "")], false),
            ("ssh-auth", &[("ssh-privatekey", "k")], true),
            ("docker-registry", &[(".dockerconfigjson", "[]")], false),
            ("docker-registry", &[(".dockerconfigjson", "{\"auths\":{}}")], true),
            ("kubernetes.io/dockercfg", &[(".dockercfg", "nope")], false),
            ("bootstrap-token", &[("token-id", "abcdef")], false),
            (
                "bootstrap-token",
                &[("token-id", "abcdef"), ("token-secret", "0123456789abcdef")],
                true,
            ),
            ("bootstrap-token", &[("token-id", "ABCDEF"), ("token-secret", "x")], false),
            ("kubernetes.io/service-account-token", &[], false),
            ("example.com/any", &[], true),
            ("tls", &[("tls.crt", "x"), ("tls.key", "y")], false),
        ] {
            assert_eq!(check(kind, values).is_ok(), fits, "{kind} {values:?}");
        }
        assert!(check("a b", &[]).is_err());
        assert!(check("", &[]).is_err());
    }

    #[test]
    fn a_certificate_must_match_its_key() {
        let pair = || rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a pair");
        let (one, two) = (pair(), pair());
        let pem = |text: String| SecretValue::new(text.into_bytes());
        assert_eq!(tls_pair(&pem(one.cert.pem()), &pem(one.signing_key.serialize_pem())), Ok(()));
        let error = tls_pair(&pem(one.cert.pem()), &pem(two.signing_key.serialize_pem()));
        assert_eq!(error, Err(TypeError::NoPair));
    }

    #[test]
    fn too_large_is_told_with_sizes_only() {
        let big = "x".repeat(MAX_SECRET_SIZE);
        assert_eq!(check("generic", &[("k", &big)]), Ok(()));
        assert_eq!(
            check("generic", &[("k", &big), ("l", "y")]),
            Err(TypeError::TooLarge { size: MAX_SECRET_SIZE + 1 })
        );
    }
}
