//! A Secret object as a manifest or the API server has it.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use super::ManifestError;
use super::resource::{RESOURCE_KIND, RESOURCE_VERSION, Spec};
use crate::envelope::{AuthorSignature, Jwe, Kind, Part, Refused, SealCheck, SealedSecret};
use crate::secret::{Key, Meta, Namespace, Place, PlainSecret, SecretType, SecretValue};

/// The `type` of a sealed Secret.
pub const SEALED_TYPE: &str = "envcrypt.dev/sealed";
/// The annotation in which client-side apply stores the whole manifest, including its values.
pub const LAST_APPLIED_ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The annotation with the type of a sealed Secret after unwrapping.
pub(super) const TYPE_ANNOTATION: &str = "envcrypt.dev/type";
/// The annotation of a plain Secret with the time when it was sealed, in RFC 3339. Whoever makes
/// the Secret from a sealed one writes it, and it is not a part of the Secret.
pub const SEALED_AT_ANNOTATION: &str = "envcrypt.dev/sealed-at";
/// The annotation with the seal of a sealed Secret.
pub const SEAL_ANNOTATION: &str = "envcrypt.dev/seal";
/// The annotation with the signatures of a sealed Secret.
pub const SIGNATURES_ANNOTATION: &str = "envcrypt.dev/signatures";

/// Fields of `metadata` that the API server writes. A manifest should not have them.
pub(super) const SERVER_FIELDS: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// A Secret object, sealed or plain, or an `EnvcryptSecret`, which is always sealed.
///
/// It does not implement `Debug` or `Clone`, because it can hold plaintext.
#[derive(Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Object {
    /// `apiVersion`: `v1`, or [`RESOURCE_VERSION`].
    pub api_version: String,
    /// `kind`: `Secret`, or [`RESOURCE_KIND`].
    pub kind: String,
    /// `metadata`
    pub metadata: Metadata,
    /// `type`. [`SEALED_TYPE`] for a sealed Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// `data`: values in base64, by key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<BTreeMap<String, Option<String>>>,
    /// `stringData`: values as text, by key. It is read, but never written.
    #[serde(default, skip_serializing)]
    pub string_data: Option<BTreeMap<String, Option<String>>>,
    /// `immutable`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// `spec` of an `EnvcryptSecret`. A Secret has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Box<Spec>>,
    /// `status` of an `EnvcryptSecret`, which only the cluster writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<serde_json::Value>,
}

/// The `metadata` of an object.
#[derive(Serialize, Deserialize, PartialEq)]
pub struct Metadata {
    /// `name`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `namespace`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `labels`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// `annotations`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// All other fields, unchanged.
    #[serde(flatten)]
    pub other: BTreeMap<String, serde_json::Value>,
}

