//! Changes some values of a sealed Secret, while the others keep their bytes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::access::choice;
use crate::access::holders::Holders;
use crate::access::opener::Opener;
use crate::candidates;
use crate::config::KekName;
use crate::failure::{AccessError, Failure};
use crate::session::Session;
use crate::session::local::MakeLocal;
use clap::Args;
use envcrypt_cluster::ClusterError;
use envcrypt_core::envelope::{Jwe, OpenError, Scope, SealedSecret, Sealer, now};
use envcrypt_core::kek::{DataKey, KekId, KekUri};
use envcrypt_core::secret::{Key, PlainSecret, SecretValue};

/// The values to set and the keys to remove.
#[derive(Default)]
pub struct Delta {
    pub values: BTreeMap<Key, SecretValue>,
    pub gone: Vec<Key>,
}

impl Delta {
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.gone.is_empty()
    }
}

/// Seals the changed values under a new data key.
pub struct Changer<'a> {
    session: &'a Session,
    opener: &'a Opener<'a>,
    targets: Holders<'a>,
    /// The KEKs that `--kek` names. If empty, those of the Secret.
    keks: Vec<KekUri>,
    /// Whether the Secret may be opened.
    may_open: bool,
    ready: RefCell<Option<Ready>>,
}

/// A data key that was wrapped in advance, for a Secret with this scope and these keys.
struct Ready {
    scope: Option<Scope>,
    keys: Vec<KekId>,
    sealer: Sealer,
}

/// New sealed values, and what seals the whole Secret with them.
pub struct SealedValues {
    parts: BTreeMap<Key, Jwe>,
    scope: Option<Scope>,
    keys: Vec<KekId>,
    sealer: Sealer,
}

impl<'a> Changer<'a> {
    pub fn new(
        session: &'a Session,
        opener: &'a Opener<'a>,
        keks: Vec<KekUri>,
        may_open: bool,
    ) -> Self {
        let targets = Holders::new(session, opener);
        Self { session, opener, targets, keks, may_open, ready: RefCell::default() }
    }

