//! How long a ring keeps things: for one run of a command, or as a server does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::KekError;

/// How long one call to a KMS may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// One attempt, connecting included.
    pub attempt: Duration,
    /// All attempts together, the login included.
    pub operation: Duration,
}

impl Default for Limits {
    /// 5 and 20 seconds: as long as people wait.
    fn default() -> Self {
        Self { attempt: Duration::from_secs(5), operation: Duration::from_secs(20) }
    }
}

/// How long data keys that were unwrapped are kept in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// As long as the ring.
    Always,
    /// For some time since each was unwrapped, and no more than so many.
    For {
        /// How long.
        age: Duration,
        /// How many. The oldest goes first.
        most: usize,
    },
}

/// How long a ring keeps what it learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// Unwrapped data keys.
    pub keep: Keep,
    /// After how long a KEK that is down gets one more try; `None`: never. A login that
    /// was refused, or a KMS plugin that was not well, is tried again after the same time.
    pub retry: Option<Duration>,
    /// How long one call may take.
    pub limits: Limits,
    /// Whether logins are renewed before they end.
    pub renews: bool,
}

impl Lifetimes {
    /// For one run of a command: nothing is forgotten, and what failed stays failed, so
    /// that thousands of Secrets do not each wait for it.
    #[must_use]
    pub fn run() -> Self {
        Self { keep: Keep::Always, retry: None, limits: Limits::default(), renews: false }
    }

    /// For a process that does not end: what is kept is bounded, and what was down gets
    /// another try.
    #[must_use]
    pub fn server(keep: Keep, limits: Limits) -> Self {
        Self { keep, retry: Some(Duration::from_secs(30)), limits, renews: true }
    }
}

/// Something that is made once for all who want it, and made anew when it is due: a
/// login, or a connection.
#[allow(dead_code, reason = "a build may have no KMS that logs in")]
pub(super) struct Renewed<T> {
    made: Mutex<Option<Made<T>>>,
    /// How long a failure is kept; `None`: for ever.
    keep_failure: Option<Duration>,
}

/// What was made, and until when it is good.
struct Made<T> {
    result: Result<Arc<T>, KekError>,
    since: Instant,
    /// When it is made anew.
    due: Option<Instant>,
    /// When it is of no use any more.
    ends: Option<Instant>,
}

/// How often a renewal that failed is tried again, while the old one still holds.
const RENEW_AGAIN: Duration = Duration::from_secs(5);

#[allow(dead_code, reason = "a build may have no KMS that logs in")]
impl<T> Renewed<T> {
    /// Nothing made yet.
    pub fn new(lifetimes: Lifetimes) -> Self {
        Self { made: Mutex::default(), keep_failure: lifetimes.retry }
    }

    /// What is there, or what `make` makes. With it comes how long it holds, if that is
    /// known: it is made anew after half of that time, and one that is still good is kept
    /// where that fails.
    ///
    /// # Errors
    /// What `make` said, now or before.
    pub async fn get(
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

    /// Drops `old`, if it is still what is there and older than `age`: it was refused, and
    /// may have been revoked. Whether another try makes sense.
    pub async fn forget(&self, old: &Arc<T>, age: Duration) -> bool {
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
