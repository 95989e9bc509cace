//! The ciphertext: one byte for the format, then a message of protobuf.

use std::collections::HashSet;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use hkdf::Hkdf;
use prost::Message;
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key_id::{add, hex};
use crate::kek::{DataKey, KekId, KekUri, Wrapped, WrappedKey};
use crate::secret::{SecretValue, random_bytes, wipe_stack};

/// The first byte. No ciphertext of another plugin that is known begins with it.
pub const FORMAT: u8 = 0xe1;
/// The maximum size of a ciphertext, in bytes: what the protocol allows for the ciphertext and
/// its annotations.
pub const MAX_SIZE: usize = 33 << 10;

/// The annotation that holds the part of a ciphertext for which the protocol has no room.
pub const MORE_ANNOTATION: &str = "more.kms.envcrypt.dev";

/// The size of a salt and of a commitment, in bytes.
const SIZE: usize = 32;
/// The maximum number of KEKs.
const MAX_COPIES: usize = 16;
/// The maximum size of a version that is only shown, in bytes.
const MAX_SHOWN: usize = 64;
const INFO: &[u8] = b"kubectl-envcrypt v1 seed";

/// The ciphertext cannot be read or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadCiphertext {
    /// It starts with another byte than [`FORMAT`].
    #[error("it is not a ciphertext of envcrypt-kms")]
    Foreign,
    /// It is cut off, too large, or its members are not valid.
    #[error("the ciphertext is damaged")]
    Damaged,
    /// The key id, the cluster or the ciphertext is not the one that was sealed.
    #[error("the ciphertext was changed, or belongs to another key id")]
    Tag,
}

/// A DEK of this process, wrapped under each KEK.
pub struct LocalKey {
    /// The DEK. It never leaves the process except to a KMS.
    pub key: std::sync::Arc<DataKey>,
    /// The name of the cluster, which each KMS received as the context.
    pub cluster: String,
    /// What each KEK returned.
    pub copies: Vec<WrappedCopy>,
}

/// The local key, wrapped under one KEK.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct WrappedCopy {
    /// The first 8 bytes of the SHA-256 of the KEK's URI without a version.
    #[prost(bytes = "vec", tag = "1")]
    kek: Vec<u8>,
    /// The version of the KEK, as far as the KMS reports it. It is shortened if it is only shown.
    #[prost(string, tag = "2")]
    version: String,
    /// Whether the version is a part of the KEK's URI, as for Azure.
    #[prost(bool, tag = "3")]
    in_name: bool,
    /// The wrapped DEK.
    #[prost(bytes = "vec", tag = "4")]
    bytes: Vec<u8>,
}

impl WrappedCopy {
    /// Returns the copy that a KEK wrapped.
    #[must_use]
    pub fn new(wrapped: Wrapped) -> Self {
        let id = wrapped.key.kek.id();
        let in_name = wrapped.key.kek.as_str().strip_prefix(id.uri().as_str());
        let in_name = in_name.and_then(|rest| rest.strip_prefix('/')).map(str::to_owned);
        let shown = wrapped.version.unwrap_or_default();
        let shown = shown.strip_prefix(id.uri().rest()).unwrap_or(&shown).trim_start_matches('/');
        let shown = if shown.len() > MAX_SHOWN { "" } else { shown };
        Self {
            kek: fingerprint(&id).to_vec(),
            in_name: in_name.is_some(),
            version: in_name.unwrap_or_else(|| shown.to_owned()),
            bytes: wrapped.key.bytes,
        }
    }

    /// Returns the version of the KEK, or an empty text if the KMS reports none.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns whether this KEK wrapped the copy, as far as its fingerprint tells.
    #[must_use]
    pub fn is_of(&self, kek: &KekUri) -> bool {
        self.kek == fingerprint(&kek.id())
    }

