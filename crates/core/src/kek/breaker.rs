//! Remembers which KEKs are down, so that each of many Secrets does not wait for them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::{KekError, KekId};

/// The number of failed calls in a row after which a KEK is down. Each call includes all attempts.
const DOWN_AFTER: usize = 3;

/// The KEKs that could not be reached, or that throttled every attempt.
pub(super) struct Breaker {
    /// The time after which a KEK that is down gets one more call. `None` means never.
    retry: Option<Duration>,
    failures: HashMap<KekId, Failures>,
}

/// The failed calls in a row of one KEK.
struct Failures {
    count: usize,
    last: KekError,
    /// The time of the last failure, or of the last call that was allowed.
    since: Instant,
}

impl Breaker {
    pub(super) fn new(retry: Option<Duration>) -> Self {
        Self { retry, failures: HashMap::new() }
    }

    /// Checks that a KEK is not down.
    ///
    /// When a KEK that is down is due for another call, one caller may make it. All others get the
    /// error until that call ends.
    ///
    /// # Errors
    /// Returns the last error of the KEK if it is down.
    pub(super) fn check(&mut self, kek: &KekId) -> Result<(), KekError> {
        let Some(failures) = self.failures.get_mut(kek) else { return Ok(()) };
        if failures.count < DOWN_AFTER {
            return Ok(());
        }
        match self.retry {
            Some(retry) if failures.since.elapsed() >= retry => {
                failures.since = Instant::now();
                Ok(())
            }
            _ => Err(failures.last.clone()),
        }
    }

    /// Records the result of a call. Any other refusal shows that the KEK is up.
    pub(super) fn note(&mut self, kek: &KekId, error: Option<&KekError>) {
        match error.filter(|error| super::retry::passes(error.refusal)) {
            Some(error) => {
                let new = || Failures { count: 0, last: error.clone(), since: Instant::now() };
                let failures = self.failures.entry(kek.clone()).or_insert_with(new);
                failures.count += 1;
                failures.last.clone_from(error);
                failures.since = Instant::now();
            }
            None => drop(self.failures.remove(kek)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kek::{Action, KekUri, Refusal};

    fn down(retry: Option<Duration>) -> (Breaker, KekId, KekError) {
        let uri = KekUri::aws("alias/a").expect("valid");
        let error = KekError::new(&uri, Action::Unwrap, Refusal::Unreachable);
        let mut breaker = Breaker::new(retry);
        for _ in 0..DOWN_AFTER {
            assert!(breaker.check(&uri.id()).is_ok());
            breaker.note(&uri.id(), Some(&error));
        }
        (breaker, uri.id(), error)
    }

    #[test]
    fn a_run_does_not_ask_again_what_is_down() {
        let (mut breaker, kek, _) = down(None);
        assert_eq!(breaker.check(&kek).map_err(|e| e.refusal), Err(Refusal::Unreachable));
    }

    #[test]
    fn a_server_lets_one_try_pass_at_a_time_and_an_answer_closes_it() {
        let (mut breaker, kek, error) = down(Some(Duration::from_secs(60)));
        assert!(breaker.check(&kek).is_err());
        let long_ago = Instant::now().checked_sub(Duration::from_secs(61)).expect("a past");
        breaker.failures.get_mut(&kek).expect("there").since = long_ago;
        assert!(breaker.check(&kek).is_ok(), "one try");
        assert!(breaker.check(&kek).is_err(), "and no other beside it");
        breaker.note(&kek, Some(&error));
        assert!(breaker.check(&kek).is_err(), "it is still down");
        breaker.note(&kek, None);
        assert!(breaker.check(&kek).is_ok());
    }

    #[test]
    fn a_refusal_shows_that_it_is_up() {
        let (mut breaker, kek, error) = down(None);
        let denied = KekError { refusal: Refusal::Denied, ..error };
        breaker.note(&kek, Some(&denied));
        assert!(breaker.check(&kek).is_ok());
    }
}
