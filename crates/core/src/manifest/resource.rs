//! The custom resource `EnvcryptSecret`: a sealed Secret, from which a controller makes the plain
//! Secret of the same namespace and name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_yaml::Value;

use super::ManifestError;
use super::object::{LAST_APPLIED_ANNOTATION, refuse, signatures_of};
use crate::envelope::{
    AuthorSignature, Jwe, Kind, MAX_SEALED_SIZE, Refused, SealCheck, SealedSecret,
};
use crate::secret::{Key, Meta, Place, SecretType, TypeError};

/// The `apiVersion` of the resource.
pub const RESOURCE_VERSION: &str = "envcrypt.dev/v1alpha1";
/// The `kind` of the resource.
pub const RESOURCE_KIND: &str = "EnvcryptSecret";

/// The `spec` of an `EnvcryptSecret`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// What is sealed. Only a new sealing changes it.
    pub sealed: SealedSpec,
    /// The metadata of the plain Secret. It is not sealed.
    #[serde(default, skip_serializing_if = "Template::is_empty")]
    pub template: Template,
    /// What becomes of the plain Secret once the resource is deleted.
    #[serde(default, skip_serializing_if = "DeletionPolicy::is_default")]
    pub deletion_policy: DeletionPolicy,
    /// Whether the controller leaves the plain Secret alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
}

/// The sealed values, and what the seal covers with them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SealedSpec {
    /// The type of the plain Secret; `Opaque` if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// Whether the plain Secret is immutable.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
    /// The sealed values by key, each the JSON of a JWE.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
    /// The seal, the JSON of a JWE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// The signatures of the authors, as the annotation of a Secret has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signatures: Option<String>,
}

/// The metadata of the plain Secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Its labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Template {
    fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// What becomes of the plain Secret once the resource is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeletionPolicy {
    /// The garbage collector deletes it too.
    #[default]
    Delete,
    /// It stays.
    Retain,
}

impl DeletionPolicy {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Spec {
    /// Reads the sealed Secret and checks the form of every part. Its labels and annotations are
    /// those of the template.
    ///
    /// # Errors
    /// Returns [`ManifestError::Refused`] and other errors if a part is not valid.
    pub fn sealed(&self, place: Place) -> Result<SealedSecret, ManifestError> {
        self.read(place, SealCheck::Required)
    }

    /// The same. With [`SealCheck::Skipped`], the seal is not read.
    pub(super) fn read(
        &self,
        place: Place,
        check: SealCheck,
    ) -> Result<SealedSecret, ManifestError> {
        let sealed = &self.sealed;
        let (mut values, mut total) = (BTreeMap::new(), 0);
        for (key, json) in &sealed.values {
            let key: Key = key.parse()?;
            total += json.len();
            let jwe = match total {
                0..=MAX_SEALED_SIZE => Jwe::parse(Kind::Value, json.as_bytes()),
                _ => Err(Refused::TooLarge),
            };
            values.insert(key.clone(), jwe.map_err(|refused| refuse(&place, Some(&key), refused))?);
        }
        let seal = sealed.seal.as_ref().filter(|_| check == SealCheck::Required);
        let seal = seal.map(|json| Jwe::parse(Kind::Seal, json.as_bytes()));
        let seal = seal.transpose().map_err(|refused| refuse(&place, None, refused))?;
        let signatures = signatures_of(sealed.signatures.as_deref(), &place, seal.as_ref())?;
        let kind = sealed.kind()?;
        let Template { labels, annotations } = self.template.clone();
        // A copy of client-side apply would hold the values of a plain Secret.
        if annotations.contains_key(LAST_APPLIED_ANNOTATION) {
            return Err(ManifestError::LastApplied(place.to_string()));
        }
        let meta = Meta { place, kind, immutable: sealed.immutable, labels, annotations };
        Ok(SealedSecret { meta, values, seal, signatures })
    }

