//! How long a ring keeps DEKs, logins and failures: for one run of a command, or in a server.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::{KekError, Refusal};

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
        /// The maximum number of DEKs, at least one. The one that was not used for the longest
        /// time is removed first.
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

/// A login or a connection. It is made once for all callers, and made again when it is due.
#[allow(dead_code, reason = "a build may have no KMS that logs in")]
pub(super) struct Renewed<T> {
    made: RwLock<Option<Made<T>>>,
    /// Held by the one caller that makes it.
    making: Mutex<()>,
    /// How long a failure is kept; `None` means forever.
    keep_failure: Option<Duration>,
}

/// What was made, and how long it is good.
struct Made<T> {
    result: Result<Arc<T>, KekError>,
    since: Instant,
    /// How long it holds, from its start.
    holds: Option<Duration>,
    /// When it must be made again.
    due: Option<Instant>,
    /// When it can no longer be used.
    ends: Option<Instant>,
}

/// What came of a renewal.
#[allow(dead_code, reason = "a build may have no KMS that logs in")]
pub(super) enum Renewal<T> {
    /// A new one, and how long it holds if that is known.
    New(T, Option<Duration>),
    /// The old one holds for this time from now on.
    Extended(Duration),
}

/// The one that is there and still holds, and how long it held from its start.
pub(super) type Old<T> = (Arc<T>, Option<Duration>);

/// How soon a renewal is tried again after an outage, while the old one still holds.
const RENEW_AGAIN: Duration = Duration::from_secs(5);

#[allow(dead_code, reason = "a build may have no KMS that logs in")]
impl<T> Renewed<T> {
    /// Starts with nothing made.
    pub(super) fn new(lifetimes: Lifetimes) -> Self {
        Self { made: RwLock::default(), making: Mutex::default(), keep_failure: lifetimes.retry }
    }

    /// Returns what is there, or what `make` makes.
    ///
    /// It is made again after half of the time that it holds. One caller does that; the others
    /// get the old one until it ends. If making fails, the old one is kept until it ends.
    ///
    /// # Errors
    /// Returns the error of `make`, now or before.
    pub(super) async fn get(
        &self,
        make: impl AsyncFnOnce(Option<Old<T>>) -> Result<Renewal<T>, KekError>,
    ) -> Result<Arc<T>, KekError> {
        let _making = match self.fresh() {
            Ok(result) => return result,
            Err(Some((old, _))) => match self.making.try_lock() {
                Ok(making) => making,
                Err(_) => return Ok(old),
            },
            Err(None) => self.making.lock().await,
        };
        // Another caller may have made it meanwhile.
        let old = match self.fresh() {
            Ok(result) => return result,
            Err(old) => old,
        };
        let answer = make(old.clone()).await;
        let now = Instant::now();
        let (result, holds) = match (answer, old) {
            (Ok(Renewal::New(new, holds)), _) => (Ok(Arc::new(new)), holds),
            (Ok(Renewal::Extended(holds)), Some((old, _))) => (Ok(old), Some(holds)),
            (Ok(Renewal::Extended(_)), None) => unreachable!("there is nothing to extend"),
            (Err(error), Some((old, _))) => {
                let passes = matches!(error.refusal, Refusal::Unreachable | Refusal::Throttled);
                let again = if passes { Some(RENEW_AGAIN) } else { self.keep_failure };
                if let Some(made) =
                    self.made.write().unwrap_or_else(PoisonError::into_inner).as_mut()
                {
                    made.due = after(now, again);
                }
                return Ok(old);
            }
            (Err(error), None) => {
                let due = after(now, self.keep_failure);
                let result = Err(error);
                self.set(Made { result: result.clone(), since: now, holds: None, due, ends: due });
                return result;
            }
        };
        let due = after(now, holds.map(|holds| holds / 2));
        let ends = after(now, holds);
        self.set(Made { result: result.clone(), since: now, holds, due, ends });
        result
    }

    /// What is there and not due. Otherwise the old one, if it still holds.
    fn fresh(&self) -> Result<Result<Arc<T>, KekError>, Option<Old<T>>> {
        let made = self.made.read().unwrap_or_else(PoisonError::into_inner);
        let Some(made) = made.as_ref() else { return Err(None) };
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= Instant::now());
        match (passed(made.due), passed(made.ends)) {
            (false, _) => Ok(made.result.clone()),
            (true, true) => Err(None),
            (true, false) => Err(made.result.as_ref().ok().map(|old| (old.clone(), made.holds))),
        }
    }

    fn set(&self, made: Made<T>) {
        *self.made.write().unwrap_or_else(PoisonError::into_inner) = Some(made);
    }

    /// A call with `old` was refused: it may have been revoked. If it is older than `age`, it is
    /// due now. It stays in use if no new one can be made, unless it `is_gone` for certain.
    ///
    /// Returns whether another try makes sense.
    pub(super) fn doubt(&self, old: &Arc<T>, age: Duration, is_gone: bool) -> bool {
        let mut made = self.made.write().unwrap_or_else(PoisonError::into_inner);
        let Some(there) = made.as_mut() else { return true };
        if !there.result.as_ref().is_ok_and(|there| Arc::ptr_eq(there, old)) {
            return true;
        }
        let is_old = there.since.elapsed() >= age;
        if is_old {
            there.due = Some(Instant::now());
            if is_gone {
                there.ends = there.due;
            }
        }
        is_old
    }
}