    /// Returns the fingerprint of the KEK as hex.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex(&self.kek)
    }

    /// Returns the size of the wrapped DEK, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Returns what the KEK unwraps.
    fn key(&self, kek: &KekUri) -> Option<WrappedKey> {
        let id = kek.id();
        let kek: KekUri = match self.in_name {
            true => format!("{}/{}", id.uri(), self.version).parse().ok()?,
            false => id.uri().clone(),
        };
        // Whoever can write to etcd chooses the version, and must not choose another KEK with it.
        if kek.id() != id {
            return None;
        }
        Some(WrappedKey { kek, bytes: self.bytes.clone() })
    }
}

fn fingerprint(kek: &KekId) -> [u8; 8] {
    let hash = Sha256::digest(kek.uri().as_str());
    std::array::from_fn(|index| hash[index])
}

/// A sealed seed, with the wrapped local key.
#[derive(Clone, PartialEq, Message)]
pub struct Ciphertext {
    #[prost(message, repeated, tag = "1")]
    copies: Vec<WrappedCopy>,
    #[prost(string, tag = "2")]
    cluster: String,
    #[prost(bytes = "vec", tag = "3")]
    salt: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    commitment: Vec<u8>,
    #[prost(bytes = "vec", tag = "5")]
    sealed: Vec<u8>,
}

impl Ciphertext {
    /// Seals a plaintext of any size under a local key. Only the same `key_id` opens it again.
    #[must_use]
    pub fn seal(local: &LocalKey, key_id: &str, plaintext: &[u8]) -> Self {
        let mut salt = vec![0; SIZE];
        random_bytes(&mut salt);
        let derived = Derived::new(&local.key, &salt);
        let mut new = Self {
            copies: local.copies.clone(),
            cluster: local.cluster.clone(),
            salt,
            commitment: derived.commitment.to_vec(),
            sealed: Vec::new(),
        };
        let payload = Payload { msg: plaintext, aad: &new.authenticated(key_id) };
        new.sealed = derived
            .cipher()
            .encrypt(&Nonce::from([0; 12]), payload)
            .expect("a seed is far below the limit of AES-GCM");
        wipe_stack();
        new
    }

    /// Opens the seed with the local key.
    ///
    /// # Errors
    /// Returns [`BadCiphertext::Tag`] if the key, the key id or any part of the ciphertext is wrong.
    pub fn open(&self, key: &DataKey, key_id: &str) -> Result<SecretValue, BadCiphertext> {
        if !self.fits(key) {
            return Err(BadCiphertext::Tag);
        }
        let derived = Derived::new(key, &self.salt);
        let payload = Payload { msg: &self.sealed, aad: &self.authenticated(key_id) };
        let opened = derived.cipher().decrypt(&Nonce::from([0; 12]), payload);
        let opened = opened.map(SecretValue::new).map_err(|_| BadCiphertext::Tag);
        wipe_stack();
        opened
    }

    /// Returns whether this is the local key that the ciphertext commits to.
    #[must_use]
    pub fn fits(&self, key: &DataKey) -> bool {
        Derived::new(key, &self.salt).commitment[..] == self.commitment[..]
    }

    /// Reads a ciphertext.
    ///
    /// # Errors
    /// Returns [`BadCiphertext`] if it is not one, or is damaged.
    pub fn read(bytes: &[u8]) -> Result<Self, BadCiphertext> {
        let Some((&FORMAT, message)) = bytes.split_first() else {
            return Err(BadCiphertext::Foreign);
        };
        if bytes.len() > MAX_SIZE {
            return Err(BadCiphertext::Damaged);
        }
        let read = Self::decode(message).map_err(|_| BadCiphertext::Damaged)?;
        let keks: HashSet<&[u8]> = read.copies.iter().map(|copy| &copy.kek[..]).collect();
        // With two copies of one KEK, one ciphertext would cost several calls.
        let is_valid = (1..=MAX_COPIES).contains(&read.copies.len())
            && keks.len() == read.copies.len()
            && read.salt.len() == SIZE
            && read.commitment.len() == SIZE;
        if is_valid { Ok(read) } else { Err(BadCiphertext::Damaged) }
    }

