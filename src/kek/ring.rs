//! The ring of KEKs in use: connects to each once, asks in parallel within a
//! bound, and never asks twice for the same DEK.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures::future::try_join_all;
use tokio::sync::{OnceCell, Semaphore};

use super::{Action, Context, DataKey, Kek, KekError, KekUri, Refusal, Scheme, WrappedKey};
use crate::secret::SecretValue;

/// How many calls may be under way at once, all KMS together.
pub const IN_FLIGHT: usize = 16;

/// Asks the person for a passphrase; `None` where there is no terminal.
pub type Passphrases = Arc<dyn Fn(&str) -> Option<SecretValue> + Send + Sync>;

/// What the KEKs need of this machine.
pub struct RingOptions {
    /// The files with the person's age identities.
    pub identities: Vec<PathBuf>,
    /// How to ask for the passphrase of a locked one.
    pub passphrases: Passphrases,
}

/// A DEK by its commitment: asked for once, however many want it.
type Slot = Arc<OnceCell<Arc<DataKey>>>;

/// The KEKs in use. Nothing is connected or read before the first call.
pub struct Ring {
    #[cfg(feature = "age")]
    identities: Arc<super::age::Identities>,
    #[cfg(feature = "aws")]
    aws: Arc<super::aws::Clients>,
    keks: Mutex<HashMap<KekUri, Arc<dyn Kek>>>,
    unwrapped: Mutex<HashMap<[u8; 32], Slot>>,
    permits: Semaphore,
}

impl Ring {
    /// An idle ring.
    #[must_use]
    #[cfg_attr(not(feature = "age"), expect(unused_variables))]
    pub fn new(options: RingOptions) -> Self {
        Self {
            #[cfg(feature = "age")]
            identities: Arc::new(super::age::Identities::new(
                options.identities,
                options.passphrases,
            )),
            #[cfg(feature = "aws")]
            aws: Arc::default(),
            keks: Mutex::default(),
            unwrapped: Mutex::default(),
            permits: Semaphore::new(IN_FLIGHT),
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
        try_join_all(keks.iter().map(|uri| async move {
            let kek = self.kek(uri, Action::Wrap)?;
            let _permit = self.permits.acquire().await;
            kek.wrap(key, context).await
        }))
        .await
    }

    /// Unwraps the DEK that `commitment` names with any of `candidates`, the
    /// cheapest first. `fits` tells whether a key is the one committed to.
    ///
    /// # Errors
    /// What the last KEK said when none of them gave the key.
    pub async fn unwrap(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        commitment: [u8; 32],
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Arc<DataKey>, KekError> {
        let slot = lock(&self.unwrapped).entry(commitment).or_default().clone();
        slot.get_or_try_init(|| self.ask(candidates, context, fits)).await.cloned()
    }

    async fn ask(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Arc<DataKey>, KekError> {
        let mut ordered: Vec<&WrappedKey> = candidates.to_vec();
        ordered.sort_by_key(|wrapped| wrapped.kek.scheme() != Scheme::Age);
        let mut last = None;
        for wrapped in ordered {
            match self.ask_one(wrapped, context).await {
                Ok(key) if fits(&key) => return Ok(Arc::new(key)),
                Ok(_) => {
                    last = Some(KekError::new(&wrapped.kek, Action::Unwrap, Refusal::Rejected))
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("a caller offers at least one candidate"))
    }

    async fn ask_one(&self, wrapped: &WrappedKey, context: &Context) -> Result<DataKey, KekError> {
        let kek = self.kek(&wrapped.kek, Action::Unwrap)?;
        let _permit = self.permits.acquire().await;
        kek.unwrap(wrapped, context).await
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
            scheme => Err(KekError::new(uri, action, Refusal::Unusable)
                .detail(format!("this build has no `{}`", scheme.as_str()))),
        }
    }
}

/// A poisoned lock means a panic elsewhere; the maps are whole all the same.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