fn after(now: Instant, time: Option<Duration>) -> Option<Instant> {
    time.and_then(|time| now.checked_add(time))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kek::{Action, KekUri};

    fn refused() -> KekError {
        KekError::new(&KekUri::aws("alias/a").expect("valid"), Action::Wrap, Refusal::NotLoggedIn)
    }

    fn renewed(retry: Option<Duration>) -> Renewed<u8> {
        Renewed::new(Lifetimes { retry, ..Lifetimes::run() })
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn it_is_made_once_and_again_when_it_has_ended() {
        let login = renewed(None);
        let first = login.get(async |_| Ok(Renewal::New(1, Some(MINUTE)))).await.expect("made");
        let again = login.get(async |_| Ok(Renewal::New(2, None))).await.expect("kept");
        assert_eq!((*first, *again), (1, 1));
        let ended = renewed(None);
        ended.get(async |_| Ok(Renewal::New(1, Some(Duration::ZERO)))).await.expect("made");
        let next = ended.get(async |old| {
            assert!(old.is_none(), "it has ended");
            Ok(Renewal::New(2, None))
        });
        assert_eq!(*next.await.expect("made"), 2);
    }

    fn make_due(login: &Renewed<u8>) {
        login.made.write().expect("whole").as_mut().expect("there").due = Some(Instant::now());
    }

    #[tokio::test]
    async fn one_that_still_holds_is_kept_where_its_renewal_fails_or_hangs() {
        let login = renewed(Some(MINUTE));
        login.get(async |_| Ok(Renewal::New(1, Some(MINUTE)))).await.expect("made");
        make_due(&login);
        let mut asked = 0;
        for _ in 0..3 {
            let kept = login.get(async |old| {
                assert_eq!(old.map(|(old, holds)| (*old, holds)), Some((1, Some(MINUTE))));
                asked += 1;
                Err(refused())
            });
            assert_eq!(*kept.await.expect("kept"), 1);
        }
        assert_eq!(asked, 1, "a refusal is not repeated at once");
        make_due(&login);
        let hangs = login.get(async |_| std::future::pending().await);
        let others = async {
            // The first poll of the hanging one comes first.
            tokio::task::yield_now().await;
            login.get(async |_| Err(refused())).await
        };
        tokio::select! {
            biased;
            _ = hangs => panic!("it hangs"),
            kept = others => assert_eq!(*kept.expect("not held up"), 1),
        }
    }

    #[tokio::test]
    async fn it_is_due_when_half_of_its_time_has_passed() {
        let login = renewed(None);
        let before = Instant::now();
        login.get(async |_| Ok(Renewal::New(1, Some(MINUTE)))).await.expect("made");
        let after = Instant::now();
        let made = login.made.read().expect("whole");
        let (due, ends) = made.as_ref().and_then(|made| made.due.zip(made.ends)).expect("known");
        assert!((before + MINUTE / 2..=after + MINUTE / 2).contains(&due));
        assert!((before + MINUTE..=after + MINUTE).contains(&ends));
    }

    #[tokio::test]
    async fn one_can_be_extended() {
        let login = renewed(None);
        login.get(async |_| Ok(Renewal::New(1, Some(MINUTE)))).await.expect("made");
        make_due(&login);
        let extended = login.get(async |_| Ok(Renewal::Extended(MINUTE))).await.expect("extended");
        assert_eq!(*extended, 1);
        assert_eq!(*login.get(async |_| Err(refused())).await.expect("fresh"), 1);
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
    async fn what_is_in_doubt_is_made_again_and_kept_if_that_fails() {
        let login = renewed(Some(MINUTE));
        let first = login.get(async |_| Ok(Renewal::New(1, None))).await.expect("made");
        assert!(!login.doubt(&first, MINUTE, false), "it is new");
        assert!(login.doubt(&first, Duration::ZERO, false));
        assert_eq!(*login.get(async |_| Err(refused())).await.expect("kept"), 1);
        assert!(login.doubt(&first, Duration::ZERO, false));
        let second = login.get(async |_| Ok(Renewal::New(2, None))).await.expect("made");
        assert_eq!(*second, 2);
        assert!(login.doubt(&first, Duration::ZERO, false), "another is there already");
        // One that is gone for certain is not kept.
        assert!(login.doubt(&second, Duration::ZERO, true));
        assert!(login.get(async |_| Err(refused())).await.is_err());
    }
}
