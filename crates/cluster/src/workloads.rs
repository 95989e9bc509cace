//! Finds the workloads of a namespace that use a Secret, and restarts them as `kubectl rollout
//! restart` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use kube::core::params::{GetParams, ListParams, Patch, PatchParams};
use kube::core::request::Request as Requests;
use serde_json::{Value, json};

use super::{Cluster, ClusterError, FIELD_MANAGER, Operation};
use envcrypt_core::secret::{Namespace, SecretName};

/// The annotation that `kubectl rollout restart` sets.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkloadKind {
    /// `apps/v1`
    Deployment,
    /// `apps/v1`
    StatefulSet,
    /// `apps/v1`
    DaemonSet,
    /// `batch/v1`
    CronJob,
    /// `batch/v1`
    Job,
}

impl WorkloadKind {
    const ALL: [Self; 5] =
        [Self::Deployment, Self::StatefulSet, Self::DaemonSet, Self::CronJob, Self::Job];

    fn group(self) -> &'static str {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet => "apps",
            Self::CronJob | Self::Job => "batch",
        }
    }

    /// The name for several of them, in messages.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Deployment => "Deployments",
            Self::StatefulSet => "StatefulSets",
            Self::DaemonSet => "DaemonSets",
            Self::CronJob => "CronJobs",
            Self::Job => "Jobs",
        }
    }

    /// The requests of one or all namespaces.
    pub(crate) fn requests(self, namespace: Option<&Namespace>) -> Requests {
        let plural = self.plural().to_ascii_lowercase();
        let group = self.group();
        Requests::new(match namespace {
            Some(namespace) => format!("/apis/{group}/v1/namespaces/{namespace}/{plural}"),
            None => format!("/apis/{group}/v1/{plural}"),
        })
    }

    /// The path to the pod spec of its template.
    pub(crate) fn pod_spec(self) -> &'static str {
        match self {
            Self::CronJob => "/spec/jobTemplate/spec/template/spec",
            _ => "/spec/template/spec",
        }
    }
}

/// How a workload takes new values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It replaces its pods.
    Possible,
    /// It can be restarted, but its pods stay until someone deletes them.
    OnDelete,
    /// It is paused, so it does not restart.
    Paused,
    /// Its next run uses the new values.
    NextRun,
    /// A Job keeps the values that it started with.
    Never,
}

/// A workload that uses a Secret.
#[derive(Debug)]
pub struct Consumer {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: String,
    /// The Secrets, and how each is used: `env`, `volume`.
    pub uses: BTreeMap<String, BTreeSet<&'static str>>,
    /// How it takes new values.
    pub restart: Restart,
}

impl fmt::Display for Consumer {
    /// The name as kubectl prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = format!("{:?}", self.kind).to_ascii_lowercase();
        write!(f, "{kind}.{}/{}", self.kind.group(), self.name)
    }
}

/// The progress of a restart.
#[derive(Debug, PartialEq, Eq)]
pub enum Rollout {
    /// All pods are new and available.
    Done,
    /// Some pods are not.
    UnderWay,
    /// It missed its own deadline.
    Stuck,
}

impl Cluster {
    /// Gets a pod as the API server shows it.
    pub async fn pod(&self, namespace: &str, name: &str) -> Result<Value, ClusterError> {
        let url = format!("/api/v1/namespaces/{namespace}/pods");
        let operation = Operation::list(None).of(format!("the pod `{namespace}/{name}`")).to("get");
        self.send(Requests::new(url).get(name, &GetParams::default()), operation).await
    }

