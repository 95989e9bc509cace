//! What is known of each KEK.

use std::fmt::Write;
use std::time::Instant;

use envcrypt_core::kek::{KekError, KekUri};
use envcrypt_core::seed::key_id;

use super::health::Health;
use super::round::Round;
use super::versions::{Observed, Versions};
use crate::config::Config;
use crate::metrics::Metrics;

/// The KEKs, in the order of the configuration.
pub struct Keks(Vec<One>);

struct One {
    uri: KekUri,
    escrow: bool,
    health: Health,
    versions: Versions,
}

impl Keks {
    /// Nothing is known yet.
    pub fn new(config: &Config) -> Self {
        let one = |kek: &crate::config::KekConfig| One {
            uri: kek.uri.clone(),
            escrow: kek.escrow,
            health: Health::default(),
            versions: Versions::default(),
        };
        Self(config.keks.iter().map(one).collect())
    }

    /// Notes what the KEKs answered. Returns whether all versions are settled.
    pub fn note(&mut self, round: &Round, metrics: &Metrics, now: Instant) -> bool {
        let mut settled = true;
        for (kek, answer) in self.0.iter_mut().zip(&round.answers) {
            kek.note_health(answer.as_ref().err(), now);
            metrics.kek_health(&kek.uri, kek.health.is_good());
            if let Ok(answer) = answer {
                let observed = kek.versions.observe(answer.version.clone(), now);
                settled &= observed != Observed::Unsettled;
                kek.tell(&observed, metrics);
            }
        }
        settled
    }

    /// How many KEKs answered the last round. Those in escrow do not count.
    pub fn good(&self) -> usize {
        self.active().filter(|kek| kek.health.is_good()).count()
    }

    /// Whether a KEK refuses for good.
    pub fn refuse(&self) -> bool {
        self.active().any(|kek| kek.health.refuses())
    }

    /// The key id of all nodes with this configuration.
    pub fn key_id(&self, config: &Config) -> String {
        let versions = self
            .0
            .iter()
            .map(|kek| (&kek.uri, kek.versions.current().and_then(|version| version.as_deref())));
        key_id(&config.cluster, config.generation, versions)
    }

    /// Why the KEKs that are down are down, in one line.
    pub fn reasons(&self) -> String {
        let down = self.0.iter().filter_map(|kek| kek.health.down.as_ref());
        let reasons: Vec<String> = down.map(|(error, _)| error.to_string()).collect();
        if reasons.is_empty() { "no KEK has answered yet".to_owned() } else { reasons.join("; ") }
    }

    /// One line for each KEK, for a person.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for kek in &self.0 {
            let state = match &kek.health.down {
                Some((error, since)) => {
                    format!("{}, for {} s", error.refusal, since.elapsed().as_secs())
                }
                None if kek.health.last_good.is_some() => "ok".to_owned(),
                None => "not tested yet".to_owned(),
            };
            let _ = writeln!(text, "{} {state}", kek.uri);
        }
        text
    }

    fn active(&self) -> impl Iterator<Item = &One> {
        self.0.iter().filter(|kek| !kek.escrow)
    }
}

impl One {
    fn note_health(&mut self, error: Option<&KekError>, now: Instant) {
        match (error, &self.health.down) {
            (Some(error), None) => {
                let detail = error.detail.as_deref().unwrap_or_default();
                tracing::warn!(kek = %self.uri, detail, "{error}");
            }
            (None, Some(_)) => tracing::info!(kek = %self.uri, "the KEK answers again"),
            _ => {}
        }
        self.health.note(error, now);
    }

    fn tell(&self, observed: &Observed, metrics: &Metrics) {
        match observed {
            Observed::Same | Observed::Unsettled => {}
            Observed::Changed => {
                metrics.version_change(&self.uri, "forward");
                tracing::info!(kek = %self.uri, "the KEK has a new version");
            }
            Observed::Past => {
                metrics.version_change(&self.uri, "back");
                tracing::warn!(
                    kek = %self.uri,
                    "the KEK reports a version from before, which counts only after 3 hours; to force a new key id, raise `generation`"
                );
            }
        }
    }
}
