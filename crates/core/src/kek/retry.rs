//! Retries calls to a KMS after errors that may go away, within the time limits.
//!
//! A throttled call is not retried here: [`Calls`](super::calls::Calls) makes it again, when the
//! service takes it.

use std::time::Duration;

use tokio::time::timeout;

use super::lifetime::Limits;
use super::{KekError, Refusal};

/// The time limit of a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(3);
/// The maximum number of attempts of one call.
pub(super) const ATTEMPTS: u32 = 3;
/// The pause before the second attempt. The pause before the third is twice as long.
pub(super) const BACKOFF: Duration = Duration::from_millis(200);

/// Calls up to [`ATTEMPTS`] times, as long as the KMS cannot be reached.
///
/// `late` makes the error of an attempt that takes too long.
///
/// # Errors
/// Returns the error of the last attempt, or `late` if all attempts together take too long.
pub(super) async fn retry<T, F>(
    limits: Limits,
    late: impl Fn() -> KekError,
    call: impl Fn() -> F,
) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    let may_help = |refusal| refusal == Refusal::Unreachable;
    in_time(limits, &late, attempts(limits, &late, call, may_help)).await
}

/// Logs in as [`retry`] calls, and again if the login was throttled.
///
/// # Errors
/// As [`retry`].
pub(super) async fn retry_login<T, F>(
    limits: Limits,
    late: impl Fn() -> KekError,
    login: impl Fn() -> F,
) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    in_time(limits, &late, attempts(limits, &late, login, passes)).await
}

async fn attempts<T, F>(
    limits: Limits,
    late: &impl Fn() -> KekError,
    call: impl Fn() -> F,
    may_help: impl Fn(Refusal) -> bool,
) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    let attempt =
        || async { timeout(limits.attempt, call()).await.unwrap_or_else(|_| Err(late())) };
    let mut pause = BACKOFF;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if may_help(error.refusal) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    attempt().await
}

/// Waits for an answer, at most as long as all attempts together may take.
///
/// # Errors
/// Returns the error of the call, or `late` if the call takes too long.
pub(super) async fn in_time<T>(
    limits: Limits,
    late: impl Fn() -> KekError,
    call: impl Future<Output = Result<T, KekError>>,
) -> Result<T, KekError> {
    timeout(limits.operation, call).await.unwrap_or_else(|_| Err(late()))
}

/// Returns whether the refusal goes away by itself.
pub(super) fn passes(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Throttled | Refusal::Unreachable)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;
    use crate::kek::{Action, KekUri};

    fn error(refusal: Refusal) -> KekError {
        KekError::new(&KekUri::aws("alias/a").expect("valid"), Action::Wrap, refusal)
    }

    /// Calls a service that refuses each call. Returns when the calls began, in milliseconds.
    async fn calls(refusal: Refusal, is_login: bool) -> Vec<u128> {
        let (started, calls) = (Instant::now(), RefCell::new(Vec::new()));
        let late = || error(Refusal::Unreachable);
        let call = async || {
            calls.borrow_mut().push(started.elapsed().as_millis());
            Err::<(), _>(error(refusal))
        };
        let answer = match is_login {
            true => retry_login(Limits::default(), late, call).await,
            false => retry(Limits::default(), late, call).await,
        };
        assert_eq!(answer.expect_err("refused").refusal, refusal);
        calls.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_is_tried_three_times_with_longer_and_longer_pauses() {
        let three = [0, 200, 600];
        assert_eq!(calls(Refusal::Unreachable, false).await, three);
        assert_eq!(calls(Refusal::Unreachable, true).await, three);
        assert_eq!(calls(Refusal::Throttled, true).await, three);
        // The ring makes a throttled call again.
        assert_eq!(calls(Refusal::Throttled, false).await, [0]);
        for refusal in [Refusal::Denied, Refusal::NotLoggedIn, Refusal::Rejected, Refusal::Failed] {
            assert_eq!(calls(refusal, false).await, [0], "{refusal:?}");
            assert_eq!(calls(refusal, true).await, [0], "{refusal:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_hangs_ends_in_time() {
        let limits = Limits::default();
        let late = || error(Refusal::Unreachable);
        let started = Instant::now();
        let hangs = retry(limits, late, std::future::pending::<Result<(), _>>).await;
        assert_eq!(hangs.expect_err("late").refusal, Refusal::Unreachable);
        // Three attempts with two pauses.
        assert_eq!(started.elapsed(), 3 * limits.attempt + 3 * BACKOFF);
        let short = Limits { operation: Duration::from_secs(6), ..limits };
        let started = Instant::now();
        let hangs = retry(short, late, std::future::pending::<Result<(), _>>).await;
        assert_eq!(hangs.expect_err("late").refusal, Refusal::Unreachable);
        assert_eq!(started.elapsed(), short.operation);
    }
}
