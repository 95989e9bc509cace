//! The ring of KEKs in use: connects to each once, asks in parallel within a
//! bound, and never asks twice for the same DEK.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream::FuturesUnordered;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::breaker::Breaker;
use super::cache::Cache;
use super::lifetime::Lifetimes;
use super::provider::{Connector, Cost, PROVIDERS, Surroundings};
use super::{Action, Context, DataKey, Kek, KekError, KekId, KekUri, Refusal, Wrapped, WrappedKey};
use crate::secret::SecretValue;

/// How many DEKs may be wrapped or unwrapped at once.
pub const IN_FLIGHT: usize = 16;

/// Asks the person for a passphrase; says why there is none.
pub type Passphrases = Arc<dyn Fn(&str) -> Result<SecretValue, String> + Send + Sync>;

/// What the KEKs need of this machine.
pub struct RingOptions {
    /// The files with the person's age identities.
    pub identities: Vec<PathBuf>,
    /// How to ask for the passphrase of a locked one.
    pub passphrases: Passphrases,
    /// How long a KEK may take before another of the same Secret is used too.
    pub patience: Duration,
    /// How long the ring keeps what it learned.
    pub lifetimes: Lifetimes,
}

/// A DEK, and the KEK that gave it.
#[derive(Clone)]
pub struct Unwrapped {
    /// The DEK.
    pub key: Arc<DataKey>,
    /// The KEK, whichever version of it.
    pub by: KekId,
}

/// The KEKs in use. Nothing is connected or read before the first call.
pub struct Ring {
    surroundings: Surroundings,
    /// What the keys of each kind share.
    connectors: [OnceLock<Option<Arc<dyn Connector>>>; PROVIDERS.len()],
    keks: Mutex<HashMap<KekUri, Arc<dyn Kek>>>,
    unwrapped: Mutex<Cache>,
    permits: Semaphore,
    patience: Duration,
    slow: Mutex<HashSet<KekId>>,
    down: Mutex<Breaker>,
}

impl Ring {
    /// An idle ring.
    #[must_use]
    pub fn new(options: RingOptions) -> Self {
        let RingOptions { identities, passphrases, patience, lifetimes } = options;
        #[cfg(feature = "age")]
        let identities = Arc::new(super::age::Identities::new(identities, passphrases));
        #[cfg(not(feature = "age"))]
        let _ = (identities, passphrases);
        Self {
            surroundings: Surroundings {
                #[cfg(feature = "age")]
                identities,
                lifetimes,
            },
            connectors: Default::default(),
            keks: Mutex::default(),
            unwrapped: Mutex::new(Cache::new(lifetimes.keep)),
            permits: Semaphore::new(IN_FLIGHT),
            patience,
            slow: Mutex::default(),
            down: Mutex::new(Breaker::new(lifetimes.retry)),
        }
    }

