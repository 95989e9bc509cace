//! How long a ring keeps DEKs, logins and failures: for one run of a command, or in a server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::KekError;

/// The time limits of one call to a KMS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The limit of one attempt, including the connection.
    pub attempt: Duration,
    /// The limit of all attempts together. The login is included, or has the same limit of its own.
    pub operation: Duration,
}

impl Default for Limits {
    /// Returns 5 seconds for one attempt and 20 seconds for all attempts.
    fn default() -> Self {
        Self { attempt: Duration::from_secs(5), operation: Duration::from_secs(20) }
    }
}

/// How long unwrapped DEKs stay in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As long as the ring.
    Always,
    /// For a limited time, and only a limited number.
    For {
        /// The maximum age of a DEK. An older one is removed when the next DEK is needed.
        age: Duration,
        /// The maximum number of DEKs, at least one. The oldest is removed first.
        most: usize,
    },
}

/// How long a ring keeps DEKs, logins and failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// How long unwrapped DEKs stay in memory.
    pub keep: Keep,
    /// The time after which a KEK that is down gets one more call. `None` means never.
    ///
    /// After the same time, the ring retries a login that was refused and a KMS plugin that was
    /// not healthy.
    pub retry: Option<Duration>,
    /// The time limits of one call.
    pub limits: Limits,
    /// Whether the ring renews a login before it expires.
    pub renews: bool,
}

impl Lifetimes {
    /// Returns the lifetimes for one run of a command.
    ///
    /// The ring keeps everything. A KEK that is down stays down, so that each of many Secrets does
    /// not wait for it.
    #[must_use]
    pub fn run() -> Self {
        Self { keep: Keep::Always, retry: None, limits: Limits::default(), renews: false }
    }

    /// Returns the lifetimes for a process that does not end.
    ///
    /// `keep` limits the DEKs. Logins are renewed. A KEK that is down gets another call after 30
    /// seconds.
    #[must_use]
    pub fn server(keep: Keep, limits: Limits) -> Self {
        Self { keep, retry: Some(Duration::from_secs(30)), limits, renews: true }
    }
}

/// A login or a connection that all callers share. It is made once and renewed when it is due.
#[allow(dead_code, reason = "a build can be without a KMS that needs a login")]
pub(super) struct Renewed<T> {
    made: Mutex<Option<Made<T>>>,
    /// How long a failure is kept. `None` means forever.
    keep_failure: Option<Duration>,
}

/// A login or connection that was made, or the error, with its times.
struct Made<T> {
    result: Result<Arc<T>, KekError>,
    since: Instant,
    /// When to make it again.
    due: Option<Instant>,
    /// When it can no longer be used.
    ends: Option<Instant>,
}

/// The pause before the next renewal if one failed and the old login is still valid.
const RENEW_AGAIN: Duration = Duration::from_secs(5);

#[allow(dead_code, reason = "a build can be without a KMS that needs a login")]
impl<T> Renewed<T> {
    /// Makes nothing yet.
    pub(super) fn new(lifetimes: Lifetimes) -> Self {
        Self { made: Mutex::default(), keep_failure: lifetimes.retry }
    }

    /// Returns the current value, or calls `make` for a new one.
    ///
    /// `make` receives the old value if it is still valid. It returns the new value, and how long
    /// that is valid, if known. After half of that time, the value is made again. If this fails,
    /// the old value is kept as long as it is valid.
    ///
    /// # Errors
    /// Returns the error of `make`, from this call or an earlier one.
    pub(super) async fn get(
        &self,
        make: impl AsyncFnOnce(Option<&T>) -> Result<(T, Option<Duration>), KekError>,
    ) -> Result<Arc<T>, KekError> {
        let mut made = self.made.lock().await;
        let now = Instant::now();
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if let Some(there) = made.as_ref().filter(|there| !passed(there.due)) {
            return there.result.clone();
        }
        let old = made.as_ref().filter(|there| !passed(there.ends));
        let old = old.and_then(|there| there.result.as_ref().ok()).cloned();
        let result = match make(old.as_deref()).await {
            Ok((new, holds)) => {
                let due = holds.map(|holds| now + holds / 2);
                let ends = holds.map(|holds| now + holds);
                *made = Some(Made { result: Ok(Arc::new(new)), since: now, due, ends });
                return made.as_ref().map(|made| made.result.clone()).expect("it was just made");
            }
            Err(error) => Err(error),
        };
        if let (Some(_), Some(there)) = (old, made.as_mut()) {
            there.due = Some(now + RENEW_AGAIN);
            return there.result.clone();
        }
        let due = self.keep_failure.map(|keep| now + keep);
        *made = Some(Made { result: result.clone(), since: now, due, ends: due });
        result
    }

