//! The calls to the KEKs of a ring: as many as each service takes, and again after it throttled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::breaker::Breaker;
use super::lifetime::Lifetimes;
use super::limit::{Limit, Turn};
use super::provider::{Connector, Cost};
use super::{KekError, KekId, KekUri, Refusal, lock};

/// What the ring knows of the services: how many calls they take, and which KEKs are down.
pub(super) struct Calls {
    /// The time limit of a call that is made again and again.
    operation: Duration,
    /// By the kind of KEK and the name of the service.
    limits: Mutex<HashMap<(usize, String), Arc<Limit>>>,
    down: Mutex<Breaker>,
}

impl Calls {
    pub(super) fn new(lifetimes: Lifetimes) -> Self {
        Self {
            operation: lifetimes.limits.operation,
            limits: Mutex::default(),
            down: Mutex::new(Breaker::new(lifetimes.retry)),
        }
    }

    /// Waits until the service of a KEK takes one more call.
    ///
    /// # Errors
    /// Returns the last error of the KEK if it is down.
    pub(super) async fn turn(
        &self,
        uri: &KekUri,
        connector: &dyn Connector,
    ) -> Result<Call<'_>, KekError> {
        let limit = self.limit(uri, connector);
        let turn = limit.turn().await;
        let kek = uri.id();
        // Others may have found out meanwhile that it is down.
        self.down().check(&kek)?;
        Ok(Call { calls: self, kek, limit, turn })
    }

    /// Returns the limit that all keys of the same service share.
    fn limit(&self, uri: &KekUri, connector: &dyn Connector) -> Arc<Limit> {
        let new = || match connector.cost(uri) {
            Cost::Network => Limit::of_service(connector.quota()),
            _ => Limit::of_machine(),
        };
        let mut limits = lock(&self.limits);
        let service = (uri.kind(), connector.service(uri));
        limits.entry(service).or_insert_with(new).clone()
    }

    fn down(&self) -> MutexGuard<'_, Breaker> {
        lock(&self.down)
    }
}

/// A call that may be made now.
pub(super) struct Call<'a> {
    calls: &'a Calls,
    kek: KekId,
    limit: Arc<Limit>,
    turn: Turn,
}

impl Call<'_> {
    /// Makes the call. If the service throttles it, makes it again when it is the turn of that, as
    /// long as all attempts together may take.
    ///
    /// # Errors
    /// Returns the error of the last attempt.
    pub(super) async fn make<T, F>(self, call: impl Fn() -> F) -> Result<T, KekError>
    where
        F: Future<Output = Result<T, KekError>>,
    {
        let Self { calls, kek, limit, mut turn } = self;
        let deadline = Instant::now() + calls.operation;
        loop {
            let answer = call().await;
            if end(turn, answer.as_ref().err())
                && limit.paused_until() < deadline
                && let Ok(next) = timeout_at(deadline, limit.next()).await
            {
                turn = next;
                continue;
            }
            calls.down().note(&kek, answer.as_ref().err());
            return answer;
        }
    }
}

/// Ends a call. Returns whether the service throttled it. No answer says nothing about the limit.
fn end(turn: Turn, error: Option<&KekError>) -> bool {
    match error.map(|error| error.refusal) {
        Some(Refusal::Throttled) => turn.throttled(error.and_then(|error| error.retry_after)),
        Some(Refusal::Unreachable) => drop(turn),
        _ => turn.answered(),
    }
    error.is_some_and(|error| error.refusal == Refusal::Throttled)
}
