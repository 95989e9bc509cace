//! Metrics in the text format of Prometheus. Labels have few values, and none is an error text.

use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use envcrypt_core::kek::{KekError, Refusal};
use envcrypt_core::seed::key_id_hash;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// The bounds of durations, in seconds.
const BOUNDS: [f64; 9] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.5];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct MethodLabels {
    method: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    kek: String,
    op: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct KekLabels {
    kek: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChangeLabels {
    kek: String,
    direction: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FormatLabels {
    format: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HashLabels {
    hash: String,
}

/// All metrics of the server.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    request_duration: Family<MethodLabels, Histogram>,
    kek_calls: Family<CallLabels, Counter>,
    kek_duration: Family<KekLabels, Histogram>,
    kek_up: Family<KekLabels, Gauge>,
    kek_last_success: Family<KekLabels, Gauge>,
    key_id_info: Family<HashLabels, Gauge>,
    version_changes: Family<ChangeLabels, Counter>,
    foreign_reads: Family<FormatLabels, Counter>,
    local_key_created: Gauge,
    /// How many local keys are in memory.
    pub opened_keys: Gauge,
    /// How often a local key was not wrapped by every KEK.
    pub incomplete_keys: Counter<u64, AtomicU64>,
    /// How long no KEK has answered.
    pub outage_seconds: Gauge,
    /// How many connections of other users were refused.
    pub refused_peers: Counter<u64, AtomicU64>,
    /// How many calls ended in a bug.
    pub panics: Counter<u64, AtomicU64>,
}

impl Metrics {
    /// Everything is zero.
    pub fn new() -> Self {
        fn histogram() -> Histogram {
            Histogram::new(BOUNDS)
        }
        let mut new = Self {
            registry: Registry::with_prefix("envcrypt_kms"),
            requests: Family::default(),
            request_duration: Family::new_with_constructor(histogram),
            kek_calls: Family::default(),
            kek_duration: Family::new_with_constructor(histogram),
            kek_up: Family::default(),
            kek_last_success: Family::default(),
            key_id_info: Family::default(),
            version_changes: Family::default(),
            foreign_reads: Family::default(),
            local_key_created: Gauge::default(),
            opened_keys: Gauge::default(),
            incomplete_keys: Counter::default(),
            outage_seconds: Gauge::default(),
            refused_peers: Counter::default(),
            panics: Counter::default(),
        };
        new.register();
        new
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("requests", "Requests of kube-apiserver", self.requests.clone());
        let (name, help) = ("request_duration", "How long requests of kube-apiserver took");
        r.register_with_unit(name, help, Unit::Seconds, self.request_duration.clone());
        r.register("kek_calls", "Calls to a KEK", self.kek_calls.clone());
        let (name, help) = ("kek_duration", "How long calls to a KEK took");
        r.register_with_unit(name, help, Unit::Seconds, self.kek_duration.clone());
        r.register("kek_up", "Whether the KEK answered the last probe", self.kek_up.clone());
        let (name, help) = ("kek_last_success_timestamp", "When the KEK answered a probe last");
        r.register_with_unit(name, help, Unit::Seconds, self.kek_last_success.clone());
        let help = "The hash of the key id, as kube-apiserver reports it";
        r.register("key_id_info", help, self.key_id_info.clone());
        let help = "Changes of the version of a KEK";
        r.register("key_version_changes", help, self.version_changes.clone());
        let help = "Seeds of another KMS plugin that were opened";
        r.register("foreign_reads", help, self.foreign_reads.clone());
        let (name, help) = ("local_key_created_timestamp", "When the local key was made");
        r.register_with_unit(name, help, Unit::Seconds, self.local_key_created.clone());
        r.register("opened_keys", "Local keys in memory", self.opened_keys.clone());
        let help = "Local keys that not every KEK has wrapped";
        r.register("incomplete_keys", help, self.incomplete_keys.clone());
        let help = "How long no KEK has answered";
        r.register_with_unit("outage", help, Unit::Seconds, self.outage_seconds.clone());
        let help = "Connections of other users that were refused";
        r.register("refused_peers", help, self.refused_peers.clone());
        r.register("panics", "Calls that ended in a bug", self.panics.clone());
    }

    /// Counts a request of kube-apiserver.
    pub fn request(&self, method: &'static str, code: &'static str, began: Instant) {
        self.requests.get_or_create(&RequestLabels { method, code }).inc();
        let labels = MethodLabels { method };
        self.request_duration.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
    }

    /// Counts a call to a KEK.
    pub fn kek_call(&self, kek: &str, op: &'static str, began: Instant, error: Option<&KekError>) {
        let outcome = error.map_or("ok", |error| outcome(error.refusal));
        let labels = CallLabels { kek: kek.to_owned(), op, outcome };
        self.kek_calls.get_or_create(&labels).inc();
        let labels = KekLabels { kek: kek.to_owned() };
        self.kek_duration.get_or_create(&labels).observe(began.elapsed().as_secs_f64());
    }

    /// Notes whether a KEK answered a probe.
    pub fn kek_health(&self, kek: &str, is_good: bool) {
        let labels = KekLabels { kek: kek.to_owned() };
        self.kek_up.get_or_create(&labels).set(i64::from(is_good));
        if is_good {
            self.kek_last_success.get_or_create(&labels).set(now());
        }
    }

    /// Counts a change of the version of a KEK.
    pub fn version_change(&self, kek: &str, direction: &'static str) {
        let labels = ChangeLabels { kek: kek.to_owned(), direction };
        self.version_changes.get_or_create(&labels).inc();
    }

    /// Counts a seed of another KMS plugin that was opened.
    pub fn foreign_read(&self, format: &'static str) {
        self.foreign_reads.get_or_create(&FormatLabels { format }).inc();
    }

    /// Notes a new local key.
    pub fn new_local_key(&self) {
        self.local_key_created.set(now());
    }

    /// Notes a new key id.
    pub fn new_key_id(&self, key_id: &str) {
        self.key_id_info.clear();
        self.key_id_info.get_or_create(&HashLabels { hash: key_id_hash(key_id) }).set(1);
    }

    /// Forgets the KEKs of an earlier configuration.
    pub fn forget_keks(&self) {
        self.kek_up.clear();
        self.kek_last_success.clear();
    }

    /// Returns the text of all metrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to memory does not fail");
        text
    }
}

fn outcome(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Denied => "denied",
        Refusal::NotLoggedIn => "not_logged_in",
        Refusal::NotFound => "not_found",
        Refusal::Disabled => "disabled",
        Refusal::Throttled => "throttled",
        Refusal::Unreachable => "unreachable",
        Refusal::Rejected => "rejected",
        Refusal::Plugin => "plugin",
        Refusal::Unusable => "unusable",
        Refusal::Failed => "failed",
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
