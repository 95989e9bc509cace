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