impl Object {
    /// Returns whether the Secret is sealed: its `type` is [`SEALED_TYPE`], or it is an
    /// `EnvcryptSecret`.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.is_resource() || self.r#type.as_deref() == Some(SEALED_TYPE)
    }

    /// Returns whether the object is an `EnvcryptSecret`.
    #[must_use]
    pub const fn is_resource(&self) -> bool {
        self.spec.is_some()
    }

    /// Returns whether the object has the fields of its kind, and no field of the other one.
    pub(super) fn has_its_fields(&self) -> bool {
        let kind = (self.api_version.as_str(), self.kind.as_str());
        let has_values = self.r#type.is_some()
            || self.data.is_some()
            || self.string_data.is_some()
            || self.immutable.is_some();
        match &self.spec {
            Some(_) => kind == (RESOURCE_VERSION, RESOURCE_KIND) && !has_values,
            None => kind == ("v1", "Secret") && self.status.is_none(),
        }
    }

    /// Returns the keys of the values, sealed or plain, without those of `stringData`. They need
    /// not be valid.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let data = self.data.iter().flat_map(BTreeMap::keys);
        let values = self.spec.iter().flat_map(|spec| spec.sealed.values.keys());
        data.chain(values).map(String::as_str)
    }

    /// Returns the text of the seal. It need not be valid.
    #[must_use]
    pub fn seal(&self) -> Option<&str> {
        match &self.spec {
            Some(spec) => spec.sealed.seal.as_deref(),
            None => self.metadata.annotations.as_ref()?.get(SEAL_ANNOTATION).map(String::as_str),
        }
    }

    /// Returns `NAMESPACE/NAME` or `NAME` for a message. The names need not be valid, so they are
    /// escaped.
    #[must_use]
    pub fn title(&self) -> String {
        let part =
            |text: &Option<String>| text.as_deref().unwrap_or("").escape_default().to_string();
        match &self.metadata.namespace {
            None => part(&self.metadata.name),
            Some(_) => format!("{}/{}", part(&self.metadata.namespace), part(&self.metadata.name)),
        }
    }

    /// Returns `secret/NAME` or `envcryptsecret/NAME`, as kubectl names an object. The name need not
    /// be valid, so it is escaped.
    #[must_use]
    pub fn reference(&self) -> String {
        let kind = if self.is_resource() { "envcryptsecret" } else { "secret" };
        let name = self.metadata.name.as_deref().unwrap_or("").escape_default();
        format!("{kind}/{name}")
    }

    /// Returns the namespace and the name. Without a namespace, it uses `default`.
    ///
    /// # Errors
    /// Returns [`ManifestError::Name`] if one of the two is not valid.
    pub fn place(&self, default: &Namespace) -> Result<Place, ManifestError> {
        let namespace = match self.metadata.namespace.as_deref() {
            None | Some("") => default.clone(),
            Some(text) => text.parse()?,
        };
        Ok(Place { namespace, name: self.metadata.name.as_deref().unwrap_or("").parse()? })
    }

    /// Reads the object as a sealed Secret and checks the form of every value.
    ///
    /// `default` is the namespace of an object without a namespace. With [`SealCheck::Skipped`],
    /// the seal is not read.
    ///
    /// # Errors
    /// Returns [`ManifestError::Plain`] if the Secret is not sealed. Returns
    /// [`ManifestError::Refused`] and other errors if a part of it is not valid.
    pub fn sealed(
        &self,
        default: &Namespace,
        seal: SealCheck,
    ) -> Result<SealedSecret, ManifestError> {
        if !self.is_sealed() {
            return Err(ManifestError::Plain(self.title()));
        }
        let place = self.place(default)?;
        if self.string_data.as_ref().is_some_and(|data| !data.is_empty()) {
            return Err(ManifestError::StringData(place.to_string()));
        }
        let annotations = self.metadata.annotations.clone().unwrap_or_default();
        if annotations.get(LAST_APPLIED_ANNOTATION).is_some_and(|text| !is_all_sealed(text)) {
            return Err(ManifestError::LastApplied(place.to_string()));
        }
        if let Some(spec) = &self.spec {
            return spec.read(place, seal);
        }
        let values = self.sealed_values(&place)?;
        let seal = match annotations.get(SEAL_ANNOTATION) {
            Some(json) if seal == SealCheck::Required => {
                let jwe = Jwe::parse(Kind::Seal, json.as_bytes());
                Some(jwe.map_err(|refused| refuse(&place, None, refused))?)
            }
            _ => None,
        };
        let signatures = annotations.get(SIGNATURES_ANNOTATION);
        let signatures = signatures_of(signatures.map(String::as_str), &place, seal.as_ref())?;
        let kind = match annotations.get(TYPE_ANNOTATION) {
            Some(text) => text.parse()?,
            None => SecretType::Opaque,
        };
        let ours =
            [TYPE_ANNOTATION, SEAL_ANNOTATION, SIGNATURES_ANNOTATION, LAST_APPLIED_ANNOTATION];
        let meta = Meta {
            place,
            kind,
            immutable: self.immutable.unwrap_or(false),
            labels: self.metadata.labels.clone().unwrap_or_default(),
            annotations: annotations.into_iter().filter(|(k, _)| !ours.contains(&&**k)).collect(),
        };
        Ok(SealedSecret { meta, values, seal, signatures })
    }

    /// Reads the object as a plain Secret.
    ///
    /// `default` is the namespace of an object without a namespace. As in the API server,
    /// `stringData` takes precedence over `data`.
    ///
    /// # Errors
    /// Returns [`ManifestError::Sealed`] if the Secret is sealed. Returns another
    /// [`ManifestError`] if a name, a type or a value is not valid.
    pub fn plain(&self, default: &Namespace) -> Result<PlainSecret, ManifestError> {
        let place = self.place(default)?;
        if self.is_sealed() {
            return Err(ManifestError::Sealed(place.to_string()));
        }
        let mut values = BTreeMap::new();
        for (key, text) in self.data.iter().flatten() {
            let key: Key = key.parse()?;
            // Go accepts line breaks in base64.
            let text = text.as_deref().unwrap_or("").replace(['\n', '\r'], "");
            let value = BASE64_STANDARD.decode(&text);
            let value = value.map_err(|_| ManifestError::Base64(spot(&place, Some(&key))))?;
            values.insert(key, SecretValue::new(value));
        }
        for (key, text) in self.string_data.iter().flatten() {
            let text = text.as_deref().unwrap_or("");
            values.insert(key.parse()?, SecretValue::new(text.as_bytes().to_vec()));
        }
        let kind = self.r#type.as_deref().filter(|kind| !kind.is_empty());
        let mut annotations = self.metadata.annotations.clone().unwrap_or_default();
        annotations.remove(LAST_APPLIED_ANNOTATION);
        annotations.remove(SEALED_AT_ANNOTATION);
        let meta = Meta {
            place,
            kind: kind.unwrap_or("Opaque").parse()?,
            immutable: self.immutable.unwrap_or(false),
            labels: self.metadata.labels.clone().unwrap_or_default(),
            annotations,
        };
        Ok(PlainSecret { meta, values })
    }

    fn sealed_values(&self, place: &Place) -> Result<BTreeMap<Key, Jwe>, ManifestError> {
        let mut total = 0;
        let mut values = BTreeMap::new();
        for (key, text) in self.data.iter().flatten() {
            let key: Key = key.parse()?;
            let json = BASE64_STANDARD
                .decode(text.as_deref().unwrap_or(""))
                .map_err(|_| ManifestError::Base64(spot(place, Some(&key))))?;
            total += json.len();
            let jwe = match total {
                0..=crate::envelope::MAX_SEALED_SIZE => Jwe::parse(Kind::Value, &json),
                _ => Err(Refused::TooLarge),
            };
            let jwe = jwe.map_err(|refused| refuse(place, Some(&key), refused))?;
            values.insert(key, jwe);
        }
        Ok(values)
    }

    /// Prepares the object for apply. Sets the namespace of `place`.
    ///
    /// Removes the fields that only the API server and a controller write, and the annotation of
    /// client-side apply.
    #[must_use]
    pub fn for_apply(mut self, place: &Place) -> Self {
        self.status = None;
        self.metadata.namespace = Some(place.namespace.to_string());
        self.metadata.other.retain(|name, _| !SERVER_FIELDS.contains(&name.as_str()));
        if let Some(annotations) = &mut self.metadata.annotations {
            annotations.remove(LAST_APPLIED_ANNOTATION);
        }
        self
    }
}