    /// The workloads of a namespace that use one of these Secrets. CronJobs and Jobs may be missing
    /// if the caller may not list them: then their error is returned too.
    pub async fn consumers(
        &self,
        namespace: &Namespace,
        names: &BTreeSet<SecretName>,
    ) -> Result<(Vec<Consumer>, Option<ClusterError>), ClusterError> {
        let (mut consumers, mut unseen) = (Vec::new(), None);
        for kind in WorkloadKind::ALL {
            match self.consumers_of(kind, namespace, names).await {
                Ok(found) => consumers.extend(found),
                Err(error @ ClusterError::Forbidden { .. }) if kind.group() == "batch" => {
                    unseen = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((consumers, unseen))
    }

    async fn consumers_of(
        &self,
        kind: WorkloadKind,
        namespace: &Namespace,
        names: &BTreeSet<SecretName>,
    ) -> Result<Vec<Consumer>, ClusterError> {
        let mut consumers = Vec::new();
        let is_wanted = |name: &str| names.iter().any(|wanted| wanted.as_str() == name);
        let operation = || Operation::list(Some(namespace)).of(kind.plural());
        let take = async |items: Vec<Value>| {
            let found = items.iter();
            consumers.extend(found.filter_map(|item| consumer(kind, namespace, item, is_wanted)));
        };
        self.pages(&kind.requests(Some(namespace)), ListParams::default(), operation, take).await?;
        Ok(consumers)
    }

    /// Restarts it; `now` is in RFC 3339.
    pub async fn restart(&self, consumer: &Consumer, now: &str) -> Result<(), ClusterError> {
        let annotations = json!({ RESTARTED_AT: now });
        let patch =
            json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
        let field_manager = Some(FIELD_MANAGER.to_owned());
        let params = PatchParams { field_manager, ..PatchParams::default() };
        let requests = consumer.kind.requests(Some(&consumer.namespace));
        let request = requests.patch(&consumer.name, &params, &Patch::Merge(patch));
        let operation =
            Operation::list(Some(&consumer.namespace)).of(consumer.kind.plural()).to("patch");
        self.send::<serde::de::IgnoredAny>(request, operation).await?;
        Ok(())
    }

    /// The progress of its restart, by the rules of `kubectl rollout status`.
    pub async fn rollout(&self, consumer: &Consumer) -> Result<Rollout, ClusterError> {
        let requests = consumer.kind.requests(Some(&consumer.namespace));
        let request = requests.get(&consumer.name, &GetParams::default());
        let operation =
            Operation::list(Some(&consumer.namespace)).of(consumer.kind.plural()).to("get");
        Ok(rollout(consumer.kind, &self.send(request, operation).await?))
    }
}

fn consumer(
    kind: WorkloadKind,
    namespace: &Namespace,
    item: &Value,
    is_wanted: impl Fn(&str) -> bool,
) -> Option<Consumer> {
    let mut uses = BTreeMap::<String, BTreeSet<&'static str>>::new();
    for (name, way) in used(item.pointer(kind.pod_spec())?) {
        if is_wanted(name) {
            uses.entry(name.to_owned()).or_default().insert(way);
        }
    }
    // A Job that has ended uses nothing any more.
    let conditions = item.pointer("/status/conditions").and_then(Value::as_array);
    let has_ended = conditions.into_iter().flatten().any(|condition| {
        let is = |field: &str, value: &str| condition.get(field).is_some_and(|v| v == value);
        is("status", "True") && (is("type", "Complete") || is("type", "Failed"))
    });
    if uses.is_empty() || (kind == WorkloadKind::Job && has_ended) {
        return None;
    }
    let is_on_delete =
        item.pointer("/spec/updateStrategy/type").is_some_and(|strategy| strategy == "OnDelete");
    let restart = match kind {
        WorkloadKind::CronJob => Restart::NextRun,
        WorkloadKind::Job => Restart::Never,
        _ if item.pointer("/spec/paused") == Some(&Value::Bool(true)) => Restart::Paused,
        _ if is_on_delete => Restart::OnDelete,
        _ => Restart::Possible,
    };
    let name = item.pointer("/metadata/name")?.as_str()?.to_owned();
    Some(Consumer { kind, namespace: namespace.clone(), name, uses, restart })
}

/// The Secrets that a pod uses, and how.
pub(crate) fn used<'a>(pod: &'a Value) -> Vec<(&'a str, &'static str)> {
    let mut found = Vec::new();
    let mut add = |name: Option<&'a Value>, way| {
        found.extend(name.and_then(Value::as_str).map(|name| (name, way)));
    };
    fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
        value.get(name).and_then(Value::as_array).into_iter().flatten()
    }
    let of = |name: &'static str| list(pod, name);
    for container in of("containers").chain(of("initContainers")) {
        for variable in list(container, "env") {
            add(variable.pointer("/valueFrom/secretKeyRef/name"), "env");
        }
        for source in list(container, "envFrom") {
            add(source.pointer("/secretRef/name"), "envFrom");
        }
    }
    for volume in of("volumes") {
        add(volume.pointer("/secret/secretName"), "volume");
        for source in
            volume.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten()
        {
            add(source.pointer("/secret/name"), "projected volume");
        }
        // Each volume driver has its own field.
        for driver in volume.as_object().into_iter().flat_map(|fields| fields.values()) {
            add(driver.pointer("/secretRef/name"), "volume");
            add(driver.pointer("/nodePublishSecretRef/name"), "volume");
        }
        add(volume.pointer("/azureFile/secretName"), "volume");
    }
    for secret in of("imagePullSecrets") {
        add(secret.get("name"), "imagePullSecrets");
    }
    found
}

