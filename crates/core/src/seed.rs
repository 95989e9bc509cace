//! Seeds of kube-apiserver, sealed under a local key. This is the ciphertext of `envcrypt-kms`.
//!
//! kube-apiserver derives its data keys from a seed of 32 bytes. A KMS v2 plugin encrypts the seed.
//! `envcrypt-kms` seals it under a *local key*: a DEK that every KEK has wrapped, with the cluster
//! as the context. Everything that opens the seed again is in the ciphertext, except a KEK.

mod ciphertext;
mod key_id;

pub use ciphertext::{
    BadCiphertext, Ciphertext, FORMAT, LocalKey, MAX_SIZE, MORE_ANNOTATION, WrappedCopy,
};
pub use key_id::{KEY_ID_PREFIX, is_part, key_id, key_id_hash, part_key_id};