    /// The person's age identities.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn identities(&self) -> &super::age::Identities {
        &self.surroundings.identities
    }

    /// Wraps one DEK under every KEK, all at once.
    ///
    /// # Errors
    /// The first KEK's refusal: a Secret is sealed to all of them or not at all.
    pub async fn wrap(
        &self,
        keks: &[KekUri],
        key: &DataKey,
        context: &Context,
    ) -> Result<Vec<Wrapped>, KekError> {
        let _permit = self.permits.acquire().await;
        try_join_all(keks.iter().map(|uri| async move {
            lock(&self.down).check(&uri.id())?;
            let answer = self.kek(uri, Action::Wrap)?.wrap(key, context).await;
            lock(&self.down).note(&uri.id(), answer.as_ref().err());
            answer
        }))
        .await
    }

    /// Unwraps the DEK that `commitment` names with any of `candidates`, the
    /// cheapest first. One that does not answer within the patience is not
    /// waited for: the next is asked too, and the first good answer is taken.
    /// `fits` tells whether a key is the one committed to.
    ///
    /// # Errors
    /// What each of them said when none of them gave the key.
    pub async fn unwrap(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        commitment: [u8; 32],
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Unwrapped, Vec<KekError>> {
        let slot = lock(&self.unwrapped).slot(commitment, context);
        slot.get_or_try_init(|| self.ask(candidates, context, fits)).await.cloned()
    }

    async fn ask(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Unwrapped, Vec<KekError>> {
        let _permit = self.permits.acquire().await;
        let mut waiting: VecDeque<&WrappedKey> = candidates.iter().copied().collect();
        waiting.make_contiguous().sort_by_key(|wrapped| self.cost(&wrapped.kek));
        let (mut under_way, mut refusals) = (FuturesUnordered::new(), Vec::new());
        while let Some(next) = waiting.pop_front() {
            under_way.push(self.ask_one(next, context, &fits));
            let patience = match waiting.front() {
                // Nobody is asked for a passphrase while a KMS may still answer.
                Some(next) if self.cost(&next.kek) < Cost::Passphrase => self.patience,
                _ => Duration::MAX,
            };
            while let Ok(Some(answer)) = timeout(patience, under_way.next()).await {
                match answer {
                    Ok(unwrapped) => return Ok(unwrapped),
                    Err(refusal) => refusals.push(refusal),
                }
                // One that refuses makes room for the next at once.
                if patience < Duration::MAX {
                    break;
                }
            }
        }
        Err(refusals)
    }

    async fn ask_one(
        &self,
        wrapped: &WrappedKey,
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Unwrapped, KekError> {
        lock(&self.down).check(&wrapped.kek.id())?;
        let kek = self.kek(&wrapped.kek, Action::Unwrap)?;
        // Slow until it answers: others who want it while it hangs ask it last.
        let slow =
            SlowUnlessAnswered { ring: self, kek: wrapped.kek.id(), since: Some(Instant::now()) };
        let answer = kek.unwrap(wrapped, context).await;
        slow.answered(&answer);
        lock(&self.down).note(&wrapped.kek.id(), answer.as_ref().err());
        match answer? {
            key if fits(&key) => Ok(Unwrapped { key: Arc::new(key), by: wrapped.kek.id() }),
            _ => Err(KekError::new(&wrapped.kek, Action::Unwrap, Refusal::Rejected)),
        }
    }

    /// What it costs to use, the cheapest first.
    fn cost(&self, kek: &KekUri) -> Cost {
        match self.connector(kek).map_or(Cost::Network, |connector| connector.cost(kek)) {
            Cost::Socket | Cost::Network if lock(&self.slow).contains(&kek.id()) => Cost::Slow,
            cost => cost,
        }
    }

    /// Forgets every data key. Those in use are wiped when their users are done.
    pub fn forget(&self) {
        lock(&self.unwrapped).clear();
    }

    /// Has the KMS wrap the DEK of `wrapped` under `to` on its own side. `None`
    /// where it cannot, or refuses: then the DEK has to be opened here, and if
    /// that fails too, its error tells why.
    pub async fn rewrap(
        &self,
        wrapped: &WrappedKey,
        to: &KekUri,
        context: &Context,
    ) -> Option<WrappedKey> {
        let kek = self.kek(to, Action::Rewrap).ok()?;
        let _permit = self.permits.acquire().await;
        kek.rewrap(wrapped, context).await.ok().flatten()
    }

    /// Whether any of `candidates` gives the DEK, asked now, whatever is known.
    ///
    /// # Errors
    /// What each of them said.
    pub async fn holds(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<(), Vec<KekError>> {
        self.ask(candidates, context, fits).await.map(drop)
    }

    /// The lasting name of a KEK: the ARN behind an alias, else the same.
    ///
    /// # Errors
    /// The KMS's refusal to tell.
    pub async fn resolve(&self, uri: &KekUri) -> Result<KekUri, KekError> {
        match self.connector(uri) {
            Some(connector) => connector.resolve(uri).await,
            None => Ok(uri.clone()),
        }
    }

    fn kek(&self, uri: &KekUri, action: Action) -> Result<Arc<dyn Kek>, KekError> {
        if let Some(kek) = lock(&self.keks).get(uri) {
            return Ok(kek.clone());
        }
        let unusable = || {
            KekError::new(uri, action, Refusal::Unusable)
                .detail(format!("this build does not support `{}`", uri.scheme()))
        };
        let kek = self.connector(uri).ok_or_else(unusable)?.clone().kek(uri);
        Ok(lock(&self.keks).entry(uri.clone()).or_insert(kek).clone())
    }

    /// What the keys of its kind share; `None` where this build cannot use it.
    fn connector(&self, uri: &KekUri) -> Option<&Arc<dyn Connector>> {
        let connect = || PROVIDERS[uri.kind()].connector(&self.surroundings);
        self.connectors[uri.kind()].get_or_init(connect).as_ref()
    }
}

/// Counts a KEK as slow if it is given up after the patience, or cannot be reached.
struct SlowUnlessAnswered<'a> {
    ring: &'a Ring,
    kek: KekId,
    /// `None` once it has answered.
    since: Option<Instant>,
}

impl SlowUnlessAnswered<'_> {
    fn answered(mut self, answer: &Result<DataKey, KekError>) {
        match answer {
            Err(error) if error.refusal == Refusal::Unreachable => {
                lock(&self.ring.slow).insert(self.kek.clone());
            }
            _ => drop(lock(&self.ring.slow).remove(&self.kek)),
        }
        self.since = None;
    }
}

impl Drop for SlowUnlessAnswered<'_> {
    fn drop(&mut self) {
        if self.since.is_some_and(|since| since.elapsed() >= self.ring.patience) {
            lock(&self.ring.slow).insert(self.kek.clone());
        }
    }
}

/// A poisoned lock means a panic elsewhere; the maps are whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
