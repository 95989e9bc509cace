//! The EncryptionConfiguration of kube-apiserver.
//!
//! [`check`] finds what kube-apiserver refuses, and what it accepts but is not safe. [`new`] makes
//! a configuration. [`rotate`] edits one to replace its keys, and [`plan`] says when each edit may
//! be made.

mod file;
mod finding;
mod key;
mod kms;
mod new;
pub mod plan;
mod read;
mod resource;
pub mod rotate;
mod rules;
mod scalar;
mod write;
mod yaml;

use std::ops::Deref;

use zeroize::Zeroizing;

pub use file::{check_file, hash};
pub use finding::{Finding, Severity};
pub use key::Key;
pub use kms::Kms;
pub use new::{NewError, NewProvider, new};

/// The configuration of encryption at rest: `apiserver.config.k8s.io/v1`.
///
/// It has no `Debug` or `Clone`, because it can hold keys.
pub struct EncryptionConfiguration {
    /// The blocks, in order. The first block that names a resource decides how to write it.
    pub blocks: Vec<Lined<Block>>,
}

/// Some resources, and how kube-apiserver encrypts them: an entry of `resources`.
pub struct Block {
    /// The resources, such as `secrets` or `*.apps`.
    pub resources: Vec<Lined<String>>,
    /// The first provider writes. All of them can read.
    pub providers: Vec<Lined<Provider>>,
}

/// One way to encrypt.
pub enum Provider {
    /// No encryption.
    Identity,
    /// A KMS v2 plugin.
    Kms(Kms),
    /// Keys in the configuration itself. The first key writes. All of them can read.
    Local {
        /// How the keys are used.
        cipher: Cipher,
        /// The keys.
        keys: Vec<Lined<Key>>,
    },
}

impl Provider {
    /// The keys, if the provider is local.
    #[must_use]
    pub fn keys(&self) -> &[Lined<Key>] {
        match self {
            Self::Local { keys, .. } => keys,
            Self::Identity | Self::Kms(_) => &[],
        }
    }
}

/// The encryption under a key in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cipher {
    /// XSalsa20 and Poly1305, with keys of 32 bytes.
    Secretbox,
    /// AES-GCM with random nonces, with keys of 16, 24 or 32 bytes.
    AesGcm,
    /// AES-CBC without authentication, with keys of 16, 24 or 32 bytes.
    AesCbc,
}

impl Cipher {
    /// The name in the configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Secretbox => "secretbox",
            Self::AesGcm => "aesgcm",
            Self::AesCbc => "aescbc",
        }
    }

    /// The sizes of key that kube-apiserver accepts, in bytes.
    fn key_sizes(self) -> &'static [usize] {
        match self {
            Self::Secretbox => &[32],
            Self::AesGcm | Self::AesCbc => &[16, 24, 32],
        }
    }
}

/// A part of the configuration, and where it begins.
pub struct Lined<T> {
    /// The line, counted from 1. It is 0 if the part does not come from a text.
    pub line: usize,
    /// The part.
    pub value: T,
}

impl<T> Lined<T> {
    /// A part that does not come from a text.
    fn fresh(value: T) -> Self {
        Self { line: 0, value }
    }
}

impl<T> Deref for Lined<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl EncryptionConfiguration {
    /// Reads a configuration, in YAML or JSON.
    ///
    /// # Errors
    /// Returns the first error of [`check`].
    pub fn parse(text: &str) -> Result<Self, Finding> {
        let (config, findings) = examine(text);
        let error = findings.into_iter().find(|finding| finding.severity == Severity::Error);
        match (error, config) {
            (None, Some(config)) => Ok(config),
            (error, _) => Err(error.unwrap_or_else(|| Finding::error(0, "syntax", yaml::EMPTY))),
        }
    }

    /// Writes the configuration as YAML, without comments.
    #[must_use]
    pub fn to_yaml(&self) -> Zeroizing<String> {
        write::yaml("", self)
    }
}

/// Finds what is wrong with a configuration, in the order of its lines.
///
/// An error means that kube-apiserver would not start with it, or would not reload it. The rule
/// `ambiguous` is the exception: kube-apiserver may accept what other readers of YAML refuse.
#[must_use]
pub fn check(text: &str) -> Vec<Finding> {
    examine(text).1
}

fn examine(text: &str) -> (Option<EncryptionConfiguration>, Vec<Finding>) {
    let mut findings = finding::Findings::default();
    let config = read::read(text, &mut findings);
    if let Some(config) = &config {
        resource::check(config, &mut findings);
        rules::check(config, &mut findings);
    }
    (config, findings.sorted())
}

#[cfg(test)]
mod tests;
