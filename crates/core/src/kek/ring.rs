//! The ring of the KEKs in use.
//!
//! It connects to each KEK once and limits parallel calls. It keeps DEKs, so that it does not
//! unwrap the same DEK twice.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Duration;

use futures::StreamExt;
use futures::future::try_join_all;
use futures::stream::FuturesUnordered;
use tokio::time::timeout;

use super::asked::{Asked, Candidate, SlowUnlessAnswered, Unanswered};
use super::batch::Batches;
use super::cache::{Cache, Slot, Unwrapped};
use super::calls::Calls;
use super::lifetime::Lifetimes;
use super::provider::{Connector, Cost, PROVIDERS, Surroundings};
use super::{
    Action, Context, DataKey, KekError, KekId, KekUri, Opened, PluginUser, Refusal, Vaults,
    Wrapped, WrappedKey, lock,
};
use crate::secret::SecretValue;

/// Prompts the user for a passphrase. The argument is the text of the prompt.
///
/// The error says why there is no passphrase.
pub type Passphrases = Arc<dyn Fn(&str) -> Result<SecretValue, String> + Send + Sync>;

/// Options for [`Ring::new`].
pub struct RingOptions {
    /// The files with the age identities of the user.
    pub identities: Vec<PathBuf>,
    /// Prompts for the passphrase of an identity file.
    pub passphrases: Passphrases,
    /// Who answers the questions of age plugins. Without a user, no plugin is started.
    pub plugin_user: Option<Arc<dyn PluginUser>>,
    /// How long a KEK may take before the ring also uses the next KEK of the same Secret.
    pub patience: Duration,
    /// How long the ring keeps DEKs, logins and failures.
    pub lifetimes: Lifetimes,
    /// The settings of keys of Vault that do not use the environment.
    pub vaults: Vaults,
}

/// The KEKs in use. It connects to nothing and reads nothing before the first call.
pub struct Ring {
    surroundings: Surroundings,
    /// What the keys of each kind share.
    connectors: [OnceLock<Option<Arc<dyn Connector>>>; PROVIDERS.len()],
    unwrapped: Mutex<Cache>,
    calls: Calls,
    batches: Batches,
    patience: Duration,
    slow: Mutex<HashSet<KekId>>,
}

impl Ring {
    /// Returns a ring that is not connected yet.
    #[must_use]
    pub fn new(options: RingOptions) -> Self {
        let RingOptions { identities, passphrases, plugin_user, patience, lifetimes, vaults } =
            options;
        #[cfg(feature = "age")]
        let identities =
            Arc::new(super::age::Identities::new(identities, passphrases, plugin_user));
        #[cfg(not(feature = "age"))]
        let _ = (identities, passphrases, plugin_user);
        Self {
            surroundings: Surroundings {
                #[cfg(feature = "age")]
                identities,
                lifetimes,
                vaults,
            },
            connectors: Default::default(),
            unwrapped: Mutex::new(Cache::new(lifetimes.keep)),
            calls: Calls::new(lifetimes),
            batches: Batches::default(),
            patience,
            slow: Mutex::default(),
        }
    }

    /// Uses these age identities instead of those of [`RingOptions::identities`].
    #[cfg(feature = "age")]
    #[must_use]
    pub fn with_identities(mut self, identities: super::age::Identities) -> Self {
        self.surroundings.identities = Arc::new(identities);
        self
    }

    /// Returns the age identities of the user.
    #[cfg(feature = "age")]
    #[must_use]
    pub fn identities(&self) -> &super::age::Identities {
        &self.surroundings.identities
    }

    /// Wraps one DEK under every KEK, all at the same time. The results are in the order of `keks`.
    ///
    /// Age plugins come last, one after the other, because they may prompt the user.
    ///
    /// # Errors
    /// Returns the first [`KekError`]. A Secret is sealed to all KEKs or not at all.
    pub async fn wrap(
        &self,
        keks: &[KekUri],
        key: &DataKey,
        context: &Context,
    ) -> Result<Vec<Wrapped>, KekError> {
        let wrap = async |uri: &KekUri| {
            let connector = self.connected(uri, Action::Wrap)?;
            let kek = connector.clone().kek(uri);
            self.calls.turn(uri, &**connector).await?.make(|| kek.wrap(key, context)).await
        };
        let asks_nobody = keks.iter().filter(|uri| uri.plugin().is_none());
        let mut done = try_join_all(asks_nobody.map(&wrap)).await?.into_iter();
        let mut wrapped = Vec::with_capacity(keks.len());
        for uri in keks {
            match uri.plugin() {
                Some(_) => wrapped.push(wrap(uri).await?),
                None => wrapped.extend(done.next()),
            }
        }
        Ok(wrapped)
    }

