//! What is known of each KEK.

use std::fmt::Write;
use std::time::Instant;

use envcrypt_core::kek::KekError;
use envcrypt_core::seed::key_id;

use super::health::Health;
use super::round::Round;
use super::versions::{Observed, Version, Versions};
use crate::config::{Config, Peer};
use crate::metrics::Metrics;

/// The KEKs of `keks` and the peers of `reads`, each in the order of the configuration.
pub struct Keks {
    own: Vec<One>,
    peers: Vec<One>,
    /// The peer whose ciphertexts are written. As long as there is one, it alone decides whether
    /// the server works.
    writer: Option<usize>,
}

struct One {
    name: String,
    escrow: bool,
    health: Health,
    /// For the peer whose ciphertexts are written, these are its key ids.
    versions: Versions,
}

impl Keks {
    /// Nothing is known yet.
    pub fn new(config: &Config) -> Self {
        let writes = config.writes.as_ref();
        Self {
            own: config.keks.iter().map(|kek| One::new(&kek.uri, kek.escrow)).collect(),
            peers: config.reads.iter().map(One::of_peer).collect(),
            writer: writes.and_then(|w| config.reads.iter().position(|peer| *peer == w.peer)),
        }
    }

    /// Notes what the KEKs answered. Returns whether all versions are settled.
    pub fn note(&mut self, round: &Round, metrics: &Metrics, now: Instant) -> bool {
        let mut settled = true;
        for (kek, answer) in self.own.iter_mut().zip(&round.answers) {
            let version = answer.as_ref().map(|answer| Some(answer.version.clone()));
            settled &= kek.note(version, metrics, now);
        }
        for (peer, answer) in self.peers.iter_mut().zip(&round.peers) {
            let Some(answer) = answer else { continue };
            let key_id = answer.as_ref().map(|key_id| key_id.clone().map(Some));
            settled &= peer.note(key_id, metrics, now);
        }
        settled
    }

    /// How many of the KEKs that decide answered the last round.
    pub fn good(&self) -> usize {
        self.deciding().filter(|kek| kek.health.is_good()).count()
    }

    /// Whether everything that was tested answered the last round.
    pub fn are_all_good(&self) -> bool {
        self.active().chain(&self.peers).all(|kek| kek.health.down.is_none())
    }

    /// Whether all KEKs that decide refuse for good. While one of them cannot be reached, it may
    /// still allow what the others refuse: that is an outage.
    pub fn refuse(&self) -> bool {
        self.deciding().all(|kek| kek.health.refuses())
    }

    /// Whether each KEK answered with its current version. Otherwise, a local key of this round
    /// would have a key id of versions that did not wrap it.
    pub fn agree(&self, round: &Round) -> bool {
        let mut answers = self.own.iter().zip(&round.answers);
        answers.all(|(kek, answer)| {
            let version = answer.as_ref().ok().map(|answer| &answer.version);
            version.is_none_or(|version| kek.versions.current() == Some(version))
        })
    }

    /// Takes over what an earlier configuration knew about the versions of the same KEKs.
    pub fn inherit(&mut self, before: &Self) {
        // A KEK can be among both, and the versions of a peer are its key ids.
        for (keks, known) in [(&mut self.own, &before.own), (&mut self.peers, &before.peers)] {
            for kek in keks {
                if let Some(known) = known.iter().find(|known| known.name == kek.name) {
                    kek.versions = known.versions.clone();
                }
            }
        }
    }

    /// Whether a KEK that does not decide refuses for good since the last round.
    pub fn have_lost_one(&self) -> bool {
        let own = self.writer.is_some() && !self.active().any(|kek| kek.health.is_good());
        let own = self.active().filter(|_| own);
        let others = self.peers.iter().enumerate().filter(|(i, _)| Some(*i) != self.writer);
        own.chain(others.map(|(_, peer)| peer)).any(|kek| kek.health.has_just_refused())
    }

    /// The key id of all nodes with this configuration.
    pub fn key_id(&self, config: &Config) -> String {
        if let Some(writer) = self.writer {
            return self.peers[writer].versions.current().cloned().flatten().unwrap_or_default();
        }
        let version = |kek: &'_ One| kek.versions.current().cloned().flatten();
        let versions: Vec<Version> = self.own.iter().map(version).collect();
        let keks = config.keks.iter().zip(&versions);
        let keks = keks.map(|(kek, version)| (&kek.uri, version.as_deref()));
        key_id(&config.cluster, config.generation, keks)
    }

    /// Why the KEKs that decide and are down are down, in one line.
    pub fn reasons(&self) -> String {
        let down = self.deciding().filter_map(|kek| kek.health.down.as_ref());
        let reasons: Vec<String> = down.map(|(error, _)| error.to_string()).collect();
        if reasons.is_empty() { "no KEK has answered yet".to_owned() } else { reasons.join("; ") }
    }

    /// One line for each KEK, for a person.
    pub fn describe(&self) -> String {
        let mut text = String::new();
        for kek in self.own.iter().chain(&self.peers) {
            let state = match &kek.health.down {
                Some((error, since)) => {
                    format!("{}, for {} s", error.refusal, since.elapsed().as_secs())
                }
                None if kek.health.last_good.is_some() => "ok".to_owned(),
                None => "not tested yet".to_owned(),
            };
            let _ = writeln!(text, "{} {state}", kek.name);
        }
        text
    }

    /// The KEKs that decide whether the server works. Those in escrow do not.
    fn deciding(&self) -> impl Iterator<Item = &One> {
        let writer = self.writer.map(|writer| &self.peers[writer]);
        writer.into_iter().chain(self.active().filter(move |_| writer.is_none()))
    }

    fn active(&self) -> impl Iterator<Item = &One> {
        self.own.iter().filter(|kek| !kek.escrow)
    }
}

impl One {
    fn new(name: impl ToString, escrow: bool) -> Self {
        Self {
            name: name.to_string(),
            escrow,
            health: Health::default(),
            versions: Versions::default(),
        }
    }

    fn of_peer(peer: &Peer) -> Self {
        Self { versions: Versions::of_peer(), ..Self::new(peer, false) }
    }

    /// Notes an answer, and the version if the answer has one. Returns whether it is settled.
    fn note(
        &mut self,
        answer: Result<Option<Version>, &KekError>,
        metrics: &Metrics,
        now: Instant,
    ) -> bool {
        self.note_health(answer.as_ref().err().copied(), now);
        metrics.kek_health(&self.name, self.health.is_good());
        let Ok(Some(version)) = answer else { return true };
        let observed = self.versions.observe(version, now);
        self.tell(&observed, metrics);
        observed != Observed::Unsettled
    }

    fn note_health(&mut self, error: Option<&KekError>, now: Instant) {
        match (error, &self.health.down) {
            (Some(error), None) => {
                let detail = error.detail.as_deref().unwrap_or_default();
                tracing::warn!(kek = %self.name, detail, "{error}");
            }
            (None, Some(_)) => tracing::info!(kek = %self.name, "the KEK answers again"),
            _ => {}
        }
        self.health.note(error, now);
    }

    fn tell(&self, observed: &Observed, metrics: &Metrics) {
        match observed {
            Observed::Same | Observed::Unsettled => {}
            Observed::Changed => {
                metrics.version_change(&self.name, "forward");
                tracing::info!(kek = %self.name, "the KEK has a new version");
            }
            Observed::Past => {
                metrics.version_change(&self.name, "back");
                tracing::warn!(
                    kek = %self.name,
                    "the KEK reports a version from before, which counts only after 3 hours; to force a new key id, raise `generation`"
                );
            }
        }
    }
}
