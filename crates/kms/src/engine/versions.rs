//! Which version of a KEK is the current one.
//!
//! A KMS can take a while to settle after a rotation, and answers with either version meanwhile.
//! The key id must not follow each answer, because kube-apiserver makes a new seed each time.

use std::time::{Duration, Instant};

/// How many equal observations in a row make a version the current one.
const SETTLED: u32 = 3;
/// How long a version that was the current one before must be observed to become it again.
const AGAIN_AFTER: Duration = Duration::from_secs(3 * 3600);
/// How many past versions are remembered.
const PAST: usize = 16;

/// A version as the KMS reports it. `None` means that the KMS reports none.
pub type Version = Option<String>;

/// The versions of one KEK that were observed.
#[derive(Debug, Default, Clone)]
pub struct Versions {
    current: Option<Version>,
    candidate: Option<Candidate>,
    past: Vec<Version>,
    /// Whether a version from before may come back at once.
    may_come_back: bool,
}

#[derive(Debug, Clone)]
struct Candidate {
    version: Version,
    count: u32,
    since: Instant,
}

/// What an observation means.
#[derive(Debug, PartialEq, Eq)]
pub enum Observed {
    /// The version is the current one, as before.
    Same,
    /// Another version may become the current one.
    Unsettled,
    /// Another version became the current one.
    Changed,
    /// A version from before is observed again. It does not become the current one for hours.
    Past,
}

impl Versions {
    /// The key ids of a peer. One from before comes back at once, as the peer itself reports it.
    pub fn of_peer() -> Self {
        Self { may_come_back: true, ..Self::default() }
    }

    /// Returns the current version, or `None` if the KEK never answered.
    pub fn current(&self) -> Option<&Version> {
        self.current.as_ref()
    }

    /// Notes what the KMS reported.
    pub fn observe(&mut self, version: Version, now: Instant) -> Observed {
        let Some(current) = &self.current else {
            self.current = Some(version);
            return Observed::Same;
        };
        if *current == version {
            self.candidate = None;
            return Observed::Same;
        }
        match &mut self.candidate {
            Some(candidate) if candidate.version == version => candidate.count += 1,
            _ => {
                let version = version.clone();
                self.candidate = Some(Candidate { version, count: 1, since: now });
            }
        }
        let is_past = self.past.contains(&version);
        let candidate = self.candidate.as_ref().filter(|candidate| {
            let waited = now.saturating_duration_since(candidate.since);
            candidate.count >= SETTLED && (!is_past || waited >= AGAIN_AFTER)
        });
        match candidate {
            Some(_) => {
                self.adopt(version);
                Observed::Changed
            }
            None if is_past => Observed::Past,
            None => Observed::Unsettled,
        }
    }

    fn adopt(&mut self, version: Version) {
        let before = self.current.replace(version);
        self.past.extend(before.filter(|_| !self.may_come_back));
        let excess = self.past.len().saturating_sub(PAST);
        self.past.drain(..excess);
        self.candidate = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observe(versions: &mut Versions, version: &str, now: Instant) -> Observed {
        versions.observe(Some(version.to_owned()), now)
    }

    #[test]
    fn a_rotation_counts_after_three_equal_answers() {
        let (mut versions, now) = (Versions::default(), Instant::now());
        assert_eq!(observe(&mut versions, "1", now), Observed::Same);
        for expected in [Observed::Unsettled, Observed::Unsettled, Observed::Changed] {
            assert_eq!(observe(&mut versions, "2", now), expected);
        }
        assert_eq!(versions.current(), Some(&Some("2".to_owned())));
    }

    #[test]
    fn answers_that_flap_change_nothing() {
        let (mut versions, now) = (Versions::default(), Instant::now());
        observe(&mut versions, "1", now);
        for _ in 0..100 {
            assert_eq!(observe(&mut versions, "2", now), Observed::Unsettled);
            assert_eq!(observe(&mut versions, "2", now), Observed::Unsettled);
            assert_eq!(observe(&mut versions, "1", now), Observed::Same);
        }
    }

    #[test]
    fn a_version_from_before_counts_only_after_hours() {
        let (mut versions, now) = (Versions::default(), Instant::now());
        observe(&mut versions, "1", now);
        for _ in 0..3 {
            observe(&mut versions, "2", now);
        }
        for _ in 0..50 {
            assert_eq!(observe(&mut versions, "1", now), Observed::Past);
        }
        assert_eq!(observe(&mut versions, "1", now + AGAIN_AFTER), Observed::Changed);
        let mut of_peer = Versions::of_peer();
        for version in ["1", "2", "2", "2", "1", "1"] {
            observe(&mut of_peer, version, now);
        }
        assert_eq!(observe(&mut of_peer, "1", now), Observed::Changed);
    }
}
