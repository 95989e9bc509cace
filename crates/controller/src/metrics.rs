//! Metrics in the text format of Prometheus. No label is the name of an object.

use std::time::Instant;

use envcrypt_core::secret::Namespace;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::outcome::Standing;

/// The bounds of durations, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What a delivery did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It made the Secret.
    Created,
    /// It wrote what was sealed anew.
    Updated,
    /// It took over a Secret that was given.
    Adopted,
    /// It undid what someone else had changed.
    Repaired,
    /// Nothing was to be done.
    Unchanged,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SecretLabels {
    namespace: String,
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ResultLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    scheme: String,
    result: &'static str,
}

/// All metrics of the controller.
pub struct Metrics {
    registry: Registry,
    secrets: Family<SecretLabels, Gauge>,
    deliveries: Family<ResultLabels, Counter>,
    reconcile: Histogram,
    kms_calls: Family<CallLabels, Counter>,
    kms: Histogram,
    /// How many objects wait or are delivered now.
    pub queue: Gauge,
    /// How long the oldest one waits, in seconds.
    pub oldest_waiting: Gauge,
    /// Whether this process delivers.
    pub leader: Gauge,
    /// How often a workload was restarted.
    pub restarts: Counter,
}

impl Metrics {
    /// Everything is zero. Series that an alert may need are there from the start.
    pub fn new() -> Self {
        let mut new = Self {
            registry: Registry::with_prefix("envcrypt"),
            secrets: Family::default(),
            deliveries: Family::default(),
            reconcile: Histogram::new(BOUNDS),
            kms_calls: Family::default(),
            kms: Histogram::new(BOUNDS),
            queue: Gauge::default(),
            oldest_waiting: Gauge::default(),
            leader: Gauge::default(),
            restarts: Counter::default(),
        };
        for result in ["created", "updated", "adopted", "repaired", "unchanged"] {
            let _ = new.deliveries.get_or_create(&ResultLabels { result });
        }
        new.register();
        new
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("secrets", "EnvcryptSecrets, by how they stand", self.secrets.clone());
        r.register("deliveries", "Deliveries, by what they did", self.deliveries.clone());
        let help = "How long a delivery took";
        r.register_with_unit("reconcile", help, Unit::Seconds, self.reconcile.clone());
        r.register("kms_calls", "Data keys that a KMS unwrapped", self.kms_calls.clone());
        let help = "How long opening a Secret took";
        r.register_with_unit("kms", help, Unit::Seconds, self.kms.clone());
        r.register("queue", "Objects that wait for a delivery", self.queue.clone());
        let help = "How long the oldest object waits";
        r.register_with_unit("oldest_waiting", help, Unit::Seconds, self.oldest_waiting.clone());
        r.register("leader", "Whether this process delivers", self.leader.clone());
        r.register("restarts", "Workloads that were restarted", self.restarts.clone());
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        r.register("build", "The version of this program", build);
    }

    /// Notes that an object stands in another way.
    pub fn stands(&self, namespace: &Namespace, old: Option<Standing>, new: Option<Standing>) {
        if old == new {
            return;
        }
        let gauge = |standing: Standing| {
            let labels = SecretLabels { namespace: namespace.to_string(), state: state(standing) };
            self.secrets.get_or_create_owned(&labels)
        };
        if let Some(old) = old {
            gauge(old).dec();
        }
        if let Some(new) = new {
            gauge(new).inc();
        }
    }

    /// Counts a delivery.
    pub fn delivery(&self, delivery: Delivery, began: Instant) {
        let result = match delivery {
            Delivery::Created => "created",
            Delivery::Updated => "updated",
            Delivery::Adopted => "adopted",
            Delivery::Repaired => "repaired",
            Delivery::Unchanged => "unchanged",
        };
        self.deliveries.get_or_create(&ResultLabels { result }).inc();
        self.reconcile.observe(began.elapsed().as_secs_f64());
    }

    /// Counts calls to a KMS.
    pub fn kms_calls(&self, scheme: &str, result: &'static str, calls: usize, began: Instant) {
        let labels = CallLabels { scheme: scheme.to_owned(), result };
        self.kms_calls.get_or_create(&labels).inc_by(calls as u64);
        self.kms.observe(began.elapsed().as_secs_f64());
    }

    /// Returns the text of all metrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to memory does not fail");
        text
    }
}

fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Ready => "ready",
        Standing::Suspended => "suspended",
        Standing::Waiting => "waiting",
        Standing::Stalled => "stalled",
    }
}
