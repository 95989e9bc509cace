//! A Lease, which one of several processes holds at a time.
//!
//! The rules are those of client-go: a Lease has ended if its record did not change for its
//! duration, measured by the clock of the one who looks. So clocks need not agree. Each write names
//! the version that it replaces.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::core::params::{GetParams, Patch, PatchParams, PostParams};
use kube::core::request::Request as Requests;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use envcrypt_core::secret::{Place, random_bytes};

use super::{Cluster, ClusterError};
use crate::error::Operation;

/// The times of a Lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaseTimes {
    /// How long others wait after the last change of the record.
    pub duration: Duration,
    /// How long the holder acts after its last renewal.
    pub deadline: Duration,
    /// The pause between two attempts.
    pub retry: Duration,
}

impl LeaseTimes {
    /// Returns times in the proportions of client-go: 15 s, 10 s and 2 s. A duration is at least
    /// one second.
    #[must_use]
    pub fn of(duration: Duration) -> Self {
        // The record has whole seconds.
        let duration = Duration::from_secs(duration.as_secs_f64().ceil().max(1.0) as u64);
        Self { duration, deadline: duration * 2 / 3, retry: duration * 2 / 15 }
    }
}

/// A Lease, and what this process knows of it.
pub struct Lease {
    place: Place,
    identity: String,
    times: LeaseTimes,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Until when this process may act.
    until: Option<Instant>,
    /// The version of the record, and when this process saw it first.
    seen: Option<(String, Instant)>,
}

#[derive(Deserialize)]
struct Record {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    resource_version: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    holder_identity: Option<String>,
    lease_duration_seconds: Option<u64>,
    lease_transitions: Option<i64>,
}

impl Lease {
    /// Describes a Lease. `identity` names this process, and no other has it.
    #[must_use]
    pub fn new(place: Place, identity: String, times: LeaseTimes) -> Self {
        Self { place, identity, times, known: Mutex::default() }
    }

    /// Returns whether this process may act now.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.known().until.is_some_and(|until| Instant::now() < until)
    }

    /// Waits until this process holds the Lease. `failed` hears of requests that failed.
    pub async fn acquire(&self, cluster: &Cluster, mut failed: impl FnMut(&ClusterError)) {
        let mut said = None;
        loop {
            match timeout(self.times.deadline, self.attempt(cluster)).await {
                Ok(Ok(true)) => return,
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => {
                    let message = error.to_string();
                    if said.as_ref() != Some(&message) {
                        failed(&error);
                        said = Some(message);
                    }
                }
            }
            // Several that wait must not ask at the same time.
            let mut random = [0];
            random_bytes(&mut random);
            sleep(self.times.retry.mul_f64(1.0 + f64::from(random[0]) / 1280.0)).await;
        }
    }

    /// Renews the Lease until it is lost. `failed` hears of requests that failed.
    pub async fn keep(&self, cluster: &Cluster, mut failed: impl FnMut(&ClusterError)) {
        while self.is_held() {
            sleep(self.times.retry).await;
            let left = self
                .known()
                .until
                .map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
            // If another process has it, it is not held any more.
            if let Ok(Err(error)) = timeout(left, self.attempt(cluster)).await {
                failed(&error);
            }
        }
        self.known().until = None;
    }

    /// Gives the Lease up, so that another process need not wait. Errors are ignored.
    pub async fn release(&self, cluster: &Cluster) {
        let version = {
            let mut known = self.known();
            let was_held = known.until.take().is_some();
            known.seen.clone().filter(|_| was_held)
        };
        let Some((version, _)) = version else { return };
        let spec = json!({
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "renewTime": MicroTime(Timestamp::now()),
        });
        let _ = timeout(self.times.retry, self.patch(cluster, &version, spec)).await;
    }

    /// Takes or renews the Lease. Returns whether this process holds it.
    async fn attempt(&self, cluster: &Cluster) -> Result<bool, ClusterError> {
        let began = Instant::now();
        let is_held = self.is_held();
        let seen = self.known().seen.clone().filter(|_| is_held);
        if let Some((version, _)) = seen {
            return match self.patch(cluster, &version, self.renewed()).await {
                // Someone else wrote it: look who.
                Err(ClusterError::Changed(_)) => self.look(cluster, began).await,
                renewed => renewed.map(|version| self.hold(version, began)),
            };
        }
        self.look(cluster, began).await
    }

    async fn look(&self, cluster: &Cluster, began: Instant) -> Result<bool, ClusterError> {
        let request = self.requests().get(self.place.name.as_str(), &GetParams::default());
        let record: Record = match cluster.send(request, self.operation("get")).await {
            Ok(record) => record,
            Err(ClusterError::NotFound(_)) => return self.create(cluster, began).await,
            Err(error) => return Err(error),
        };
        let version = record.metadata.resource_version;
        let holder = record.spec.holder_identity.unwrap_or_default();
        let is_mine = holder == self.identity;
        if !is_mine
            && !holder.is_empty()
            && !self.has_ended(&version, record.spec.lease_duration_seconds)
        {
            self.known().until = None;
            return Ok(false);
        }
        let mut spec = self.renewed();
        if !is_mine {
            spec["acquireTime"] = json!(MicroTime(Timestamp::now()));
            spec["leaseTransitions"] = json!(record.spec.lease_transitions.unwrap_or(0) + 1);
        }
        match self.patch(cluster, &version, spec).await {
            Ok(version) => Ok(self.hold(version, began)),
            Err(ClusterError::Changed(_)) => {
                self.known().until = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether this record did not change for its duration.
    fn has_ended(&self, version: &str, seconds: Option<u64>) -> bool {
        let duration = seconds.map_or(self.times.duration, Duration::from_secs);
        let mut known = self.known();
        match &known.seen {
            Some((seen, since)) if seen == version => since.elapsed() >= duration,
            _ => {
                known.seen = Some((version.to_owned(), Instant::now()));
                false
            }
        }
    }

    async fn create(&self, cluster: &Cluster, began: Instant) -> Result<bool, ClusterError> {
        let mut spec = self.renewed();
        spec["acquireTime"] = json!(MicroTime(Timestamp::now()));
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": { "name": self.place.name.as_str() },
            "spec": spec,
        });
        let body = serde_json::to_vec(&object).expect("a Lease is plain text");
        let request = self.requests().create(&PostParams::default(), body);
        match cluster.send::<Record>(request, self.operation("create")).await {
            Ok(record) => Ok(self.hold(record.metadata.resource_version, began)),
            Err(ClusterError::AlreadyExists(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Notes that this process holds the Lease since `began`.
    fn hold(&self, version: String, began: Instant) -> bool {
        let mut known = self.known();
        known.seen = Some((version, began));
        known.until = Some(began + self.times.deadline);
        true
    }

    fn renewed(&self) -> Value {
        json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.times.duration.as_secs(),
            "renewTime": MicroTime(Timestamp::now()),
        })
    }

    async fn patch(
        &self,
        cluster: &Cluster,
        version: &str,
        spec: Value,
    ) -> Result<String, ClusterError> {
        let patch = json!({ "metadata": { "resourceVersion": version }, "spec": spec });
        let (params, patch) = (PatchParams::default(), Patch::Merge(patch));
        let request = self.requests().patch(self.place.name.as_str(), &params, &patch);
        let record: Record = cluster.send(request, self.operation("patch")).await?;
        Ok(record.metadata.resource_version)
    }

    fn requests(&self) -> Requests {
        let namespace = &self.place.namespace;
        Requests::new(format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"))
    }

    fn operation(&self, verb: &'static str) -> Operation {
        Operation::at(verb, &self.place, false).of("Leases")
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
