//! Seals a Secret: one fresh DEK, every value under this DEK, and the seal over all of them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

use super::jwe::Parts;
use super::{Binding, Jwe, Kind, Scope, SealError, SealedSecret, aead, set};
use crate::kek::{DataKey, KekUri, Ring, WrappedKey};
use crate::secret::{Key, Place, PlainSecret, SecretValue, random_bytes, wipe_stack};

/// A DEK that the KEKs have already wrapped, ready to seal one Secret.
///
/// Prepare it before you prompt the user for values. If a KMS refuses, it then refuses before
/// the user typed a password.
pub struct Sealer {
    place: Place,
    scope: Scope,
    key: DataKey,
    recipients: Vec<WrappedKey>,
}

impl Sealer {
    /// Wraps `key` with every KEK. `key` must be a fresh DEK.
    ///
    /// # Errors
    /// Returns [`SealError::MixedQuantum`] if the KEKs cannot be combined, and
    /// [`SealError::Kek`] with the first refusal of a KEK.
    pub async fn prepare(
        ring: &Ring,
        keks: &[KekUri],
        key: DataKey,
        place: Place,
        scope: Scope,
    ) -> Result<Self, SealError> {
        SealError::check_mix(keks.iter())?;
        let context = Binding::new(&place, None, scope).context();
        let recipients =
            ring.wrap(keks, &key, &context).await.map_err(|e| SealError::Kek(Box::new(e)))?;
        let recipients = recipients.into_iter().map(|wrapped| wrapped.key).collect();
        Ok(Self { place, scope, key, recipients })
    }

    /// Uses a DEK that is already wrapped. This is for test vectors.
    #[must_use]
    #[doc(hidden)]
    pub fn from_parts(
        place: Place,
        scope: Scope,
        key: DataKey,
        recipients: Vec<WrappedKey>,
    ) -> Self {
        Self { place, scope, key, recipients }
    }

    /// Returns the KEKs of the DEK, as the recipients name them.
    ///
    /// An AWS alias is the ARN of its key. A version is included if `kid` has one.
    pub fn keks(&self) -> impl Iterator<Item = &KekUri> {
        self.recipients.iter().map(|wrapped| &wrapped.kek)
    }

    /// Seals every value and makes the seal. The plaintext is wiped with `plain`.
    ///
    /// `now` is the time of sealing, in seconds since 1970.
    ///
    /// # Errors
    /// Returns [`SealError::TooLarge`] if the sealed values do not fit into a Secret.
    pub fn seal(self, plain: PlainSecret, now: u64) -> Result<SealedSecret, SealError> {
        self.seal_with(plain, now, |_| None, fresh_iv)
    }

    /// Seals like [`Sealer::seal`], but the values are as old as `born`, in seconds since 1970.
    ///
    /// Use it for values that another program encrypted before. A time after `now` does not count.
    ///
    /// # Errors
    /// Returns [`SealError::TooLarge`] if the sealed values do not fit into a Secret.
    pub fn seal_since(
        self,
        plain: PlainSecret,
        born: Option<u64>,
        now: u64,
    ) -> Result<SealedSecret, SealError> {
        self.seal_with(plain, now, |_| born, fresh_iv)
    }

    /// Seals the values of a sealed Secret again, under the new DEK.
    ///
    /// Every value keeps the time when it was first sealed. `plain` must have the values of
    /// `old`. `now` is in seconds since 1970; see [`SealedSecret::next_seal_time`].
    ///
    /// # Errors
    /// Returns [`SealError::TooLarge`] if the sealed values do not fit into a Secret.
    pub fn seal_again(
        self,
        plain: PlainSecret,
        old: &SealedSecret,
        now: u64,
    ) -> Result<SealedSecret, SealError> {
        let born = |key: &Key| old.values.get(key).map(Jwe::born);
        self.seal_with(plain, old.next_seal_time(now), born, fresh_iv)
    }

    /// Seals single values, for [`Sealer::change`]. `now` is in seconds since 1970.
    #[must_use]
    pub fn seal_values(&self, values: &BTreeMap<Key, SecretValue>, now: u64) -> BTreeMap<Key, Jwe> {
        self.seal_values_again(values, &BTreeMap::new(), now)
    }

    /// The same. `born` has the times when values of it were first sealed, in seconds since 1970:
    /// those that the Secret has already.
    #[must_use]
    pub fn seal_values_again(
        &self,
        values: &BTreeMap<Key, SecretValue>,
        born: &BTreeMap<Key, u64>,
        now: u64,
    ) -> BTreeMap<Key, Jwe> {
        let seal = |(key, value): (&Key, &SecretValue)| {
            let times = (now, born.get(key).copied());
            let jwe = self.part(Kind::Value, Some(key), value.expose(), times, fresh_iv());
            (key.clone(), jwe)
        };
        let sealed = values.iter().map(seal).collect();
        wipe_stack();
        sealed
    }

