//! What the server knows and decides: the local key, the key id, and the health of the KEKs.
//!
//! Status and Encrypt answer from memory. One task tests the KEKs and makes the local keys.

mod health;
mod keks;
mod parts;
mod round;
mod standing;
mod versions;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use envcrypt_core::kek::k8skms::protocol::{DecryptRequest, EncryptResponse};
use envcrypt_core::kek::{
    Context, Keep, KekError, KekUri, Lifetimes, Limits, Ring, RingOptions, Unwrapped, Vaults,
};
use envcrypt_core::secret::SecretValue;
use envcrypt_core::seed::{BadCiphertext, Ciphertext, LocalKey, part_key_id};

use crate::config::Config;
use crate::metrics::Metrics;
use crate::peers::{Peers, WriteError};
use keks::Keks;
use round::Round;
use standing::{Current, Standing};

/// The time limits of one call to a KMS. kube-apiserver waits only 3 seconds, but a probe may take
/// longer, and a KMS that needs a second for each answer still works.
pub const LIMITS: Limits =
    Limits { attempt: Duration::from_secs(2), operation: Duration::from_secs(6) };
/// How long one KEK may take before the next one is used too.
const PATIENCE: Duration = Duration::from_millis(500);
/// The maximum number of local keys in memory: one for each process that sealed a seed.
const KEPT: usize = 4096;

/// Why a seed was not sealed.
pub enum SealError {
    /// Nothing can be encrypted now.
    NotReady(String),
    /// It was not wrapped as a peer does.
    Peer(WriteError),
}

/// Why a seed was not opened.
pub enum OpenError {
    /// It is not a ciphertext that this server can read.
    Bad(BadCiphertext),
    /// It belongs to another cluster.
    Cluster(String),
    /// None of the configured KEKs wrapped its local key.
    NoKek,
    /// Each KEK refused.
    Keks(Vec<KekError>),
}

impl OpenError {
    /// Whether another plugin may have made the ciphertext.
    fn may_be_foreign(&self) -> bool {
        !matches!(self, Self::Keks(_) | Self::Bad(BadCiphertext::Tag))
    }
}

/// One configuration at work.
pub struct Engine {
    config: Config,
    ring: Ring,
    context: Context,
    peers: Peers,
    metrics: Arc<Metrics>,
    standing: RwLock<Standing>,
    /// Told when the standing changes.
    changed: Notify,
    /// Told when the next round should not wait.
    hurry: Notify,
    keks: Mutex<Keks>,
    /// The last time that a KEK answered.
    last_good: Mutex<Option<Instant>>,
}

impl Engine {
    /// Connects to nothing yet.
    pub fn new(config: Config, metrics: Arc<Metrics>) -> Self {
        Self {
            ring: ring(&config),
            context: Context::cluster(&config.cluster),
            peers: Peers::new(&config, metrics.clone()),
            metrics,
            standing: RwLock::new(Standing::Starting("no KEK has answered yet".to_owned())),
            changed: Notify::new(),
            hurry: Notify::new(),
            keks: Mutex::new(Keks::new(&config)),
            last_good: Mutex::default(),
            config,
        }
    }

    /// Takes over what an earlier configuration has in memory, as far as its KEKs still may open.
    pub fn inherit(&self, before: &Self) {
        self.keks().inherit(&before.keks());
        self.take_over(before);
    }

    /// Takes over the keys in memory, as far as the KEKs of this configuration may open them.
    pub fn take_over(&self, before: &Self) {
        self.ring.take_over(&before.ring, |kek| self.config.may_open(kek));
    }

    /// The configuration at work.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns the key id in use.
    ///
    /// # Errors
    /// Returns why nothing can be encrypted now.
    pub fn key_id(&self) -> Result<String, String> {
        let standing = self.standing();
        standing.ready().map(|current| current.key_id.clone()).map_err(str::to_owned)
    }

    /// Waits until something can be encrypted.
    pub async fn wait_ready(&self) {
        loop {
            let changed = self.changed.notified();
            if self.standing().ready().is_ok() {
                return;
            }
            changed.await;
        }
    }

    /// Seals a seed.
    ///
    /// # Errors
    /// Returns a [`SealError`] that says why it cannot be sealed now.
    pub async fn encrypt(&self, plaintext: &[u8]) -> Result<EncryptResponse, SealError> {
        let standing = self.standing();
        let ready = standing.ready();
        let current = ready.map_err(|why| SealError::NotReady(why.to_owned()))?;
        if let Some(written) = self.peers.write(&self.ring, plaintext).await {
            let written = written.map_err(SealError::Peer)?;
            if written.key_id != current.key_id {
                // The peer rotates. Status must follow soon.
                self.hurry.notify_one();
            }
            return Ok(written);
        }
        let fresh = match self.config.local_key.max_age.is_zero() {
            true => self.fresh().await,
            false => None,
        };
        let local = fresh.as_ref().or(current.local.as_ref());
        let local = local.ok_or_else(|| SealError::NotReady("there is no local key".to_owned()))?;
        let sealed = Ciphertext::seal(local, &current.key_id, plaintext);
        Ok(parts::split(sealed.write(), &current.key_id))
    }

