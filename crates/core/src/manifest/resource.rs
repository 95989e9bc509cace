//! The custom resource `EnvcryptSecret`: a sealed Secret, from which a controller makes the plain
//! Secret of the same namespace and name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ManifestError;
use super::object::refuse;
use crate::envelope::{Jwe, Kind, MAX_SEALED_SIZE, Refused, SealedSecret};
use crate::secret::{Key, Meta, Place, SecretType};

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
        let seal = sealed.seal.as_ref().map(|json| Jwe::parse(Kind::Seal, json.as_bytes()));
        let seal = seal.transpose().map_err(|refused| refuse(&place, None, refused))?;
        let kind = match &sealed.r#type {
            Some(text) => text.parse()?,
            None => SecretType::Opaque,
        };
        let Template { labels, annotations } = self.template.clone();
        let meta = Meta { place, kind, immutable: sealed.immutable, labels, annotations };
        Ok(SealedSecret { meta, values, seal })
    }

    /// Makes the resource of a sealed Secret: the same sealed bytes in another form.
    #[must_use]
    pub fn of(secret: &SealedSecret) -> Self {
        let text = |jwe: &Jwe| String::from_utf8(jwe.to_json()).expect("JSON is UTF-8");
        let values = secret.values.iter().map(|(key, jwe)| (key.to_string(), text(jwe)));
        let meta = &secret.meta;
        Self {
            sealed: SealedSpec {
                r#type: (meta.kind != SecretType::Opaque).then(|| meta.kind.to_string()),
                immutable: meta.immutable,
                values: values.collect(),
                seal: secret.seal.as_ref().map(text),
            },
            template: Template {
                labels: meta.labels.clone(),
                annotations: meta.annotations.clone(),
            },
            deletion_policy: DeletionPolicy::default(),
            suspend: false,
        }
    }
}