    /// Reads a ciphertext whose end is in [`MORE_ANNOTATION`], if there is one.
    ///
    /// # Errors
    /// Returns [`BadCiphertext`] if it is not one, or is damaged.
    pub fn read_parts(bytes: &[u8], more: Option<&[u8]>) -> Result<Self, BadCiphertext> {
        Self::read(&[bytes, more.unwrap_or_default()].concat())
    }

    /// Returns the bytes that [`Ciphertext::read`] reads.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        [&[FORMAT][..], &self.encode_to_vec()].concat()
    }

    /// Returns the name of the cluster. It is authenticated only when the seed opens.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Returns the local key, as each KEK has wrapped it.
    #[must_use]
    pub fn copies(&self) -> &[WrappedCopy] {
        &self.copies
    }

    /// Returns what these KEKs can unwrap.
    #[must_use]
    pub fn candidates<'a>(&self, keks: impl IntoIterator<Item = &'a KekUri>) -> Vec<WrappedKey> {
        let of = |kek: &'a KekUri| {
            self.copies.iter().filter(|copy| copy.is_of(kek)).filter_map(|copy| copy.key(kek))
        };
        keks.into_iter().flat_map(of).collect()
    }

    /// Returns the name of the local key: the same for each seed that one local key sealed.
    #[must_use]
    pub fn local_key_name(&self) -> [u8; 32] {
        local_key_name(&self.cluster, &self.copies)
    }

    /// Everything that is authenticated and not encrypted.
    fn authenticated(&self, key_id: &str) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        bytes.extend(self.local_key_name());
        bytes.extend(key_id.as_bytes());
        bytes
    }
}

impl LocalKey {
    /// Returns the name of the local key, as [`Ciphertext::local_key_name`] does.
    #[must_use]
    pub fn name(&self) -> [u8; 32] {
        local_key_name(&self.cluster, &self.copies)
    }
}

fn local_key_name(cluster: &str, copies: &[WrappedCopy]) -> [u8; 32] {
    let mut hash = Sha256::new();
    add(&mut hash, cluster.as_bytes());
    for copy in copies {
        add(&mut hash, &copy.encode_to_vec());
    }
    hash.finalize().into()
}

/// What one salt makes of a local key: a key that is used once, and a commitment to the local key.
struct Derived {
    key: Zeroizing<[u8; SIZE]>,
    commitment: [u8; SIZE],
}

impl Derived {
    /// HKDF-SHA256 (RFC 5869) with a salt of 32 random bytes.
    fn new(local: &DataKey, salt: &[u8]) -> Self {
        let mut output = Zeroizing::new([0; 2 * SIZE]);
        Hkdf::<Sha256>::new(Some(salt), local.expose())
            .expand(INFO, &mut *output)
            .expect("64 bytes are within HKDF's bound");
        let half = |from: usize| std::array::from_fn(|index| output[from + index]);
        Self { key: Zeroizing::new(half(0)), commitment: half(SIZE) }
    }