    /// Makes the resource of a sealed Secret: the same sealed bytes in another form.
    #[must_use]
    pub fn of(secret: &SealedSecret) -> Self {
        let meta = &secret.meta;
        Self {
            sealed: SealedSpec::of(secret),
            template: Template {
                labels: meta.labels.clone(),
                annotations: meta.annotations.clone(),
            },
            deletion_policy: DeletionPolicy::default(),
            suspend: false,
        }
    }
}

impl SealedSpec {
    fn of(secret: &SealedSecret) -> Self {
        let values = secret.values.iter().map(|(key, jwe)| (key.to_string(), json_text(jwe)));
        let meta = &secret.meta;
        Self {
            r#type: (meta.kind != SecretType::Opaque).then(|| meta.kind.to_string()),
            immutable: meta.immutable,
            values: values.collect(),
            seal: secret.seal.as_ref().map(json_text),
            signatures: AuthorSignature::list_json(&secret.signatures),
        }
    }

    /// The type of the plain Secret.
    pub(super) fn kind(&self) -> Result<SecretType, TypeError> {
        self.r#type.as_deref().map_or(Ok(SecretType::Opaque), str::parse)
    }

    /// Takes the sealed parts of a Secret. A type that is written in full stays as it is.
    pub(super) fn put(&mut self, secret: &SealedSecret) {
        let r#type = match self.kind() {
            Ok(kind) if kind == secret.meta.kind => self.r#type.take(),
            _ => Self::of(secret).r#type,
        };
        *self = Self { r#type, ..Self::of(secret) };
    }
}

/// A sealed value or the seal, as a field of the resource has it.
pub(super) fn json_text(jwe: &Jwe) -> String {
    String::from_utf8(jwe.to_json()).expect("JSON is UTF-8")
}

/// Whether an `apiVersion` is of the group of the resource, in any version.
pub(super) fn is_group(version: &str) -> bool {
    version.starts_with("envcrypt.dev/")
}

/// What a field of the resource holds.
enum Shape {
    Fields(&'static [(&'static str, Self)]),
    Texts,
    Text,
    Bool,
    Policy,
    Any,
}

const SEALED: Shape = Shape::Fields(&[
    ("type", Shape::Text),
    ("immutable", Shape::Bool),
    ("values", Shape::Texts),
    ("seal", Shape::Text),
    ("signatures", Shape::Text),
]);
const SPEC: Shape = Shape::Fields(&[
    ("sealed", SEALED),
    ("template", Shape::Fields(&[("labels", Shape::Texts), ("annotations", Shape::Texts)])),
    ("deletionPolicy", Shape::Policy),
    ("suspend", Shape::Bool),
]);
const RESOURCE: Shape = Shape::Fields(&[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("metadata", Shape::Any),
    ("spec", SPEC),
    ("status", Shape::Any),
]);

/// Returns the path of the first field of a resource that is missing, unknown or of the wrong type.
/// An error of serde could quote a value.
pub(super) fn wrong_field(value: &Value) -> Option<String> {
    for path in [&["metadata"][..], &["spec"], &["spec", "sealed"]] {
        if path.iter().try_fold(value, |value, name| value.get(name)).is_none() {
            return Some(path.join("."));
        }
    }
    RESOURCE.wrong(value).map(|path| path.trim_start_matches('.').to_owned())
}

impl Shape {
    /// The path of the first wrong field, each name after a dot.
    fn wrong(&self, value: &Value) -> Option<String> {
        let is_right = match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::Bool => value.is_bool(),
            Self::Policy => matches!(value.as_str(), Some("Delete" | "Retain")),
            Self::Fields(_) | Self::Texts => value.is_mapping(),
        };
        if !is_right {
            return Some(String::new());
        }
        value.as_mapping().into_iter().flatten().find_map(|(name, value)| {
            let text = name.as_str().unwrap_or_default();
            let wrong = match self {
                Self::Fields(fields) => match fields.iter().find(|(field, _)| *field == text) {
                    Some((_, shape)) => shape.wrong(value),
                    None => Some(String::new()),
                },
                Self::Texts if name.is_string() => Self::Text.wrong(value),
                Self::Texts => Some(String::new()),
                _ => None,
            };
            wrong.map(|rest| format!(".{}{rest}", text.escape_default()))
        })
    }
}

#[cfg(test)]
mod tests;