    /// Lets the KEKs wrap the new data key before the person does any work: if a KMS refuses, no
    /// typed value is lost.
    pub async fn prepare(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<(), Failure> {
        let sealer = self.sealer(secret, path).await?;
        *self.ready.borrow_mut() =
            Some(Ready { scope: secret.scope(), keys: secret.keys(), sealer });
        Ok(())
    }

    async fn sealer(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<Sealer, Failure> {
        let keks = match self.keks.is_empty() {
            true => self.targets.settled(secret, path).await?,
            false => self.keks.clone(),
        };
        let (scope, place) = (choice::scope(secret)?, secret.meta.place.clone());
        let ring = self.session.ring()?;
        let sealer = Sealer::prepare(ring, &keks, DataKey::generate(), place, scope).await?;
        self.check_same_keks(secret, &sealer)?;
        Ok(sealer)
    }

    /// Refuses to put new values under other KEKs than the rest: such a Secret would not open.
    fn check_same_keks(&self, secret: &SealedSecret, sealer: &Sealer) -> Result<(), Failure> {
        let new: BTreeSet<KekId> = sealer.keks().map(KekUri::id).collect();
        let held: BTreeSet<KekId> = secret.keys().into_iter().collect();
        match new == held || secret.values.is_empty() {
            true => Ok(()),
            false => Err(Failure::Access(AccessError::OtherKeks {
                place: secret.meta.place.to_string(),
                keks: held.iter().map(|kek| format!("`{kek}`")).collect::<Vec<_>>().join(", "),
            })),
        }
    }

    /// Opens the Secret to check that it is intact, unless the person turned this off: a new seal
    /// would hide that the old one did not match.
    pub async fn look(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<Option<PlainSecret>, Failure> {
        if !self.may_open {
            self.opener.check_signed(secret, path)?;
            return Ok(None);
        }
        let opened = async { self.opener.open(secret, path).await };
        opened.await.map(Some).map_err(|failure| match failure {
            Failure::Open(OpenError::Kek { .. } | OpenError::Untrusted { .. }) => {
                Failure::NotLookedAt { source: Box::new(failure) }
            }
            other => other,
        })
    }

    /// Checks the future Secret, if the old one was opened.
    pub fn check(
        &self,
        old: Option<PlainSecret>,
        values: &BTreeMap<Key, SecretValue>,
        gone: &[Key],
    ) -> Result<(), Failure> {
        let Some(mut plain) = old else { return Ok(()) };
        plain.values.retain(|key, _| !gone.contains(key));
        for (key, value) in values {
            plain.values.insert(key.clone(), SecretValue::new(value.expose().to_vec()));
        }
        Ok(plain.check()?)
    }

    /// Makes the change, and remembers the KEKs.
    pub async fn change(
        &self,
        secret: SealedSecret,
        path: Option<&Path>,
        delta: &Delta,
    ) -> Result<SealedSecret, Failure> {
        let sealed = self.seal(&secret, path, &delta.values, &BTreeMap::new()).await?;
        self.put(secret, sealed.parts, &delta.gone, &sealed.sealer)
    }

    /// Seals new values for a Secret. After this, the plaintext is not needed any more. `born` has
    /// the times when values that are not new were first sealed, in seconds since 1970.
    pub async fn seal(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
        values: &BTreeMap<Key, SecretValue>,
        born: &BTreeMap<Key, u64>,
    ) -> Result<SealedValues, Failure> {
        let ready = self.ready.take();
        let sealer = match ready {
            Some(ready) if ready.is_for(secret) => ready.sealer,
            _ => self.sealer(secret, path).await?,
        };
        let parts = sealer.seal_values_again(values, born, secret.next_seal_time(now()));
        Ok(SealedValues { parts, scope: secret.scope(), keys: secret.keys(), sealer })
    }

    /// Puts sealed values into a Secret. It may be a newer version than the one that they were
    /// sealed for.
    pub fn put_sealed(
        &self,
        secret: SealedSecret,
        values: &SealedValues,
        wanted: impl Fn(&Key) -> bool,
    ) -> Result<SealedSecret, Failure> {
        if values.scope != secret.scope() || values.keys != secret.keys() {
            return Err(ClusterError::Changed(secret.meta.place).into());
        }
        let parts = values.parts.iter().filter(|(key, _)| wanted(key));
        let parts = parts.map(|(key, jwe)| (key.clone(), jwe.clone())).collect();
        self.put(secret, parts, &[], &values.sealer)
    }

    fn put(
        &self,
        secret: SealedSecret,
        parts: BTreeMap<Key, Jwe>,
        gone: &[Key],
        sealer: &Sealer,
    ) -> Result<SealedSecret, Failure> {
        let new = sealer.change(secret, parts, gone, now())?;
        if !self.keks.is_empty() {
            self.opener.remember(&new.meta.place, sealer.keks());
            self.opener.write_down();
        }
        Ok(new)
    }
}

impl SealedValues {
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.parts.keys()
    }
}

impl Ready {
    fn is_for(&self, secret: &SealedSecret) -> bool {
        self.scope == secret.scope() && self.keys == secret.keys()
    }
}

#[derive(Args)]
#[command(next_help_heading = "Sealing")]
pub struct ChangeArgs {
    /// KEK of the Secret, named here to skip the prompt; `rewrap` changes the KEKs (can be
    /// repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    /// Do not open the Secret first to check that it is intact
    #[arg(long)]
    encrypt_only: bool,
}

impl ChangeArgs {
    pub fn opener<'a>(&self, session: &'a Session) -> Result<Opener<'a>, Failure> {
        Ok(Opener::to_change(session, &self.kek, &[])?.with_own_key())
    }

    pub fn changer<'a>(
        &self,
        session: &'a Session,
        opener: &'a Opener<'a>,
    ) -> Result<Changer<'a>, Failure> {
        let keks = session.keks(&self.kek, MakeLocal::No)?;
        Ok(Changer::new(session, opener, keks, !self.encrypt_only))
    }
}
