//! How one KEK does: when it answered last, and what it said.

use std::time::Instant;

use envcrypt_core::kek::{KekError, Refusal};

/// How many refusals in a row are final.
pub const REFUSED_FOR_GOOD: u32 = 3;

/// How one KEK does.
#[derive(Debug, Default, Clone)]
pub struct Health {
    /// The last time that it wrapped and unwrapped.
    pub last_good: Option<Instant>,
    /// The error of the last probe, and since when there is one.
    pub down: Option<(KekError, Instant)>,
    /// How many probes in a row it refused.
    refused: u32,
}

impl Health {
    /// Notes the result of a probe.
    pub fn note(&mut self, error: Option<&KekError>, now: Instant) {
        let Some(error) = error else {
            *self = Self { last_good: Some(now), ..Self::default() };
            return;
        };
        self.refused = if is_refused(error) { self.refused + 1 } else { 0 };
        let since = self.down.take().map_or(now, |(_, since)| since);
        self.down = Some((error.clone(), since));
    }

    /// Returns whether it answered the last probe as it should.
    pub fn is_good(&self) -> bool {
        self.down.is_none() && self.last_good.is_some()
    }

    /// Returns whether it refuses for good. An outage is never a refusal.
    pub fn refuses(&self) -> bool {
        self.refused >= REFUSED_FOR_GOOD
    }

    /// Returns whether the last probe made the refusal final.
    pub fn has_just_refused(&self) -> bool {
        self.refused == REFUSED_FOR_GOOD
    }
}

/// Returns whether the KMS answered, and said no.
fn is_refused(error: &KekError) -> bool {
    matches!(error.refusal, Refusal::Denied | Refusal::Disabled | Refusal::NotFound)
}

#[cfg(test)]
mod tests {
    use envcrypt_core::kek::Action;

    use super::*;

    fn error(refusal: Refusal) -> KekError {
        KekError::new(&"hashivault://a".parse().expect("a KEK"), Action::Wrap, refusal)
    }

    #[test]
    fn only_three_refusals_in_a_row_are_final() {
        let (mut health, now) = (Health::default(), Instant::now());
        for refusal in [Refusal::Denied, Refusal::Denied, Refusal::Unreachable, Refusal::Disabled] {
            health.note(Some(&error(refusal)), now);
            assert!(!health.refuses() && !health.is_good());
        }
        health.note(Some(&error(Refusal::NotFound)), now);
        health.note(Some(&error(Refusal::Denied)), now);
        assert!(health.refuses() && health.has_just_refused());
        health.note(Some(&error(Refusal::Denied)), now);
        assert!(health.refuses() && !health.has_just_refused());
        health.note(None, now);
        assert!(health.is_good() && !health.refuses());
    }

    #[test]
    fn an_outage_is_never_a_refusal() {
        let (mut health, now) = (Health::default(), Instant::now());
        for refusal in [Refusal::Unreachable, Refusal::Throttled, Refusal::NotLoggedIn] {
            for _ in 0..10 {
                health.note(Some(&error(refusal)), now);
            }
        }
        assert!(!health.refuses());
    }
}