    /// Unwraps the DEK of `commitment` with any of `candidates`, the cheapest first.
    ///
    /// If a KEK does not answer within [`RingOptions::patience`], the ring also uses the next one.
    /// It takes the first good answer. `fits` returns whether a DEK is the one in the commitment.
    /// The ring keeps the DEK for later calls with the same commitment and context.
    ///
    /// # Errors
    /// Returns the error of each KEK if none of them unwraps the DEK.
    pub async fn unwrap(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        commitment: [u8; 32],
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Unwrapped, Vec<KekError>> {
        let slot = lock(&self.unwrapped).slot(commitment, context);
        let _empty = RemovedIfEmpty { ring: self, commitment, context, slot: &slot };
        slot.get_or_try_init(|| self.ask_for(candidates, context, fits)).await.cloned()
    }

    /// Unwraps what another program wrapped, with any of `candidates`, the cheapest first. Each has
    /// the context that the other program used. The ring does not keep the result.
    ///
    /// `accept` returns `None` for bytes that are not what was wrapped.
    ///
    /// # Errors
    /// Returns the error of each KEK if none of them unwraps it.
    pub async fn unwrap_other<T>(
        &self,
        candidates: &[(&WrappedKey, &Context)],
        accept: impl Fn(Opened) -> Option<T>,
    ) -> Result<T, Vec<KekError>> {
        self.ask(candidates, |_, opened| accept(opened)).await
    }

    /// Asks for a DEK. All candidates have the same context.
    async fn ask_for(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Unwrapped, Vec<KekError>> {
        let candidates: Vec<_> = candidates.iter().map(|wrapped| (*wrapped, context)).collect();
        let accept = |wrapped: &WrappedKey, opened: Opened| {
            let key = opened.key().filter(&fits)?;
            Some(Unwrapped { key: Arc::new(key), by: wrapped.kek.id(), version: opened.version })
        };
        self.ask(&candidates, accept).await
    }

    async fn ask<T>(
        &self,
        candidates: &[(&WrappedKey, &Context)],
        accept: impl Fn(&WrappedKey, Opened) -> Option<T>,
    ) -> Result<T, Vec<KekError>> {
        let mut waiting: VecDeque<_> = candidates.iter().copied().collect();
        waiting.make_contiguous().sort_by_key(|(wrapped, _)| self.cost(&wrapped.kek));
        let (mut under_way, mut refusals) = (FuturesUnordered::new(), Vec::new());
        while let Some(next) = waiting.pop_front() {
            under_way.push(self.ask_one(next, candidates.len() > 1, &accept));
            let patience = match waiting.front() {
                // Do not prompt the user while a KMS may still answer.
                Some((next, _)) if self.cost(&next.kek) < Cost::Plugin => self.patience,
                _ => Duration::MAX,
            };
            while let Ok(Some(answer)) = timeout(patience, under_way.next()).await {
                match answer {
                    Ok(accepted) => return Ok(accepted),
                    Err(Unanswered::Refused(refusal)) => refusals.push(refusal),
                    Err(Unanswered::Slow(candidate)) => {
                        waiting.push_back(candidate);
                        continue;
                    }
                }
                // After a refusal, use the next KEK immediately.
                if patience < Duration::MAX {
                    break;
                }
            }
        }
        Err(refusals)
    }

    /// Asks one KEK. If the KEK becomes slow before it is asked, and others can be asked, it is left
    /// for later.
    async fn ask_one<'c, T>(
        &self,
        (wrapped, context): Candidate<'c>,
        has_others: bool,
        accept: impl Fn(&WrappedKey, Opened) -> Option<T>,
    ) -> Result<T, Unanswered<'c>> {
        let kek = &wrapped.kek;
        let asked = Asked {
            ring: self,
            candidate: (wrapped, context),
            connector: self.connected(kek, Action::Unwrap)?,
            may_wait: has_others && self.cost(kek) != Cost::Slow,
            // The KEK is slow until it answers. If it hangs, other calls use it last.
            slow: SlowUnlessAnswered { ring: self, kek: kek.id(), since: OnceLock::new() },
        };
        let answer = asked.unwrap().await?;
        asked.slow.answered(&answer);
        let rejected = || KekError::new(kek, Action::Unwrap, Refusal::Rejected);
        accept(wrapped, answer?).ok_or_else(|| rejected().into())
    }

    /// Returns what it costs to unwrap with this KEK.
    pub(super) fn cost(&self, kek: &KekUri) -> Cost {
        match self.connector(kek).map_or(Cost::Network, |connector| connector.cost(kek)) {
            Cost::Socket | Cost::Network if lock(&self.slow).contains(&kek.id()) => Cost::Slow,
            cost => cost,
        }
    }

