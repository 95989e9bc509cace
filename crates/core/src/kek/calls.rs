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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::kek::limit::Quota;
    use crate::kek::{Action, Kek};

    /// A service, or a program on this machine, with this quota.
    struct Service {
        quota: Option<Quota>,
        is_here: bool,
    }

    impl Connector for Service {
        fn kek(self: Arc<Self>, _: &KekUri) -> Arc<dyn Kek> {
            unreachable!("these tests make the calls themselves")
        }

        fn cost(&self, _: &KekUri) -> Cost {
            if self.is_here { Cost::Socket } else { Cost::Network }
        }

        fn quota(&self) -> Option<Quota> {
            self.quota
        }
    }

    const SERVICE: Service = Service { quota: None, is_here: false };

    fn uri() -> KekUri {
        KekUri::aws("arn:aws:kms:eu-west-1:1:key/a").expect("an ARN")
    }

    fn error(refusal: Refusal) -> KekError {
        KekError::new(&uri(), Action::Unwrap, refusal)
    }

    /// Makes a call that is refused so many times. Returns the answer, and how often it was made.
    async fn call(error: &KekError, refused: usize) -> (Result<(), Refusal>, usize) {
        let (calls, made) = (Calls::new(Lifetimes::run()), Cell::new(0));
        let turn = calls.turn(&uri(), &SERVICE).await.expect("nothing is known to be down");
        let answer = turn.make(async || {
            made.set(made.get() + 1);
            if made.get() > refused { Ok(()) } else { Err(error.clone()) }
        });
        (answer.await.map_err(|error| error.refusal), made.get())
    }

    #[tokio::test(start_paused = true)]
    async fn a_throttled_call_is_made_again_until_it_is_answered_or_time_is_up() {
        let throttled = error(Refusal::Throttled);
        assert_eq!(call(&throttled, 3).await, (Ok(()), 4));
        let started = Instant::now();
        let (answer, made) = call(&throttled, usize::MAX).await;
        assert_eq!(answer, Err(Refusal::Throttled));
        assert!((5..50).contains(&made), "{made} calls, with pauses");
        let time = started.elapsed();
        assert!(time <= Lifetimes::run().limits.operation, "{time:?}");
        // The service wants it later than anybody waits.
        let started = Instant::now();
        let later = error(Refusal::Throttled).retry_after(Some("60"));
        assert_eq!(call(&later, 1).await, (Err(Refusal::Throttled), 1));
        assert_eq!(started.elapsed(), Duration::ZERO);
    }

    #[test]
    fn a_service_without_a_name_is_the_key_in_any_version() {
        let calls = Calls::new(Lifetimes::run());
        let limit = |text: &str| calls.limit(&text.parse().expect("a KEK"), &SERVICE);
        let one = limit("azurekms://team.vault.azure.net/key/1");
        assert!(Arc::ptr_eq(&one, &limit("azurekms://team.vault.azure.net/key/2")));
        assert!(!Arc::ptr_eq(&one, &limit("azurekms://team.vault.azure.net/other")));
    }

    #[tokio::test(start_paused = true)]
    async fn any_other_refusal_is_the_answer() {
        for refusal in [Refusal::Denied, Refusal::Unreachable, Refusal::Rejected] {
            assert_eq!(call(&error(refusal), 1).await, (Err(refusal), 1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quota_holds_for_a_service_and_not_for_a_program_here() {
        for is_here in [false, true] {
            let quota = Some(Quota { calls: 2, per: Duration::from_secs(2) });
            let (calls, service) = (Calls::new(Lifetimes::run()), Service { quota, is_here });
            let started = Instant::now();
            for _ in 0..3 {
                let turn = calls.turn(&uri(), &service).await.expect("nothing is down");
                turn.make(async || Ok(())).await.expect("answered");
            }
            // One at once, and half of the quota in the long run.
            let seconds = if is_here { 0 } else { 4 };
            assert_eq!(started.elapsed().as_secs(), seconds);
        }
    }
}