    /// Adds sealed values to a sealed Secret, removes the keys in `gone`, and makes a new seal.
    ///
    /// It opens nothing. All other values keep their bytes. `now` is in seconds since 1970; see
    /// [`SealedSecret::next_seal_time`].
    ///
    /// # Errors
    /// Returns [`SealError::TooLarge`] if the sealed values do not fit into a Secret.
    pub fn change(
        &self,
        mut secret: SealedSecret,
        values: BTreeMap<Key, Jwe>,
        gone: &[Key],
        now: u64,
    ) -> Result<SealedSecret, SealError> {
        debug_assert_eq!(secret.meta.place, self.place);
        let now = secret.next_seal_time(now);
        secret.values.retain(|key, _| !gone.contains(key));
        secret.values.extend(values);
        secret.signatures.clear();
        let digest = secret.digest();
        secret.seal = Some(self.part(Kind::Seal, None, &digest, (now, None), fresh_iv()));
        wipe_stack();
        secret.check_size()?;
        Ok(secret)
    }

    /// Seals like [`Sealer::seal`], with the IVs of `next_iv`, and with the time when each value
    /// was first sealed. This is for test vectors.
    ///
    /// It takes one IV for each value, in the order of the keys, and then one for the seal. An IV
    /// that is used twice breaks the encryption.
    ///
    /// # Errors
    /// Returns what [`Sealer::seal`] returns.
    #[doc(hidden)]
    pub fn seal_with(
        self,
        plain: PlainSecret,
        now: u64,
        born: impl Fn(&Key) -> Option<u64>,
        mut next_iv: impl FnMut() -> [u8; aead::IV_SIZE],
    ) -> Result<SealedSecret, SealError> {
        debug_assert_eq!(plain.meta.place, self.place);
        let mut part = |kind, key: Option<&_>, bytes: &[u8]| {
            self.part(kind, key, bytes, (now, key.and_then(&born)), next_iv())
        };
        let PlainSecret { meta, values } = plain;
        let values = values
            .into_iter()
            .map(|(key, value)| {
                let jwe = part(Kind::Value, Some(&key), value.expose());
                (key, jwe)
            })
            .collect();
        let seal = part(Kind::Seal, None, &set::digest(&meta, &values));
        let sealed = SealedSecret { meta, values, seal: Some(seal), signatures: Vec::new() };
        wipe_stack();
        sealed.check_size()?;
        Ok(sealed)
    }

    fn part(
        &self,
        kind: Kind,
        key: Option<&Key>,
        bytes: &[u8],
        (sealed_at, born): (u64, Option<u64>),
        iv: [u8; aead::IV_SIZE],
    ) -> Jwe {
        let binding = Binding::new(&self.place, key, self.scope);
        let recipients = &self.recipients;
        let key = &self.key;
        Jwe::seal(Parts { kind, binding, sealed_at, born, key, recipients, iv }, bytes)
    }
}

fn fresh_iv() -> [u8; aead::IV_SIZE] {
    let mut iv = [0; aead::IV_SIZE];
    random_bytes(&mut iv);
    iv
}

/// Returns the hash that `--append-hash` appends to a name: ten characters, new for every DEK.
///
/// The hash of kubectl is over the plaintext values, so anyone who knows the name can test
/// guesses. This hash is over the public commitment to the fresh DEK instead.
#[must_use]
pub fn name_suffix(key: &DataKey, name: &str, kind: &str) -> String {
    let commitment = BASE64.encode(aead::commitment(key));
    let json = serde_json::json!({ "commitment": commitment, "kind": "Secret", "name": name, "type": kind });
    let hex = Sha256::digest(json.to_string())
        .iter()
        .take(5)
        .map(|b| format!("{b:02x}"))
        .collect::<String>();
    // The alphabet of kubectl, which avoids bad words.
    let safe = |c| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    hex.chars().map(safe).collect()
}

/// Returns a lower bound of the sealed size of values with these sizes, in bytes.
///
/// Use it to refuse values that cannot fit before you prompt the user.
#[must_use]
pub fn sealed_size_at_least(sizes: impl Iterator<Item = usize>) -> usize {
    sizes.map(|size| aead::padded_size(size).div_ceil(3) * 4).sum()
}
