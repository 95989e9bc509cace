//! The ring of KEKs in use: connects to each once, asks in parallel within a
//! bound, and never asks twice for the same DEK.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream::FuturesUnordered;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::timeout;

use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, Scheme, WrappedKey};
use crate::secret::SecretValue;

/// How many DEKs may be wrapped or unwrapped at once.
pub const IN_FLIGHT: usize = 16;

/// After how many failures in a row, all attempts each, a KEK that cannot be
/// reached is not asked any more.
const DOWN_AFTER: usize = 3;

/// Asks the person for a passphrase; says why there is none.
pub type Passphrases = Arc<dyn Fn(&str) -> Result<SecretValue, String> + Send + Sync>;

/// What the KEKs need of this machine.
pub struct RingOptions {
    /// The files with the person's age identities.
    pub identities: Vec<PathBuf>,
    /// How to ask for the passphrase of a locked one.
    pub passphrases: Passphrases,
    /// How long a KEK may take before another of the same Secret is asked too.
    pub patience: Duration,
}

/// What it costs to ask a KEK.
#[allow(dead_code, reason = "a build may have none of a kind")]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Cost {
    /// An identity at hand.
    Nothing,
    /// A process on this machine.
    Socket,
    /// A service.
    Network,
    /// One that did not answer the last time.
    Slow,
    /// The person's attention, if it opens at all.
    Passphrase,
}

/// A DEK, and the KEK that gave it.
#[derive(Clone)]
pub struct Unwrapped {
    /// The DEK.
    pub key: Arc<DataKey>,
    /// The KEK, whichever version of it: [`KekUri::key`].
    pub by: KekUri,
}

/// A DEK by its commitment and its place: asked for once, however many want it.
type Slot = Arc<OnceCell<Unwrapped>>;

/// The KEKs in use. Nothing is connected or read before the first call.
pub struct Ring {
    #[cfg(feature = "age")]
    identities: Arc<super::age::Identities>,
    #[cfg(feature = "aws")]
    aws: Arc<super::aws::Clients>,
    #[cfg(feature = "azure")]
    azure: Arc<super::azure::Clients>,
    #[cfg(feature = "gcp")]
    gcp: Arc<super::gcp::Connection>,
    #[cfg(feature = "vault")]
    vault: Arc<super::vault::Server>,
    keks: Mutex<HashMap<KekUri, Arc<dyn Kek>>>,
    unwrapped: Mutex<HashMap<([u8; 32], Context), Slot>>,
    permits: Semaphore,
    patience: Duration,
    slow: Mutex<HashSet<KekUri>>,
    /// How often in a row a KEK could not be reached, and what it said last.
    down: Mutex<HashMap<KekUri, (usize, KekError)>>,
}

impl Ring {
    /// An idle ring.
    #[must_use]
    pub fn new(options: RingOptions) -> Self {
        Self {
            #[cfg(feature = "age")]
            identities: Arc::new(super::age::Identities::new(
                options.identities,
                options.passphrases,
            )),
            #[cfg(feature = "aws")]
            aws: Arc::default(),
            #[cfg(feature = "azure")]
            azure: Arc::default(),
            #[cfg(feature = "gcp")]
            gcp: Arc::default(),
            #[cfg(feature = "vault")]
            vault: Arc::default(),
            keks: Mutex::default(),
            unwrapped: Mutex::default(),
            permits: Semaphore::new(IN_FLIGHT),
            patience: options.patience,
            slow: Mutex::default(),
            down: Mutex::default(),
        }
    }