    /// Each salt gives another key, so the nonce can be constant.
    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.key).into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn wrapped(kek: &str, version: Option<&str>) -> Wrapped {
        let kek = kek.parse().expect("a KEK");
        let key = WrappedKey { kek, bytes: vec![7; 80] };
        Wrapped { key, version: version.map(str::to_owned) }
    }

    fn local(keks: &[(&str, Option<&str>)]) -> LocalKey {
        let copies = keks.iter().map(|(kek, version)| WrappedCopy::new(wrapped(kek, *version)));
        LocalKey {
            key: Arc::new(DataKey::generate()),
            cluster: "prod".to_owned(),
            copies: copies.collect(),
        }
    }

    #[test]
    fn a_seed_of_any_size_opens_again() {
        let local = local(&[("hashivault://k8s", Some("v3"))]);
        for size in [0, 1, 32, 1000] {
            let seed = vec![5; size];
            let sealed = Ciphertext::seal(&local, "id", &seed).write();
            let read = Ciphertext::read(&sealed).expect("readable");
            assert_eq!(read.local_key_name(), local.name());
            assert!(read.fits(&local.key));
            assert!(read.open(&local.key, "id").is_ok_and(|opened| opened.expose() == seed));
        }
    }

    #[test]
    fn one_kek_of_vault_costs_about_230_bytes() {
        let local = local(&[("hashivault://k8s", Some("v3"))]);
        let size = Ciphertext::seal(&local, "id", &[0; 32]).write().len();
        assert!((200..260).contains(&size), "{size}");
    }

    #[test]
    fn nothing_can_be_changed() {
        let local = local(&[("hashivault://k8s", Some("v3")), ("hashivault://other", None)]);
        let sealed = Ciphertext::seal(&local, "id", &[9; 32]);
        assert_eq!(sealed.open(&local.key, "other").err(), Some(BadCiphertext::Tag));
        assert_eq!(sealed.open(&DataKey::generate(), "id").err(), Some(BadCiphertext::Tag));
        let bytes = sealed.write();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            let opened = Ciphertext::read(&changed).and_then(|read| read.open(&local.key, "id"));
            assert!(opened.is_err(), "byte {index}");
        }
        for end in 0..bytes.len() {
            let opened = Ciphertext::read(&bytes[..end]).and_then(|r| r.open(&local.key, "id"));
            assert!(opened.is_err(), "cut at {end}");
        }
        let mut fewer = sealed.clone();
        fewer.copies.pop();
        assert!(fewer.open(&local.key, "id").is_err(), "a KEK was removed");
        let mut moved = sealed;
        moved.cluster = "dev".to_owned();
        assert!(moved.open(&local.key, "id").is_err(), "another cluster");
    }

    #[test]
    fn a_kek_finds_its_own_copy_in_the_version_that_wrapped_it() {
        let azure = "azurekms://v.vault.azure.net/k";
        let local = local(&[
            ("azurekms://v.vault.azure.net/k/abc", Some("abc")),
            (
                "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
                Some("projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/5"),
            ),
        ]);
        let sealed = Ciphertext::seal(&local, "id", b"");
        let uris: Vec<KekUri> =
            [azure, "azurekms://v.vault.azure.net/k/newer", "hashivault://other"]
                .map(|uri| uri.parse().expect("a KEK"))
                .into();
        for uri in &uris[..2] {
            let found = sealed.candidates([uri]);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].kek.as_str(), "azurekms://v.vault.azure.net/k/abc");
        }
        assert!(sealed.candidates([&uris[2]]).is_empty());
        let shown: Vec<_> = sealed.copies().iter().map(WrappedCopy::version).collect();
        assert_eq!(shown, ["abc", "cryptoKeyVersions/5"]);
    }

    #[test]
    fn a_ciphertext_names_no_kek_that_is_not_configured() {
        let mut local = local(&[("hashivault://k8s", None)]);
        local.copies[0].in_name = true;
        local.copies[0].version = "team/x".to_owned();
        let sealed = Ciphertext::seal(&local, "id", b"");
        assert!(sealed.candidates([&"hashivault://k8s".parse().expect("a KEK")]).is_empty());
        // And none twice.
        local.copies[0].in_name = false;
        local.copies.push(local.copies[0].clone());
        let twice = Ciphertext::seal(&local, "id", b"").write();
        assert_eq!(Ciphertext::read(&twice).err(), Some(BadCiphertext::Damaged));
    }

    #[test]
    fn what_others_write_is_foreign() {
        for other in [&b""[..], b"vault:v1:abc", b"1\x00", b"\x0a\x00", b"abc_-"] {
            assert_eq!(Ciphertext::read(other).err(), Some(BadCiphertext::Foreign));
        }
        assert_eq!(Ciphertext::read(&[FORMAT]).err(), Some(BadCiphertext::Damaged));
        assert_eq!(Ciphertext::read(&[FORMAT; MAX_SIZE + 1]).err(), Some(BadCiphertext::Damaged));
    }
}
