//! The plain Secret: what it should be, whose it is, and what differs.

use std::collections::{BTreeMap, BTreeSet};

use envcrypt_cluster::{CHANGED_ANNOTATION, CONTROLLER, DELIVERED_LABEL, LiveResource, Version};
use envcrypt_core::manifest::{
    DeletionPolicy, Object, RESOURCE_KIND, RESOURCE_VERSION, plain_object,
};
use envcrypt_core::secret::{Meta, PlainSecret};
use serde_json::{Map, Value, json};

/// The annotation with the digest of what was delivered.
const DIGEST_ANNOTATION: &str = "envcrypt.dev/digest";
/// The annotation with which a Secret is given to its `EnvcryptSecret`.
const ADOPT_ANNOTATION: &str = "envcrypt.dev/adopt";

/// Whose a Secret is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The controller made it for the `EnvcryptSecret` of this name.
    Ours,
    /// Its own annotation gives it.
    Given,
    /// Someone else's.
    Foreign,
}

/// What the plain Secret should be, without its values.
pub struct Wanted<'a> {
    resource: &'a LiveResource,
    meta: &'a Meta,
    digest: &'a str,
}

impl<'a> Wanted<'a> {
    /// `meta` is that of the sealed Secret, and `digest` its digest.
    pub fn new(resource: &'a LiveResource, meta: &'a Meta, digest: &'a str) -> Self {
        Self { resource, meta, digest }
    }

    /// Makes the new Secret.
    pub fn object(&self, plain: &PlainSecret) -> Object {
        let mut object = plain_object(plain);
        object.metadata.labels = Some(self.labels());
        object.metadata.annotations = Some(self.annotations(self.digest));
        if let Some(owners) = self.owners().as_array().filter(|owners| !owners.is_empty()) {
            object.metadata.other.insert("ownerReferences".to_owned(), json!(owners));
        }
        object
    }

    /// Returns what differs from the live Secret, as a merge patch for exactly its version. With
    /// `plain`, also the values are compared.
    pub fn patch(&self, live: &Object, plain: Option<&PlainSecret>) -> Option<Value> {
        let mut patch = Map::new();
        let values = plain.map(|plain| self.values(live, plain)).unwrap_or_default();
        let has_new_values = !values.is_empty();
        if has_new_values {
            patch.insert("data".to_owned(), Value::Object(values));
        }
        if self.meta.immutable && live.immutable != Some(true) {
            patch.insert("immutable".to_owned(), Value::Bool(true));
        }
        let old = live.metadata.annotations.as_ref().and_then(|all| all.get(CHANGED_ANNOTATION));
        let changed = match (has_new_values, old) {
            (false, Some(old)) => old.as_str(),
            _ => self.digest,
        };
        let mut metadata = Map::new();
        let parts = [
            ("labels", self.labels(), &live.metadata.labels),
            ("annotations", self.annotations(changed), &live.metadata.annotations),
        ];
        for (name, wanted, there) in parts {
            let mut differs = differs(&wanted, there.as_ref(), &managed(live, name));
            // What was given once is not given for ever.
            let is_given = there.as_ref().is_some_and(|all| all.contains_key(ADOPT_ANNOTATION));
            if name == "annotations" && is_given {
                differs.insert(ADOPT_ANNOTATION.to_owned(), Value::Null);
            }
            if !differs.is_empty() {
                metadata.insert(name.to_owned(), Value::Object(differs));
            }
        }
        let owners = self.owners();
        if live.metadata.other.get("ownerReferences").unwrap_or(&json!([])) != &owners {
            metadata.insert("ownerReferences".to_owned(), owners);
        }
        if patch.is_empty() && metadata.is_empty() {
            return None;
        }
        let version = version(live)?;
        metadata.insert("uid".to_owned(), version.uid.into());
        metadata.insert("resourceVersion".to_owned(), version.resource_version.into());
        patch.insert("metadata".to_owned(), Value::Object(metadata));
        Some(Value::Object(patch))
    }

    /// Returns whether the live Secret cannot be patched: the API server changes neither a type
    /// nor an immutable Secret.
    pub fn needs_another(&self, live: &Object, plain: &PlainSecret) -> bool {
        let is_immutable = live.immutable == Some(true);
        live.r#type.as_deref().unwrap_or("Opaque") != self.meta.kind.as_str()
            || (is_immutable && (!self.meta.immutable || !self.values(live, plain).is_empty()))
    }

