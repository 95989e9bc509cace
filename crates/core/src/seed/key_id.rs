//! The key id: the name that kube-apiserver stores with each object.

use sha2::{Digest, Sha256};

use crate::kek::KekUri;
use crate::secret::random_bytes;

/// What the key id of a part has after the common key id.
const PART: &str = "-part-";
/// What each key id starts with.
pub const KEY_ID_PREFIX: &str = "envcrypt1-";

/// Computes the key id of a cluster: [`KEY_ID_PREFIX`] and 32 hex digits.
///
/// It is the same on each node with the same configuration. It changes if a KEK is added or
/// removed, if the KMS rotates a KEK, or if the administrator raises `generation`. It does not
/// contain the name of a KEK.
#[must_use]
pub fn key_id<'a>(
    cluster: &str,
    generation: u64,
    keks: impl IntoIterator<Item = (&'a KekUri, Option<&'a str>)>,
) -> String {
    let mut keks: Vec<_> = keks.into_iter().map(|(kek, version)| (kek.as_str(), version)).collect();
    keks.sort_unstable();
    let mut hash = Sha256::new();
    add(&mut hash, cluster.as_bytes());
    hash.update(generation.to_be_bytes());
    for (kek, version) in keks {
        add(&mut hash, kek.as_bytes());
        hash.update([u8::from(version.is_some())]);
        add(&mut hash, version.unwrap_or_default().as_bytes());
    }
    format!("{KEY_ID_PREFIX}{}", hex(&hash.finalize()[..16]))
}

/// Returns a key id that no other node has, for a local key that not every KEK has wrapped.
///
/// Objects with such a key id are stale as soon as the common key id is back.
#[must_use]
pub fn part_key_id(common: &str) -> String {
    let mut random = [0; 4];
    random_bytes(&mut random);
    format!("{common}{PART}{}", hex(&random))
}

/// Returns whether the key id is of a local key that not every KEK has wrapped.
#[must_use]
pub fn is_part(key_id: &str) -> bool {
    key_id.contains(PART)
}

/// Returns the hash of a key id, in the form of kube-apiserver's own metrics: `sha256:` and hex.
#[must_use]
pub fn key_id_hash(key_id: &str) -> String {
    format!("sha256:{}", hex(&Sha256::digest(key_id)))
}

/// Adds bytes and their length, so that no two lists give the same hash.
pub(super) fn add(hash: &mut Sha256, bytes: &[u8]) {
    hash.update((bytes.len() as u64).to_be_bytes());
    hash.update(bytes);
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kek(text: &str) -> KekUri {
        text.parse().expect("a KEK")
    }

    #[test]
    fn it_depends_on_the_keks_and_their_versions_and_not_on_their_order() {
        let (a, b) = (kek("hashivault://a"), kek("hashivault://b"));
        let id = key_id("prod", 1, [(&a, Some("v1")), (&b, None)]);
        assert_eq!(id, key_id("prod", 1, [(&b, None), (&a, Some("v1"))]));
        assert_eq!(id.len(), 42);
        for other in [
            key_id("dev", 1, [(&a, Some("v1")), (&b, None)]),
            key_id("prod", 2, [(&a, Some("v1")), (&b, None)]),
            key_id("prod", 1, [(&a, Some("v2")), (&b, None)]),
            key_id("prod", 1, [(&a, Some("v1")), (&b, Some(""))]),
            key_id("prod", 1, [(&a, Some("v1"))]),
        ] {
            assert_ne!(id, other);
        }
        assert!(!id.contains("vault"));
    }

    #[test]
    fn a_part_is_unique_and_short() {
        let common = key_id("prod", 1, []);
        let (one, two) = (part_key_id(&common), part_key_id(&common));
        assert_ne!(one, two);
        assert!(one.starts_with(&common) && one.len() <= 60, "{one}");
    }
}