    /// The person's age identities.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn identities(&self) -> &super::age::Identities {
        &self.identities
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
    ) -> Result<Vec<WrappedKey>, KekError> {
        let _permit = self.permits.acquire().await;
        try_join_all(keks.iter().map(|uri| async move {
            self.check_up(uri)?;
            let answer = self.kek(uri, Action::Wrap)?.wrap(key, context).await;
            self.note(uri, answer.as_ref().err());
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
        // A DEK is known for one place only: elsewhere the KMS has its say again.
        let known = (commitment, context.clone());
        let slot = lock(&self.unwrapped).entry(known).or_default().clone();
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
        self.check_up(&wrapped.kek)?;
        let kek = self.kek(&wrapped.kek, Action::Unwrap)?;
        // Slow until it answers: others who want it while it hangs ask it last.
        let slow =
            SlowUnlessAnswered { ring: self, kek: wrapped.kek.key(), since: Some(Instant::now()) };
        let answer = kek.unwrap(wrapped, context).await;
        slow.answered(&answer);
        self.note(&wrapped.kek, answer.as_ref().err());
        match answer? {
            key if fits(&key) => Ok(Unwrapped { key: Arc::new(key), by: wrapped.kek.key() }),
            _ => Err(KekError::new(&wrapped.kek, Action::Unwrap, Refusal::Rejected)),
        }
    }

    /// Refuses for a KEK that is down: thousands of Secrets would each wait for it.
    fn check_up(&self, kek: &KekUri) -> Result<(), KekError> {
        match lock(&self.down).get(&kek.key()) {
            Some((count, error)) if *count >= DOWN_AFTER => Err(error.clone()),
            _ => Ok(()),
        }
    }

    /// Notes what a KEK ended with.
    fn note(&self, kek: &KekUri, error: Option<&KekError>) {
        let mut down = lock(&self.down);
        match error.filter(|error| error.refusal == Refusal::Unreachable) {
            Some(error) => {
                let (count, last) = down.entry(kek.key()).or_insert((0, error.clone()));
                *count += 1;
                last.clone_from(error);
            }
            None => drop(down.remove(&kek.key())),
        }
    }

    /// What it costs to ask, the cheapest first.
    fn cost(&self, kek: &KekUri) -> Cost {
        match kek.scheme() {
            #[cfg(feature = "age")]
            Scheme::Age if self.identities.has_unlocked(kek.rest()) => Cost::Nothing,
            Scheme::Age => Cost::Passphrase,
            _ if lock(&self.slow).contains(&kek.key()) => Cost::Slow,
            Scheme::K8s => Cost::Socket,
            _ => Cost::Network,
        }
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
        match uri.scheme() {
            #[cfg(feature = "aws")]
            Scheme::Aws => super::aws::resolve(uri, &self.aws).await,
            _ => Ok(uri.clone()),
        }
    }

    fn kek(&self, uri: &KekUri, action: Action) -> Result<Arc<dyn Kek>, KekError> {
        if let Some(kek) = lock(&self.keks).get(uri) {
            return Ok(kek.clone());
        }
        let kek = self.make(uri, action)?;
        Ok(lock(&self.keks).entry(uri.clone()).or_insert(kek).clone())
    }

    fn make(&self, uri: &KekUri, action: Action) -> Result<Arc<dyn Kek>, KekError> {
        match uri.scheme() {
            #[cfg(feature = "age")]
            Scheme::Age => {
                Ok(Arc::new(super::age::AgeKek::new(uri.clone(), self.identities.clone())))
            }
            #[cfg(feature = "aws")]
            Scheme::Aws => Ok(Arc::new(super::aws::AwsKek::new(uri.clone(), self.aws.clone()))),
            #[cfg(feature = "azure")]
            Scheme::Azure => {
                Ok(Arc::new(super::azure::AzureKek::new(uri.clone(), self.azure.clone())))
            }
            #[cfg(feature = "gcp")]
            Scheme::Gcp => Ok(Arc::new(super::gcp::GcpKek::new(uri.clone(), self.gcp.clone()))),
            #[cfg(feature = "k8skms")]
            Scheme::K8s => Ok(Arc::new(super::k8skms::PluginKek::new(uri.clone()))),
            #[cfg(feature = "vault")]
            Scheme::Vault => {
                Ok(Arc::new(super::vault::VaultKek::new(uri.clone(), self.vault.clone())))
            }
            // Unreachable where every KMS is built in.
            #[allow(unreachable_patterns)]
            scheme => Err(KekError::new(uri, action, Refusal::Unusable)
                .detail(format!("this build has no `{}`", scheme.as_str()))),
        }
    }
}

/// Counts a KEK as slow if it is given up after the patience, or cannot be reached.
struct SlowUnlessAnswered<'a> {
    ring: &'a Ring,
    kek: KekUri,
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
