//! Opens sealed Secrets, at a limited rate for each KEK.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use envcrypt_core::access::{self, AccessError, TrustError};
use envcrypt_core::envelope::{OpenError, SealCheck, SealedSecret};
use envcrypt_core::kek::{Keep, KekId, KekUri, Lifetimes, Limits, Refusal, Ring, RingOptions};
use envcrypt_core::secret::PlainSecret;
use tokio::time::sleep;

use crate::metrics::Metrics;
use crate::rules::Rules;

/// How long a KEK may take before the next one of the same Secret is asked too.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens sealed Secrets.
pub struct Opener {
    inner: access::Opener,
    ring: Arc<Ring>,
    rules: Rules,
    /// Calls a second for each KEK.
    rate: f64,
    buckets: Mutex<HashMap<KekId, Bucket>>,
    metrics: Arc<Metrics>,
}

/// The calls that a KEK may get now.
struct Bucket {
    calls: f64,
    since: Instant,
}

impl Opener {
    /// Connects to nothing yet. `identities` are files with age identities.
    ///
    /// # Errors
    /// Returns no error: no file is read.
    pub fn new(
        rules: &Rules,
        identities: Vec<PathBuf>,
        rate: f64,
        metrics: Arc<Metrics>,
    ) -> Result<Self, TrustError> {
        let keep = Keep::For { age: Duration::from_secs(60), most: 64 };
        let ring = Arc::new(Ring::new(RingOptions {
            identities,
            passphrases: Arc::new(|_| Err("there is nobody to ask for it".to_owned())),
            plugin_user: None,
            patience: PATIENCE,
            lifetimes: Lifetimes::server(keep, Limits::default()),
            vaults: HashMap::new(),
        }));
        let inner = access::Opener::new(ring.clone(), rules.consents()?, SealCheck::Required);
        let buckets = Mutex::default();
        Ok(Self { inner, ring, rules: rules.clone(), rate, buckets, metrics })
    }

    /// Opens a Secret, and forgets its data keys at once.
    ///
    /// # Errors
    /// Returns an [`AccessError`] if a part is refused or no KEK opens it.
    pub async fn open(&self, secret: &SealedSecret) -> Result<PlainSecret, AccessError> {
        let calls = self.most_calls(secret);
        let Some(kek) = self.kek(secret) else { return Err(secret.untrusted().into()) };
        // age asks no service.
        if !kek.is_age() {
            self.turn(&kek.id(), calls).await;
        }
        let began = Instant::now();
        let opened = self.inner.open(secret, None).await;
        self.ring.forget();
        self.metrics.kms_calls(kek.scheme(), result(opened.as_ref().err()), calls, began);
        opened
    }

    /// How many calls opening costs at most: one for each wrapped key that may be used.
    fn most_calls(&self, secret: &SealedSecret) -> usize {
        secret.wrapped_keys().into_iter().filter(|w| self.rules.may_use(&w.kek)).count()
    }

    /// The first KEK of the Secret that may be used.
    fn kek<'s>(&self, secret: &'s SealedSecret) -> Option<&'s KekUri> {
        secret.keks().into_iter().find(|kek| self.rules.may_use(kek))
    }

    /// Waits until the KEK may get this many calls more.
    async fn turn(&self, kek: &KekId, calls: usize) {
        let wait = {
            let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
            let full = || Bucket { calls: self.rate, since: Instant::now() };
            let bucket = buckets.entry(kek.clone()).or_insert_with(full);
            let new = bucket.since.elapsed().as_secs_f64() * self.rate;
            // A second's worth of calls may come at once.
            bucket.calls = (bucket.calls + new).min(self.rate);
            bucket.since = Instant::now();
            // Those who come later wait longer: the number goes below zero.
            bucket.calls -= f64::from(u32::try_from(calls).unwrap_or(u32::MAX));
            (-bucket.calls / self.rate).max(0.0)
        };
        if wait > 0.0 {
            sleep(Duration::from_secs_f64(wait)).await;
        }
    }
}

/// The result of calls, for metrics.
fn result(error: Option<&AccessError>) -> &'static str {
    match error {
        None => "ok",
        Some(AccessError::Open(OpenError::Kek { refusals, .. })) => {
            let is = |refusal: Refusal| refusals.iter().any(|error| error.refusal == refusal);
            match () {
                () if is(Refusal::Unreachable) => "unreachable",
                () if is(Refusal::Throttled) => "throttled",
                () if is(Refusal::Denied) => "denied",
                () => "failed",
            }
        }
        Some(_) => "refused",
    }
}