    /// Drops `old` if it is still the current value and at least `age` old. Use this for a login
    /// that was refused, because it may have been revoked.
    ///
    /// Returns whether another attempt makes sense.
    pub(super) async fn forget(&self, old: &Arc<T>, age: Duration) -> bool {
        let mut made = self.made.lock().await;
        let Some(there) = made.as_ref() else { return true };
        let is_old = there.result.as_ref().is_ok_and(|there| Arc::ptr_eq(there, old));
        if is_old && there.since.elapsed() >= age {
            *made = None;
        }
        !is_old || made.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kek::{Action, KekUri, Refusal};

    fn refused() -> KekError {
        KekError::new(&KekUri::aws("alias/a").expect("valid"), Action::Wrap, Refusal::NotLoggedIn)
    }

    fn renewed(retry: Option<Duration>) -> Renewed<u8> {
        Renewed::new(Lifetimes { retry, ..Lifetimes::run() })
    }

    #[tokio::test]
    async fn it_is_made_once_and_anew_when_it_is_due() {
        let login = renewed(None);
        let first =
            login.get(async |_| Ok((1, Some(Duration::from_secs(60))))).await.expect("made");
        let again = login.get(async |_| Ok((2, None))).await.expect("kept");
        assert_eq!((*first, *again), (1, 1));
        let due = renewed(None);
        due.get(async |_| Ok((1, Some(Duration::ZERO)))).await.expect("made");
        let next = due.get(async |old| {
            assert!(old.is_none(), "it has ended");
            Ok((2, None))
        });
        assert_eq!(*next.await.expect("made"), 2);
    }

    #[tokio::test]
    async fn one_that_still_holds_is_kept_where_its_renewal_fails() {
        let login = renewed(None);
        login.get(async |_| Ok((1, Some(Duration::from_secs(60))))).await.expect("made");
        login.made.lock().await.as_mut().expect("there").due = Some(Instant::now());
        let kept = login.get(async |old| {
            assert_eq!(old, Some(&1));
            Err(refused())
        });
        assert_eq!(*kept.await.expect("kept"), 1);
    }

    #[tokio::test]
    async fn a_failure_is_kept_for_a_run_and_forgotten_by_a_server() {
        for (retry, tries) in [(None, 1), (Some(Duration::ZERO), 2)] {
            let login = renewed(retry);
            let mut asked = 0;
            for _ in 0..2 {
                let answer = login.get(async |_| {
                    asked += 1;
                    Err(refused())
                });
                assert!(answer.await.is_err());
            }
            assert_eq!(asked, tries);
        }
    }

    #[tokio::test]
    async fn what_was_refused_is_forgotten_once_it_is_old_enough() {
        let login = renewed(None);
        let first = login.get(async |_| Ok((1, None))).await.expect("made");
        assert!(!login.forget(&first, Duration::from_secs(60)).await, "it is new");
        assert!(login.forget(&first, Duration::ZERO).await);
        let second = login.get(async |_| Ok((2, None))).await.expect("made");
        assert!(login.forget(&first, Duration::ZERO).await, "another is there already");
        assert_eq!(*login.get(async |_| Ok((3, None))).await.expect("kept"), *second);
    }
}
