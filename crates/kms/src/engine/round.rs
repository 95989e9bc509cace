//! One round: every KEK wraps a new local key, and each but those in escrow unwraps it again.
//!
//! A round is the probe of the KEKs and of the peers, and makes the next local key with the same
//! calls.

use std::sync::Arc;
use std::time::Duration;

use envcrypt_core::kek::{Action, Context, DataKey, KekError, KekUri, Refusal, Ring};
use envcrypt_core::seed::{LocalKey, WrappedCopy};
use futures::future::join_all;
use tokio::time::timeout;

use super::versions::Version;
use crate::calls::Caller;
use crate::config::{Config, KekConfig};
use crate::metrics::Metrics;
use crate::peers::Peers;

/// How long one KEK may take, whatever hangs: a login that starts a program, or a DNS server.
const LIMIT: Duration = Duration::from_secs(20);

/// What came of a round.
pub struct Round {
    /// The key that each KEK wrapped.
    key: Arc<DataKey>,
    /// For each KEK of the configuration, in its order.
    pub answers: Vec<Result<Answer, KekError>>,
    /// For each peer in `reads`: its key id if it is written, its error, or nothing to test.
    pub peers: Vec<Option<Result<Version, KekError>>>,
}

/// What a KEK answered.
pub struct Answer {
    copy: WrappedCopy,
    /// The version of the KEK.
    pub version: Version,
}

impl Round {
    /// Asks all KEKs at the same time.
    pub async fn run(
        config: &Config,
        ring: &Ring,
        context: &Context,
        metrics: &Metrics,
        peers: &Peers,
    ) -> Self {
        let (own, peers) =
            tokio::join!(Self::own(config, ring, context, metrics), peers.probe(ring));
        Self { peers, ..own }
    }

    /// Asks only the KEKs in `keks`.
    pub async fn own(config: &Config, ring: &Ring, context: &Context, metrics: &Metrics) -> Self {
        let key = Arc::new(DataKey::generate());
        let ask = |kek: &KekConfig| {
            let (key, kek) = (key.clone(), kek.clone());
            async move {
                let (name, kek, escrow) = (kek.uri.as_str(), &kek.uri, kek.escrow);
                let answer = ask(Caller { name, kek, context, ring, metrics }, escrow, &key);
                timeout(LIMIT, answer).await.unwrap_or_else(|_| Err(late(kek)))
            }
        };
        let answers = join_all(config.keks.iter().map(ask)).await;
        Self { key, answers, peers: Vec::new() }
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

fn late(kek: &KekUri) -> KekError {
    KekError::new(kek, Action::Wrap, Refusal::Unreachable).detail("no answer in time")
}

async fn ask(kek: Caller<'_>, escrow: bool, key: &DataKey) -> Result<Answer, KekError> {
    let wrapped = kek.wrap(key).await?;
    // Where only the answer of the unwrapping tells the version, that one counts.
    let version = match escrow {
        true => None,
        false => kek.unwrap(&wrapped, key).await?.or_else(|| wrapped.version.clone()),
    };
    Ok(Answer { copy: WrappedCopy::new(wrapped), version })
}
