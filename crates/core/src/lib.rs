//! Seals Kubernetes Secrets under the keys of a KMS, and opens them again.
//!
//! This is the library behind `kubectl envcrypt`. It does not read a command line, use a terminal
//! or connect to a cluster. It never ends the process.
//!
//! A module uses only the modules above it:
//!
//! - [`secret`]: the names, values and types of a Secret. Plaintext cannot be printed.
//! - [`kek`]: key-encryption keys (KEKs), which wrap a data key (DEK).
//! - [`seed`]: the ciphertext of the KMS plugin `envcrypt-kms`.
//! - [`signature`]: SSH signatures, and the list of those who may sign.
//! - [`envelope`]: the sealed format, v1 (`docs/format.md`).
//! - [`manifest`]: reads, writes and finds Secrets in YAML and JSON.
//! - [`access`]: decides which KEKs may open a Secret, and to which KEKs it may be sealed.

#![warn(unreachable_pub)]

pub mod access;
pub mod envelope;
pub mod kek;
pub mod manifest;
pub mod secret;
pub mod seed;
pub mod signature;
