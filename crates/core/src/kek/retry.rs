//! Patience with a KMS: what passes is tried again, and nothing is waited for
//! longer than people would.

use std::time::Duration;

use tokio::time::timeout;

use super::lifetime::Limits;
use super::{KekError, Refusal};

/// How long a connection may take.
pub const CONNECT: Duration = Duration::from_secs(3);
/// How often a call is tried.
pub const ATTEMPTS: u32 = 3;
/// How long before the second attempt; the third waits twice as long.
pub const BACKOFF: Duration = Duration::from_millis(200);

/// Calls until an answer comes that another attempt would not change. `late` is
/// what an attempt ends with that takes too long.
///
/// # Errors
/// What the last attempt said.
pub async fn retry<T, F>(
    limits: Limits,
    late: impl Fn() -> KekError,
    call: impl Fn() -> F,
) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    in_time(limits, &late, attempts(limits, &late, call)).await
}

async fn attempts<T, F>(
    limits: Limits,
    late: &impl Fn() -> KekError,
    call: impl Fn() -> F,
) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    let attempt =
        || async { timeout(limits.attempt, call()).await.unwrap_or_else(|_| Err(late())) };
    let mut pause = BACKOFF;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            Err(error) if passes(error.refusal) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    attempt().await
}

/// Waits for an answer no longer than all attempts together may take.
///
/// # Errors
/// `late`, or what the call ended with.
pub async fn in_time<T>(
    limits: Limits,
    late: impl Fn() -> KekError,
    call: impl Future<Output = Result<T, KekError>>,
) -> Result<T, KekError> {
    timeout(limits.operation, call).await.unwrap_or_else(|_| Err(late()))
}

fn passes(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Throttled | Refusal::Unreachable)
}
