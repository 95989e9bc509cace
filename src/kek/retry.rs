//! Patience with a KMS whose own client has none: what passes is tried again.

use std::time::Duration;

use super::{KekError, Refusal};

/// How long a connection may take.
pub const CONNECT: Duration = Duration::from_secs(3);
/// How long one attempt may take, connecting included.
pub const ATTEMPT: Duration = Duration::from_secs(5);
/// How long all attempts together may take.
pub const OPERATION: Duration = Duration::from_secs(20);
/// How often a call is tried.
pub const ATTEMPTS: u32 = 3;
/// How long before the second attempt; the third waits twice as long.
pub const BACKOFF: Duration = Duration::from_millis(200);

/// Calls until an answer comes that another attempt would not change.
///
/// # Errors
/// What the last attempt said.
pub async fn retry<T, F>(call: impl Fn() -> F) -> Result<T, KekError>
where
    F: Future<Output = Result<T, KekError>>,
{
    let mut pause = BACKOFF;
    for _ in 1..ATTEMPTS {
        match call().await {
            Err(error) if passes(error.refusal) => tokio::time::sleep(pause).await,
            answer => return answer,
        }
        pause *= 2;
    }
    call().await
}

fn passes(refusal: Refusal) -> bool {
    matches!(refusal, Refusal::Throttled | Refusal::Unreachable)
}
