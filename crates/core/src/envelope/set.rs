//! The digest that the seal authenticates.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Jwe;
use crate::secret::{Key, Meta};

/// The JSON whose SHA-256 is the content of the seal: compact, with sorted members.
#[derive(Serialize)]
struct Set<'a> {
    immutable: bool,
    r#type: &'a str,
    values: BTreeMap<&'a str, String>,
}

/// Returns the digest of the type, of `immutable` and of the sealed values of a Secret.
pub(super) fn digest(meta: &Meta, values: &BTreeMap<Key, Jwe>) -> [u8; 32] {
    let set = Set {
        immutable: meta.immutable,
        r#type: meta.kind.as_str(),
        values: values.iter().map(|(k, jwe)| (k.as_str(), BASE64.encode(jwe.digest()))).collect(),
    };
    Sha256::digest(serde_json::to_vec(&set).expect("a set is plain text")).into()
}
