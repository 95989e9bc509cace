//! The time of sealing.

use std::time::{SystemTime, UNIX_EPOCH};

use super::SealedSecret;

/// Returns the current time, in whole seconds since 1970 (UTC).
///
/// It returns 0 if the clock of the system is before 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// How far ahead of the clock a time may be, in seconds: one day. A time that is later comes from a
/// wrong clock, or from someone who wants to make a Secret unchangeable.
const MAX_AHEAD: u64 = 24 * 60 * 60;

/// Returns whether a time of sealing is too far in the future to be true.
#[must_use]
pub fn is_too_late(sealed_at: u64, now: u64) -> bool {
    sealed_at > now.saturating_add(MAX_AHEAD)
}

impl SealedSecret {
    /// Returns the time for a new seal in the place of this one: `now`, or later.
    ///
    /// It is always after the time of this seal. So a reader can detect offline which of two
    /// versions of a Secret is older. A time that [is too late](is_too_late) is not continued.
    #[must_use]
    pub fn next_seal_time(&self, now: u64) -> u64 {
        let last = self.seal.as_ref().map(|seal| seal.sealed_at);
        let last = last.filter(|last| !is_too_late(*last, now));
        last.map_or(now, |last| now.max(last.saturating_add(1)))
    }
}
