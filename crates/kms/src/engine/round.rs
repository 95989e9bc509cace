//! One round: every KEK wraps a new local key, and each but those in escrow unwraps it again.
//!
//! A round is the probe of the KEKs, and makes the next local key with the same calls.

use std::sync::Arc;
use std::time::Instant;

use envcrypt_core::kek::{Context, DataKey, KekError, KekUri, Ring, Wrapped};
use envcrypt_core::seed::{LocalKey, WrappedCopy};
use futures::future::join_all;

use super::versions::Version;
use crate::config::{Config, KekConfig};
use crate::metrics::Metrics;

/// What came of a round.
pub struct Round {
    /// The key that each KEK wrapped.
    key: Arc<DataKey>,
    /// For each KEK of the configuration, in its order.
    pub answers: Vec<Result<Answer, KekError>>,
}

/// What a KEK answered.
pub struct Answer {
    copy: WrappedCopy,
    /// The version of the KEK.
    pub version: Version,
}

impl Round {
    /// Asks all KEKs at the same time.
    pub async fn run(config: &Config, ring: &Ring, context: &Context, metrics: &Metrics) -> Self {
        let key = Arc::new(DataKey::generate());
        let ask = |kek| ask(kek, ring, &key, context, metrics);
        let answers = join_all(config.keks.iter().map(ask)).await;
        Self { key, answers }
    }

    /// Returns whether every KEK answered.
    pub fn is_complete(&self) -> bool {
        self.answers.iter().all(Result::is_ok)
    }

    /// Returns the local key, wrapped under each KEK that answered.
    pub fn local_key(self, cluster: &str) -> LocalKey {
        let copies = self.answers.into_iter().flatten().map(|answer| answer.copy).collect();
        LocalKey { key: self.key, cluster: cluster.to_owned(), copies }
    }
}

async fn ask(
    kek: &KekConfig,
    ring: &Ring,
    key: &DataKey,
    context: &Context,
    metrics: &Metrics,
) -> Result<Answer, KekError> {
    let wrapped = wrap(&kek.uri, ring, key, context, metrics).await?;
    // Where only the answer of the unwrapping tells the version, that one counts.
    let told = match kek.escrow {
        true => None,
        false => unwrap(&kek.uri, &wrapped, ring, key, context, metrics).await?,
    };
    let version = if kek.escrow { None } else { told.or_else(|| wrapped.version.clone()) };
    Ok(Answer { copy: WrappedCopy::new(wrapped), version })
}

async fn wrap(
    kek: &KekUri,
    ring: &Ring,
    key: &DataKey,
    context: &Context,
    metrics: &Metrics,
) -> Result<Wrapped, KekError> {
    let began = Instant::now();
    let answer = ring.wrap(std::slice::from_ref(kek), key, context).await;
    metrics.kek_call(kek, "wrap", began, answer.as_ref().err());
    Ok(answer?.remove(0))
}

async fn unwrap(
    kek: &KekUri,
    wrapped: &Wrapped,
    ring: &Ring,
    key: &DataKey,
    context: &Context,
    metrics: &Metrics,
) -> Result<Version, KekError> {
    let began = Instant::now();
    let same = |opened: &DataKey| opened.expose() == key.expose();
    let answer = ring.holds(&[&wrapped.key], context, same).await;
    let answer = answer.map_err(|mut errors| errors.remove(0));
    metrics.kek_call(kek, "unwrap", began, answer.as_ref().err());
    answer
}
