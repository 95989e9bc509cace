//! envcrypt: Kubernetes Secrets that only a KMS can open.
//!
//! The library behind `kubectl envcrypt`: it has no command line, no terminal and no
//! cluster, and never ends the process. From the ground up:
//!
//! - [`secret`]: names, values and types of a Secret; plaintext that cannot be printed
//! - [`kek`]: key-encryption keys in a KMS, which wrap a data key
//! - [`envelope`]: the sealed format, v1 (`docs/format.md`)
//! - [`manifest`]: Secrets in YAML and JSON, read, written, and found
//! - [`access`]: which KEKs may open a Secret, and which it may be sealed to

pub mod access;
pub mod envelope;
pub mod kek;
pub mod manifest;
pub mod secret;
