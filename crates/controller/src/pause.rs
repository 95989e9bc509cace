//! How long to wait before the next attempt.

use std::time::Duration;

use envcrypt_core::secret::random_bytes;

use crate::outcome::Retry;

/// Returns the pause before the next attempt: longer each time, and never the same for all.
/// `waiting` is the number of objects that wait for the same reason.
pub fn pause(retry: Retry, failures: u32, waiting: usize) -> Duration {
    let (first, most) = match retry {
        Retry::Passing => (1.0, 300.0),
        Retry::Conflict => (0.1, 5.0),
        // The first that is opened wakes all others, so few need to try.
        Retry::Kms => (1.0, 15.0 * (1.0 + waiting as f64 / 50.0).min(20.0)),
        Retry::Denied => (30.0, 600.0),
        Retry::NotOwned => (45.0, 45.0),
    };
    let doubled =
        first * 2_f64.powi(i32::try_from(failures.saturating_sub(1).min(20)).unwrap_or(20));
    let mut random = [0; 2];
    random_bytes(&mut random);
    let jitter = f64::from(u16::from_ne_bytes(random)) / f64::from(u16::MAX);
    Duration::from_secs_f64(doubled.min(most) * (0.8 + 0.4 * jitter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_and_many_wait_longer_for_a_kms() {
        let about = |retry, failures, waiting, seconds: f64| {
            let pause = pause(retry, failures, waiting).as_secs_f64();
            assert!((seconds * 0.79..seconds * 1.21).contains(&pause), "{pause} for {seconds}");
        };
        about(Retry::Passing, 1, 0, 1.0);
        about(Retry::Passing, 3, 0, 4.0);
        about(Retry::Passing, 100, 0, 300.0);
        about(Retry::Denied, 1, 0, 30.0);
        about(Retry::Denied, 9, 0, 600.0);
        about(Retry::Conflict, 1, 0, 0.1);
        about(Retry::Conflict, 99, 0, 5.0);
        about(Retry::NotOwned, 7, 0, 45.0);
        about(Retry::Kms, 10, 1, 15.3);
        about(Retry::Kms, 10, 100_000, 300.0);
    }
}