/// Reads the signatures of a Secret. Without a seal, there is nothing that they are over.
pub(super) fn signatures_of(
    json: Option<&str>,
    place: &Place,
    seal: Option<&Jwe>,
) -> Result<Vec<AuthorSignature>, ManifestError> {
    let list = json.filter(|_| seal.is_some()).map(AuthorSignature::parse_list).transpose();
    let wrong = |refused| ManifestError::Signatures { place: place.to_string(), refused };
    Ok(list.map_err(wrong)?.unwrap_or_default())
}

/// Whether the copy of client-side apply is also of a sealed Secret.
fn is_all_sealed(text: &str) -> bool {
    let Ok(object) = serde_json::from_str::<Object>(text) else { return false };
    if let Some(spec) = &object.spec {
        let is_value = |json: &String| Jwe::parse(Kind::Value, json.as_bytes()).is_ok();
        return object.has_its_fields() && spec.sealed.values.values().all(is_value);
    }
    let sealed = |text: &Option<String>| {
        let json = BASE64_STANDARD.decode(text.as_deref().unwrap_or("")).ok();
        json.is_some_and(|json| Jwe::parse(Kind::Value, &json).is_ok())
    };
    object.is_sealed()
        && object.string_data.iter().flatten().next().is_none()
        && object.data.iter().flatten().all(|(_, text)| sealed(text))
}

fn spot(place: &Place, key: Option<&Key>) -> Part {
    Part { place: place.clone(), key: key.cloned() }
}

pub(super) fn refuse(place: &Place, key: Option<&Key>, refused: Refused) -> ManifestError {
    ManifestError::Refused { spot: spot(place, key), refused }
}