    /// A local key for one seed. If not every KEK answers, the one in use is better.
    async fn fresh(&self) -> Option<LocalKey> {
        let round = Round::own(&self.config, &self.ring, &self.context, &self.metrics).await;
        let is_good = round.is_complete() && self.keks().agree(&round);
        let local = is_good.then(|| round.local_key(&self.config.cluster))?;
        self.remember(&local);
        Some(local)
    }

    /// Opens a seed: one of this server, or one of a peer in `reads`.
    ///
    /// # Errors
    /// Returns an [`OpenError`] that says who refused.
    pub async fn decrypt(&self, request: &DecryptRequest) -> Result<SecretValue, OpenError> {
        match self.open(&parts::join(request), &request.key_id).await {
            Err(error) if error.may_be_foreign() => {
                match self.peers.open(&self.ring, request).await {
                    Some(opened) => opened.map_err(OpenError::Keks),
                    None => Err(error),
                }
            }
            answer => answer,
        }
    }

    /// Opens a seed of this server.
    async fn open(&self, bytes: &[u8], key_id: &str) -> Result<SecretValue, OpenError> {
        let sealed = Ciphertext::read(bytes).map_err(OpenError::Bad)?;
        let cluster = sealed.cluster();
        if self.config.cluster != cluster && !self.config.formerly.iter().any(|c| c == cluster) {
            return Err(OpenError::Cluster(cluster.to_owned()));
        }
        let candidates = sealed.candidates(self.config.openers());
        if candidates.is_empty() {
            return Err(OpenError::NoKek);
        }
        let candidates: Vec<_> = candidates.iter().collect();
        let context = Context::cluster(cluster);
        let name = sealed.local_key_name();
        let opened = self.ring.unwrap(&candidates, &context, name, |key| sealed.fits(key)).await;
        let opened = opened.map_err(OpenError::Keks)?;
        sealed.open(&opened.key, key_id).map_err(OpenError::Bad)
    }

