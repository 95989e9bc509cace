//! Makes a configuration.

use thiserror::Error;
use zeroize::Zeroizing;

use super::{
    Block, Cipher, EncryptionConfiguration, Finding, Key, Kms, Lined, Provider, Severity, check,
    write,
};

/// A provider to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewProvider {
    /// A KMS plugin.
    Kms(Kms),
    /// A new random key of 32 bytes.
    Local {
        /// How the key is used.
        cipher: Cipher,
        /// The name of the key, such as `key1` or `key-2026-11-27`.
        key: String,
    },
}

impl NewProvider {
    /// Makes the provider, with a fresh key if it needs one.
    pub(super) fn make(&self) -> Result<Provider, getrandom::Error> {
        Ok(match self {
            Self::Kms(kms) => Provider::Kms(kms.clone()),
            Self::Local { cipher, key } => {
                let keys = vec![Lined::fresh(Key::random(key)?)];
                Provider::Local { cipher: *cipher, keys }
            }
        })
    }
}

/// Why a configuration cannot be made.
#[derive(Debug, Error)]
pub enum NewError {
    /// kube-apiserver would refuse the configuration.
    #[error("kube-apiserver would refuse the configuration: {}", .0.text)]
    Refused(Finding),
    /// The system has no random bytes.
    #[error("cannot get random bytes for a key")]
    Random(#[source] getrandom::Error),
}

/// Makes the text of a configuration, with comments that say what to do next.
///
/// Without `resources`, it encrypts Secrets. `identity` is the last provider, so that kube-apiserver
/// can read what is not encrypted yet.
///
/// # Errors
/// Returns a [`NewError`] if kube-apiserver would refuse a resource or the provider.
pub fn new(provider: &NewProvider, resources: &[String]) -> Result<Zeroizing<String>, NewError> {
    let made = provider.make().map_err(NewError::Random)?;
    let secrets = ["secrets".to_owned()];
    let resources = if resources.is_empty() { &secrets } else { resources };
    let block = Block {
        resources: resources.iter().cloned().map(Lined::fresh).collect(),
        providers: vec![Lined::fresh(made), Lined::fresh(Provider::Identity)],
    };
    let config = EncryptionConfiguration { blocks: vec![Lined::fresh(block)] };
    let text = write::yaml(comments(provider), &config);
    let mut findings = check(&text).into_iter();
    match findings.find(|finding| finding.severity == Severity::Error) {
        Some(finding) => Err(NewError::Refused(finding)),
        None => Ok(text),
    }
}

fn comments(provider: &NewProvider) -> &'static str {
    match provider {
        NewProvider::Kms(_) => {
            "\
# Encryption at rest with a KMS plugin. On each control plane node:
# 1. Start the KMS plugin.
# 2. Copy this file to the node, with mode 0600 and owner root. It holds no key.
# 3. Start kube-apiserver with the flags
#    --encryption-provider-config=FILE
#    --encryption-provider-config-automatic-reload=true
# Then encrypt the objects that are in etcd already, and check the result:
#    kubectl envcrypt at-rest reencrypt
#    kubectl envcrypt at-rest verify --etcd URL
# Then remove `identity: {}`, so that kube-apiserver refuses plaintext in etcd.
"
        }
        NewProvider::Local { .. } => {
            "\
# Encryption at rest with a key in this file. Do not add this file to Git, and keep a backup:
# without the key, the objects in etcd are lost. On each control plane node:
# 1. Copy this file to the node, with mode 0600 and owner root.
# 2. Start kube-apiserver with the flags
#    --encryption-provider-config=FILE
#    --encryption-provider-config-automatic-reload=true
# Then encrypt the objects that are in etcd already, and check the result:
#    kubectl envcrypt at-rest reencrypt
#    kubectl envcrypt at-rest verify --etcd URL
# Then remove `identity: {}`, so that kube-apiserver refuses plaintext in etcd.
"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kms(name: &str) -> NewProvider {
        let endpoint = "unix:///run/envcrypt/kms.sock".to_owned();
        NewProvider::Kms(Kms { name: name.to_owned(), endpoint, timeout: Some("3s".to_owned()) })
    }

    fn local(cipher: Cipher) -> NewProvider {
        NewProvider::Local { cipher, key: "key1".to_owned() }
    }

    #[test]
    fn a_new_configuration_has_no_errors_and_encrypts_secrets() {
        let ciphers = [Cipher::Secretbox, Cipher::AesGcm, Cipher::AesCbc];
        for provider in ciphers.map(local).iter().chain([&kms("envcrypt")]) {
            let text = new(provider, &[]).unwrap();
            let config = EncryptionConfiguration::parse(&text).unwrap();
            let block = &config.blocks[0];
            assert_eq!(block.resources[0].as_str(), "secrets");
            assert!(!matches!(block.providers[0].value, Provider::Identity));
            assert!(matches!(block.providers[1].value, Provider::Identity));
        }
        let findings = check(&new(&kms("envcrypt"), &[]).unwrap());
        assert_eq!(findings, []);
    }

    #[test]
    fn each_key_is_fresh() {
        let text = || new(&local(Cipher::Secretbox), &[]).unwrap();
        assert!(*text() != *text());
    }

    #[test]
    fn what_kube_apiserver_refuses_is_not_made() {
        let refused = |provider: &NewProvider, resources: &[&str]| {
            let resources: Vec<_> = resources.iter().map(|&name| name.to_owned()).collect();
            match new(provider, &resources) {
                Err(NewError::Refused(finding)) => finding.rule,
                _ => "",
            }
        };
        assert_eq!(refused(&kms("a:b"), &[]), "kms-name");
        assert_eq!(refused(&kms("a"), &["secrets", "*."]), "resource-overlap");
        assert_eq!(refused(&local(Cipher::AesGcm), &["*"]), "resource-name");
        assert_eq!(refused(&kms("yes"), &["*.*"]), "");
    }

    #[test]
    fn long_names_fit_into_the_buffer() {
        let names: Vec<_> = (0..50).map(|n| format!("{n}.{}\"", "\u{e9}".repeat(40))).collect();
        assert!(new(&local(Cipher::AesCbc), &names).is_ok());
    }
}
