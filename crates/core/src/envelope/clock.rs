//! The time of sealing.

use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the current time, in whole seconds since 1970 (UTC).
///
/// It returns 0 if the clock of the system is before 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