    /// Tests the KEKs for ever.
    pub async fn run(&self) {
        loop {
            let pause = self.round().await;
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.hurry.notified() => {}
            }
        }
    }

    /// Tests the KEKs once, and decides what follows. Returns how long to wait for the next time.
    pub async fn round(&self) -> Duration {
        let Self { config, ring, context, metrics, peers, .. } = self;
        let round = Round::run(config, ring, context, metrics, peers).await;
        let now = Instant::now();
        let (settled, good, is_lost) = {
            let mut keks = self.keks();
            (keks.note(&round, metrics, now), keks.good(), keks.have_lost_one())
        };
        match good {
            0 => self.without_kek(now),
            _ => self.with_keks(round, good, now),
        }
        if is_lost {
            self.forget();
        }
        metrics.opened_keys.set(i64::try_from(ring.kept()).unwrap_or(i64::MAX));
        let is_calm = settled && self.keks().are_all_good();
        match is_calm && self.standing().ready().is_ok() {
            true => jitter(config.probe.every),
            false => config.probe.when_down,
        }
    }

    /// No KEK answered: it is an outage, or the KEKs refuse.
    fn without_kek(&self, now: Instant) {
        let why = self.keks().reasons();
        if self.keks().refuse() {
            self.stop(why);
            return;
        }
        let standing = self.standing();
        if let Some(since) = self.last_good() {
            let outage = now.saturating_duration_since(since).as_secs();
            self.metrics.outage_seconds.set(i64::try_from(outage).unwrap_or(i64::MAX));
        }
        match standing {
            Standing::Starting(_) => self.stand(Standing::Starting(why)),
            Standing::Stopped(_) => self.stand(Standing::Stopped(why)),
            Standing::Failing(_, current) => self.stand(Standing::Failing(why, current)),
            Standing::Ready(current) => {
                let last_good = self.last_good().unwrap_or(current.since);
                let outage = now.saturating_duration_since(last_good);
                if outage >= self.config.outage.hold {
                    tracing::error!(%why, "the outage is longer than `outage.hold`");
                    self.stand(Standing::Failing(why, current));
                }
            }
        }
    }

    /// Wipes every key: whoever may no longer use the KEKs must not use what they opened.
    fn stop(&self, why: String) {
        if !matches!(self.standing(), Standing::Stopped(_)) {
            tracing::error!(%why, "the KEKs refuse: all keys are wiped");
        }
        self.stand(Standing::Stopped(why));
        self.ring.forget();
    }

    /// A KEK that does not decide refuses for good: what it opened is wiped, and the rest goes on.
    fn forget(&self) {
        tracing::error!("a KEK refuses: all seeds that were opened are wiped from memory");
        self.ring.forget();
        let standing = self.standing();
        if let Some(local) = standing.current().and_then(|current| current.local.as_ref()) {
            self.remember(local);
        }
    }

    /// At least one KEK answered.
    fn with_keks(&self, round: Round, good: usize, now: Instant) {
        self.metrics.outage_seconds.set(0);
        *self.last_good.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        let standing = self.standing();
        let current = standing.current();
        let common = self.keks().key_id(&self.config);
        let is_complete =
            self.config.writes.is_some() || (round.is_complete() && self.keks().agree(&round));
        let is_due = current.is_none_or(|current| {
            is_complete
                && (!current.is_complete || current.key_id != common || self.is_old(current, now))
        });
        match (is_due, current) {
            (false, Some(current)) => self.stand(Standing::Ready(current.clone())),
            _ if is_complete => self.adopt(round, common, true, now),
            _ if good >= self.config.required() => {
                self.metrics.incomplete_keys.inc();
                self.adopt(round, part_key_id(&common), false, now);
            }
            _ => {
                let why = format!(
                    "{} of the KEKs must answer, and {good} do: {}",
                    self.config.required(),
                    self.keks().reasons()
                );
                self.stand(Standing::Starting(why));
            }
        }
    }

    fn is_old(&self, current: &Current, now: Instant) -> bool {
        let max_age = self.config.local_key.max_age;
        let age = now.saturating_duration_since(current.since);
        current.local.is_some() && !max_age.is_zero() && age >= max_age
    }

    /// Uses the local key of this round from now on, or the key of the peer that is written.
    fn adopt(&self, round: Round, key_id: String, is_complete: bool, now: Instant) {
        let is_own = self.config.writes.is_none();
        let local = is_own.then(|| round.local_key(&self.config.cluster));
        if let Some(local) = &local {
            self.remember(local);
            self.metrics.new_local_key();
        }
        let is_new = self.standing().current().is_none_or(|current| current.key_id != key_id);
        if is_new {
            tracing::info!(key_id, is_complete, "a new key id");
        }
        self.metrics.new_key_id(&key_id);
        let current = Current { key_id, local, is_complete, since: now };
        self.stand(Standing::Ready(Arc::new(current)));
    }

    /// Keeps a local key of this process, so that opening its seeds needs no KMS.
    fn remember(&self, local: &LocalKey) {
        let is_of = |kek: &&KekUri| local.copies.iter().any(|copy| copy.is_of(kek));
        let Some(by) = self.config.openers().find(is_of) else { return };
        let unwrapped = Unwrapped { key: local.key.clone(), by: by.id(), version: None };
        self.ring.remember(local.name(), &self.context, unwrapped);
    }

    /// Counts a bug that ended a probe.
    pub fn note_panic(&self) {
        self.metrics.panics.inc();
    }

    fn standing(&self) -> Standing {
        self.standing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn stand(&self, standing: Standing) {
        *self.standing.write().unwrap_or_else(PoisonError::into_inner) = standing;
        self.changed.notify_waiters();
    }

    fn last_good(&self) -> Option<Instant> {
        *self.last_good.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keks(&self) -> MutexGuard<'_, Keks> {
        self.keks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line for each KEK, for a person.
    pub fn describe(&self) -> String {
        let state = match (&self.standing(), &self.config.writes) {
            (Standing::Ready(_), Some(writes)) => format!("ok\nwrites as {}\n", writes.peer),
            (Standing::Ready(current), None) if current.is_complete => "ok\n".to_owned(),
            (Standing::Ready(_), None) => {
                "ok, but not every KEK has wrapped the local key\n".to_owned()
            }
            (Standing::Starting(why), _) => format!("starting: {why}\n"),
            (Standing::Failing(why, _), _) => format!("failing: {why}\n"),
            (Standing::Stopped(why), _) => format!("stopped: {why}\n"),
        };
        state + &self.keks().describe()
    }
}

/// A ring for a process that does not end.
pub fn ring(config: &Config) -> Ring {
    let keep = Keep::For { age: Duration::MAX, most: KEPT };
    let mut lifetimes = Lifetimes::server(keep, LIMITS);
    // A probe must reach a KEK that is down.
    lifetimes.retry = Some(config.probe.when_down / 2);
    let vaults: Vaults = config.vaults();
    Ring::new(RingOptions {
        identities: config.keks.iter().filter_map(|kek| kek.identity.clone()).collect(),
        passphrases: Arc::new(|_| Err("a server has nobody who can type a passphrase".to_owned())),
        plugin_user: None,
        patience: PATIENCE,
        lifetimes,
        vaults,
    })
}

/// Up to 10 % more or less, so that the nodes do not call a KMS at the same moment.
fn jitter(every: Duration) -> Duration {
    let mut random = [0; 1];
    envcrypt_core::secret::random_bytes(&mut random);
    every.mul_f64(0.9 + 0.2 * f64::from(random[0]) / 255.0)
}
