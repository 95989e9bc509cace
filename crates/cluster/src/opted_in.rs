//! Workloads that want to be restarted when a Secret of theirs changes.

use std::collections::BTreeSet;

use kube::core::params::{ListParams, Patch};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use envcrypt_core::secret::{Namespace, Place};

use super::{Cluster, ClusterError};
use crate::error::Operation;
use crate::live::patch_params;
use crate::workloads::{WorkloadKind, used};

/// The label with which a workload asks for restarts.
const OPT_IN: &str = "envcrypt.dev/restart=true";
/// The annotation with the time for which further changes are waited for.
const AFTER: &str = "envcrypt.dev/restart-after";
/// The annotation, of the workload and of its pods, that names the Secrets it has.
const HAS: &str = "envcrypt.dev/restarted-for";

/// A workload with the label `envcrypt.dev/restart: "true"`.
#[derive(Debug, Clone)]
pub struct OptedIn {
    kind: WorkloadKind,
    /// Its namespace and name.
    pub place: Place,
    version: String,
    /// The names of the Secrets that it uses.
    pub secrets: BTreeSet<String>,
    /// What it was restarted for last.
    pub has: Option<String>,
    /// The text of the annotation `envcrypt.dev/restart-after`.
    pub after: Option<String>,
}

impl OptedIn {
    /// Returns its kind and name, as kubectl prints them.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{:?}/{}", self.kind, self.place.name).to_ascii_lowercase()
    }
}

impl Cluster {
    /// Lists the Deployments, StatefulSets and DaemonSets of one or all namespaces that want to be
    /// restarted.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if a request fails.
    pub async fn opted_in(
        &self,
        namespace: Option<&Namespace>,
    ) -> Result<Vec<OptedIn>, ClusterError> {
        let mut found = Vec::new();
        for kind in [WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet] {
            let params = ListParams::default().labels(OPT_IN);
            let operation = || Operation::list(namespace).of(kind.plural());
            let take = async |items: Vec<Value>| {
                found.extend(items.iter().filter_map(|item| opted_in(kind, item)));
            };
            self.pages(&kind.requests(namespace), params, operation, take).await?;
        }
        Ok(found)
    }

    /// Notes what exactly this version of a workload has. With `restarts`, its pods are replaced.
    ///
    /// # Errors
    /// Returns [`ClusterError::Changed`] if someone else changed it.
    pub async fn note_secrets(
        &self,
        workload: &OptedIn,
        has: &str,
        restarts: bool,
    ) -> Result<(), ClusterError> {
        let annotations = json!({ HAS: has });
        let mut patch = json!({
            "metadata": { "resourceVersion": workload.version, "annotations": annotations },
        });
        if restarts {
            patch["spec"] = json!({ "template": { "metadata": { "annotations": annotations } } });
        }
        let params = patch_params();
        let requests = workload.kind.requests(Some(&workload.place.namespace));
        let request = requests.patch(workload.place.name.as_str(), &params, &Patch::Merge(patch));
        let operation = Operation::at("patch", &workload.place, false).of(workload.kind.plural());
        self.send::<IgnoredAny>(request, operation).await.map(drop)
    }
}

fn opted_in(kind: WorkloadKind, item: &Value) -> Option<OptedIn> {
    let metadata = &item["metadata"];
    let text = |name: &str| metadata[name].as_str();
    let annotation = |name: &str| metadata["annotations"][name].as_str().map(str::to_owned);
    let used = used(item.pointer(kind.pod_spec())?);
    Some(OptedIn {
        kind,
        place: Place {
            namespace: text("namespace")?.parse().ok()?,
            name: text("name")?.parse().ok()?,
        },
        version: text("resourceVersion")?.to_owned(),
        secrets: used.into_iter().map(|(name, _)| name.to_owned()).collect(),
        has: annotation(HAS),
        after: annotation(AFTER),
    })
}