fn rollout(kind: WorkloadKind, item: &Value) -> Rollout {
    let number = |path: &str| item.pointer(path).and_then(Value::as_i64).unwrap_or(0);
    let text = |path: &str| item.pointer(path).and_then(Value::as_str).unwrap_or("");
    if number("/status/observedGeneration") < number("/metadata/generation") {
        return Rollout::UnderWay;
    }
    let wanted = item.pointer("/spec/replicas").and_then(Value::as_i64).unwrap_or(1);
    let is_done = match kind {
        WorkloadKind::Deployment => {
            let conditions = item.pointer("/status/conditions").and_then(Value::as_array);
            let is_late = |condition: &Value| {
                condition.get("reason").is_some_and(|reason| reason == "ProgressDeadlineExceeded")
            };
            if conditions.is_some_and(|conditions| conditions.iter().any(is_late)) {
                return Rollout::Stuck;
            }
            let updated = number("/status/updatedReplicas");
            updated >= wanted
                && number("/status/replicas") <= updated
                && number("/status/availableReplicas") >= updated
        }
        WorkloadKind::DaemonSet => {
            let wanted = number("/status/desiredNumberScheduled");
            number("/status/updatedNumberScheduled") >= wanted
                && number("/status/numberAvailable") >= wanted
        }
        WorkloadKind::StatefulSet => {
            let kept = number("/spec/updateStrategy/rollingUpdate/partition");
            let is_new = match kept {
                0 => text("/status/updateRevision") == text("/status/currentRevision"),
                kept => number("/status/updatedReplicas") >= wanted - kept,
            };
            number("/status/readyReplicas") >= wanted && is_new
        }
        WorkloadKind::CronJob | WorkloadKind::Job => true,
    };
    if is_done { Rollout::Done } else { Rollout::UnderWay }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_use_a_secret_is_found() {
        let pod = json!({
            "containers": [
                { "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "a", "key": "k" } } }, { "name": "B", "value": "b" }] },
                { "envFrom": [{ "secretRef": { "name": "c" } }, { "configMapRef": { "name": "no" } }] },
            ],
            "initContainers": [{ "env": [{ "name": "D", "valueFrom": { "secretKeyRef": { "name": "d" } } }] }],
            "volumes": [
                { "name": "no", "secret": { "secretName": "e" } },
                { "projected": { "sources": [{ "configMap": { "name": "no" } }, { "secret": { "name": "f" } }] } },
                { "csi": { "nodePublishSecretRef": { "name": "g" } } },
                { "cephfs": { "secretRef": { "name": "h" } } },
            ],
            "imagePullSecrets": [{ "name": "i" }],
        });
        let found: Vec<_> =
            used(&pod).into_iter().map(|(name, way)| format!("{name} {way}")).collect();
        assert_eq!(
            found,
            [
                "a env",
                "c envFrom",
                "d env",
                "e volume",
                "f projected volume",
                "g volume",
                "h volume",
                "i imagePullSecrets"
            ]
        );
    }

    #[test]
    fn a_rollout_is_done_as_kubectl_sees_it() {
        let status = |kind, spec: Value, status: Value| {
            rollout(
                kind,
                &json!({ "metadata": { "generation": 2 }, "spec": spec, "status": status }),
            )
        };
        let spec = || json!({ "replicas": 2 });
        let old = json!({ "observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2 });
        assert_eq!(status(WorkloadKind::Deployment, spec(), old), Rollout::UnderWay);
        let with = |replicas, updated, available| json!({ "observedGeneration": 2, "replicas": replicas, "updatedReplicas": updated, "availableReplicas": available });
        assert_eq!(status(WorkloadKind::Deployment, spec(), with(2, 2, 2)), Rollout::Done);
        for (replicas, updated, available) in [(3, 2, 2), (2, 1, 2), (2, 2, 1)] {
            let status =
                status(WorkloadKind::Deployment, spec(), with(replicas, updated, available));
            assert_eq!(status, Rollout::UnderWay);
        }
        let late = json!({ "observedGeneration": 2, "conditions": [{ "type": "Progressing", "reason": "ProgressDeadlineExceeded" }] });
        assert_eq!(status(WorkloadKind::Deployment, spec(), late), Rollout::Stuck);
        for (updated, ready, expected) in
            [("a", 2, Rollout::Done), ("b", 2, Rollout::UnderWay), ("a", 1, Rollout::UnderWay)]
        {
            let set = json!({ "observedGeneration": 2, "readyReplicas": ready, "currentRevision": "a", "updateRevision": updated });
            assert_eq!(status(WorkloadKind::StatefulSet, spec(), set), expected);
        }
        for (updated, available, expected) in
            [(3, 3, Rollout::Done), (2, 3, Rollout::UnderWay), (3, 2, Rollout::UnderWay)]
        {
            let set = json!({ "observedGeneration": 2, "desiredNumberScheduled": 3, "updatedNumberScheduled": updated, "numberAvailable": available });
            assert_eq!(status(WorkloadKind::DaemonSet, json!({}), set), expected);
        }
    }
}
