//! Events about an `EnvcryptSecret`, for `kubectl describe` and `kubectl events`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::core::request::Request as Requests;
use serde_json::json;

use envcrypt_core::manifest::{RESOURCE_KIND, RESOURCE_VERSION};
use envcrypt_core::secret::Place;

use super::{Cluster, ClusterError};
use crate::error::Operation;
use crate::live::post_params;

/// What an event tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The object.
    pub place: Place,
    /// Its uid.
    pub uid: String,
    /// Whether a person should look at it.
    pub is_warning: bool,
    /// One word.
    pub reason: &'static str,
    /// A sentence, at most 1024 bytes.
    pub text: String,
    /// A text of letters and digits that makes its name unique.
    pub suffix: String,
    /// The name of this process.
    pub instance: String,
}

impl Cluster {
    /// Writes an event about an `EnvcryptSecret`.
    ///
    /// # Errors
    /// Returns a [`ClusterError`] if the request fails.
    pub async fn note(&self, note: &Note) -> Result<(), ClusterError> {
        let place = &note.place;
        // A name has at most 253 characters.
        let stem: String = place.name.as_str().chars().take(200).collect();
        let name = format!("{}.{}", stem.trim_end_matches(['-', '.']), note.suffix);
        let event = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": { "name": name, "namespace": place.namespace.as_str() },
            "eventTime": MicroTime(Timestamp::now()),
            "reportingController": "envcrypt.dev/controller",
            "reportingInstance": note.instance,
            "action": "Deliver",
            "reason": note.reason,
            "note": note.text,
            "type": if note.is_warning { "Warning" } else { "Normal" },
            "regarding": {
                "apiVersion": RESOURCE_VERSION,
                "kind": RESOURCE_KIND,
                "namespace": place.namespace.as_str(),
                "name": place.name.as_str(),
                "uid": note.uid,
            },
        });
        let url = format!("/apis/events.k8s.io/v1/namespaces/{}/events", place.namespace);
        let params = post_params(false);
        let body = serde_json::to_vec(&event).expect("an event is plain text");
        let operation = Operation::list(Some(&place.namespace)).of("events").to("create");
        let request = Requests::new(url).create(&params, body);
        self.send::<serde::de::IgnoredAny>(request, operation).await.map(drop)
    }
}
