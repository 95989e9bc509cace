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

impl SealedSecret {
    /// Returns the time for a new seal in the place of this one: `now`, or later.
    ///
    /// It is always after the time of this seal, also if a clock is wrong. So a reader can
    /// detect offline which of two versions of a Secret is older.
    #[must_use]
    pub fn next_seal_time(&self, now: u64) -> u64 {
        let last = self.seal.as_ref().map_or(0, |seal| seal.sealed_at.saturating_add(1));
        now.max(last)
    }
}
