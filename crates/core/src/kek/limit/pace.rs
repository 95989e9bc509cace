//! Spreads calls over time.

use std::time::Duration;

use tokio::time::Instant;

/// The calls that a service allows in any period of this length, as it publishes them.
#[derive(Debug, Clone, Copy)]
pub(in crate::kek) struct Quota {
    /// The number of calls.
    pub calls: u32,
    /// The length of the period.
    pub per: Duration,
}

/// Lets calls start at a rate, and a few of them at once.
pub(super) struct Pace {
    /// The time of one call, in seconds.
    interval: f64,
    /// The number of calls that may start at once.
    burst: f64,
    /// When the calls up to now have used up their time.
    used_until: Instant,
}

impl Pace {
    /// `rate` is in calls a second.
    pub(super) fn new(rate: f64, burst: f64) -> Self {
        Self { interval: 1.0 / rate, burst, used_until: Instant::now() }
    }

    /// Half of the calls of a quota may start at once. The other half is spread over the period. So
    /// no period has more than all, and others who share the quota keep a part of it.
    pub(super) fn of_quota(quota: Quota) -> Self {
        let half = f64::from(quota.calls) / 2.0;
        Self::new(half / quota.per.as_secs_f64(), half)
    }

    pub(super) fn rate(&self) -> f64 {
        1.0 / self.interval
    }

    pub(super) fn set_rate(&mut self, rate: f64) {
        self.interval = 1.0 / rate;
    }

    /// Returns when the next call may start.
    pub(super) fn next(&self) -> Instant {
        self.used_until.checked_sub(self.slack()).unwrap_or(self.used_until)
    }

    /// Starts a call.
    pub(super) fn take(&mut self, now: Instant) {
        self.used_until = self.used_until.max(now) + Duration::from_secs_f64(self.interval);
    }

    /// Lets no call start before `at`, and then only one at once.
    pub(super) fn pause(&mut self, at: Instant) {
        self.used_until = self.used_until.max(at + self.slack());
    }

    /// How far the calls may be ahead of their rate.
    fn slack(&self) -> Duration {
        Duration::from_secs_f64(self.interval * (self.burst - 1.0).max(0.0))
    }
}