    /// Removes the data keys that are too old. A server calls it from time to time, since
    /// otherwise they stay in memory until the next call.
    pub fn sweep(&self) {
        lock(&self.unwrapped).sweep();
    }

    /// Removes every DEK. A DEK that is in use is wiped when its last user drops it.
    pub fn forget(&self) {
        lock(&self.unwrapped).clear();
    }

    /// Lets the KMS wrap the DEK of `wrapped` under `to`. The DEK does not leave the KMS.
    ///
    /// Returns `None` if the KMS cannot do this or refuses. Then unwrap the DEK instead. If that
    /// fails too, its error says why.
    pub async fn rewrap(
        &self,
        wrapped: &WrappedKey,
        to: &KekUri,
        context: &Context,
    ) -> Option<WrappedKey> {
        let connector = self.connected(to, Action::Rewrap).ok()?;
        let kek = connector.clone().kek(to);
        let call = self.calls.turn(to, &**connector).await.ok()?;
        call.make(|| kek.rewrap(wrapped, context)).await.ok().flatten()
    }

    /// Keeps a DEK that this process made, as if [`Ring::unwrap`] had unwrapped it.
    pub fn remember(&self, commitment: [u8; 32], context: &Context, unwrapped: Unwrapped) {
        let slot = lock(&self.unwrapped).slot(commitment, context);
        // If another task is unwrapping it now, its answer is as good.
        let _ = slot.set(unwrapped);
    }

    /// Takes over the DEKs that another ring keeps, if `may` allows the KEK that unwrapped them.
    pub fn take_over(&self, other: &Self, may: impl Fn(&KekId) -> bool) {
        let kept = lock(&other.unwrapped).kept();
        for (commitment, context, unwrapped) in kept {
            if may(&unwrapped.by) {
                self.remember(commitment, &context, unwrapped);
            }
        }
    }

    /// Returns the number of DEKs that the ring keeps.
    #[must_use]
    pub fn kept(&self) -> usize {
        lock(&self.unwrapped).len()
    }

    /// Checks that one of `candidates` unwraps the DEK now. It does not use the DEKs that the ring
    /// keeps. Returns the version of the KEK, if the KMS reports it only when it unwraps.
    ///
    /// # Errors
    /// Returns the error of each KEK if none of them unwraps the DEK.
    pub async fn holds(
        &self,
        candidates: &[&WrappedKey],
        context: &Context,
        fits: impl Fn(&DataKey) -> bool,
    ) -> Result<Option<String>, Vec<KekError>> {
        self.ask_for(candidates, context, fits).await.map(|unwrapped| unwrapped.version)
    }

    /// Returns the name of a KEK that does not change: for an AWS alias, the ARN of its key. Any
    /// other name is returned unchanged.
    ///
    /// # Errors
    /// Returns the refusal of the KMS.
    pub async fn resolve(&self, uri: &KekUri) -> Result<KekUri, KekError> {
        match self.connector(uri) {
            Some(connector) => connector.resolve(uri).await,
            None => Ok(uri.clone()),
        }
    }

    pub(super) fn calls(&self) -> &Calls {
        &self.calls
    }

    pub(super) fn batches(&self) -> &Batches {
        &self.batches
    }

    /// Returns the KEKs that did not answer the last time.
    pub(super) fn slow(&self) -> MutexGuard<'_, HashSet<KekId>> {
        lock(&self.slow)
    }

    /// Returns how long a KEK may take before it counts as slow.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    fn connected(&self, uri: &KekUri, action: Action) -> Result<&Arc<dyn Connector>, KekError> {
        let unusable = || {
            KekError::new(uri, action, Refusal::Unusable)
                .detail(format!("this build does not support `{}`", uri.scheme()))
        };
        self.connector(uri).ok_or_else(unusable)
    }

    /// Returns what the keys of its kind share, or `None` if this build does not support the kind.
    fn connector(&self, uri: &KekUri) -> Option<&Arc<dyn Connector>> {
        let connect = || PROVIDERS[uri.kind()].connector(&self.surroundings);
        self.connectors[uri.kind()].get_or_init(connect).as_ref()
    }
}

/// Removes a slot that was not filled, also if its caller gave up.
struct RemovedIfEmpty<'a> {
    ring: &'a Ring,
    commitment: [u8; 32],
    context: &'a Context,
    slot: &'a Slot,
}

impl Drop for RemovedIfEmpty<'_> {
    fn drop(&mut self) {
        lock(&self.ring.unwrapped).remove(self.commitment, self.context, self.slot);
    }
}

#[cfg(test)]
mod tests;