    /// The values that differ. What is not sealed is removed.
    fn values(&self, live: &Object, plain: &PlainSecret) -> Map<String, Value> {
        let wanted = plain_object(plain).data.unwrap_or_default();
        let there = live.data.as_ref();
        let mut differs = Map::new();
        for key in there.into_iter().flatten().map(|(key, _)| key) {
            if !wanted.contains_key(key) {
                differs.insert(key.clone(), Value::Null);
            }
        }
        for (key, text) in wanted {
            let old = there.and_then(|there| there.get(&key));
            // The API server shows an empty value as an empty text.
            if old.map(|old| old.as_deref().unwrap_or("")) != text.as_deref() {
                differs.insert(key, text.into());
            }
        }
        differs
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.meta.labels.clone();
        labels.insert(DELIVERED_LABEL.to_owned(), "true".to_owned());
        labels
    }

    fn annotations(&self, changed: &str) -> BTreeMap<String, String> {
        let mut annotations = self.meta.annotations.clone();
        annotations.insert(DIGEST_ANNOTATION.to_owned(), self.digest.to_owned());
        annotations.insert(CHANGED_ANNOTATION.to_owned(), changed.to_owned());
        annotations
    }

    /// One owner, so that the garbage collector deletes the Secret with it. `blockOwnerDeletion`
    /// would need the right to change finalizers.
    fn owners(&self) -> Value {
        let policy = self.resource.spec.as_ref().map(|spec| spec.deletion_policy);
        if policy == Some(DeletionPolicy::Retain) {
            return json!([]);
        }
        json!([{
            "apiVersion": RESOURCE_VERSION,
            "controller": true,
            "kind": RESOURCE_KIND,
            "name": self.resource.place.name.as_str(),
            "uid": self.resource.uid,
        }])
    }
}

/// Returns the patch that takes the owner off a live Secret, if it has one.
pub fn without_owner(live: &Object) -> Option<Value> {
    let owners = live.metadata.other.get("ownerReferences")?;
    let version = version(live).filter(|_| *owners != json!([]))?;
    Some(json!({ "metadata": {
        "uid": version.uid,
        "resourceVersion": version.resource_version,
        "ownerReferences": [],
    } }))
}

/// The entries of a map that differ, and those that the controller wrote and nobody wants now.
fn differs(
    wanted: &BTreeMap<String, String>,
    there: Option<&BTreeMap<String, String>>,
    managed: &BTreeSet<String>,
) -> Map<String, Value> {
    let mut differs = Map::new();
    for (name, text) in wanted {
        if there.and_then(|there| there.get(name)) != Some(text) {
            differs.insert(name.clone(), text.clone().into());
        }
    }
    for name in there.into_iter().flatten().map(|(name, _)| name) {
        if !wanted.contains_key(name) && managed.contains(name) {
            differs.insert(name.clone(), Value::Null);
        }
    }
    differs
}

/// The labels or annotations that the controller wrote, as the API server remembers it.
fn managed(live: &Object, field: &str) -> BTreeSet<String> {
    let entries = live.metadata.other.get("managedFields").and_then(Value::as_array);
    let ours = entries.into_iter().flatten().filter(|entry| entry["manager"] == CONTROLLER);
    ours.filter_map(|entry| entry["fieldsV1"]["f:metadata"][format!("f:{field}")].as_object())
        .flat_map(Map::keys)
        .filter_map(|name| name.strip_prefix("f:").map(str::to_owned))
        .collect()
}

/// Returns the version of a live Secret.
pub fn version(live: &Object) -> Option<Version> {
    let text = |name: &str| live.metadata.other.get(name)?.as_str().map(str::to_owned);
    Some(Version { uid: text("uid")?, resource_version: text("resourceVersion")? })
}

/// Returns whose a live Secret is. Only its own metadata decides.
pub fn whose(live: &Object, resource: &LiveResource) -> Whose {
    let owners = live.metadata.other.get("ownerReferences").and_then(Value::as_array);
    let controller =
        owners.into_iter().flatten().find(|owner| owner["controller"] == Value::Bool(true));
    let has = |map: &Option<BTreeMap<String, String>>, name: &str, text: Option<&str>| {
        let found = map.as_ref().and_then(|map| map.get(name));
        found.is_some_and(|found| text.is_none_or(|text| found == text))
    };
    // An owner that was deleted and made again has another uid.
    let is_ours = match controller {
        Some(owner) => {
            let group = owner["apiVersion"].as_str().and_then(|version| version.split_once('/'));
            group.is_some_and(|(group, _)| group == "envcrypt.dev")
                && owner["kind"] == RESOURCE_KIND
                && owner["name"] == resource.place.name.as_str()
        }
        None => {
            has(&live.metadata.labels, DELIVERED_LABEL, Some("true"))
                && has(&live.metadata.annotations, DIGEST_ANNOTATION, None)
        }
    };
    match is_ours {
        true => Whose::Ours,
        false if has(&live.metadata.annotations, ADOPT_ANNOTATION, Some("true")) => Whose::Given,
        false => Whose::Foreign,
    }
}
