//! Makes objects from Secrets.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::object::{
    Metadata, Object, SEAL_ANNOTATION, SEALED_TYPE, SIGNATURES_ANNOTATION, TYPE_ANNOTATION,
};
use super::resource::{RESOURCE_KIND, RESOURCE_VERSION, Spec, json_text};
use crate::envelope::{AuthorSignature, Jwe, SealedSecret};
use crate::secret::{Meta, PlainSecret, SecretType};

/// Makes an object from a sealed Secret.
#[must_use]
pub fn sealed_object(secret: &SealedSecret) -> Object {
    let data = secret.values.iter().map(|(k, jwe)| (k.to_string(), Some(encode(jwe))));
    let mut annotations = secret.meta.annotations.clone();
    if secret.meta.kind != SecretType::Opaque {
        annotations.insert(TYPE_ANNOTATION.to_owned(), secret.meta.kind.to_string());
    }
    if let Some(seal) = &secret.seal {
        annotations.insert(SEAL_ANNOTATION.to_owned(), json_text(seal));
    }
    if let Some(signatures) = AuthorSignature::list_json(&secret.signatures) {
        annotations.insert(SIGNATURES_ANNOTATION.to_owned(), signatures);
    }
    object(&secret.meta, annotations, SEALED_TYPE, data.collect())
}

/// Makes an `EnvcryptSecret` from a sealed Secret. Its own metadata is only the namespace and the
/// name: labels and annotations are those of the template.
#[must_use]
pub fn resource_object(secret: &SealedSecret) -> Object {
    let place = &secret.meta.place;
    Object {
        api_version: RESOURCE_VERSION.to_owned(),
        kind: RESOURCE_KIND.to_owned(),
        metadata: Metadata {
            name: Some(place.name.to_string()),
            namespace: Some(place.namespace.to_string()),
            labels: None,
            annotations: None,
            other: BTreeMap::new(),
        },
        r#type: None,
        data: None,
        string_data: None,
        immutable: None,
        spec: Some(Box::new(Spec::of(secret))),
        status: None,
    }
}

/// A sealed value, encoded for `data`.
pub(super) fn encode(jwe: &Jwe) -> String {
    BASE64_STANDARD.encode(jwe.to_json())
}

/// Makes an object from a plain Secret.
///
/// Plaintext values leave [`SecretValue`](crate::secret::SecretValue) here. The object does not wipe their base64.
#[must_use]
pub fn plain_object(secret: &PlainSecret) -> Object {
    let values = secret.values.iter();
    let data = values.map(|(k, v)| (k.to_string(), Some(BASE64_STANDARD.encode(v.expose()))));
    object(&secret.meta, secret.meta.annotations.clone(), secret.meta.kind.as_str(), data.collect())
}

fn object(
    meta: &Meta,
    annotations: BTreeMap<String, String>,
    kind: &str,
    data: BTreeMap<String, Option<String>>,
) -> Object {
    let some = |map: BTreeMap<_, _>| (!map.is_empty()).then_some(map);
    Object {
        api_version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        metadata: Metadata {
            name: Some(meta.place.name.to_string()),
            namespace: Some(meta.place.namespace.to_string()),
            labels: some(meta.labels.clone()),
            annotations: some(annotations),
            other: BTreeMap::new(),
        },
        r#type: Some(kind.to_owned()),
        data: Some(data),
        string_data: None,
        immutable: meta.immutable.then_some(true),
        spec: None,
        status: None,
    }
}
