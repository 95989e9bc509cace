//! The same sealed Secret in its other form: a Secret of the sealed type, or an `EnvcryptSecret`.
//! The sealed bytes stay as they are, so this needs neither a KEK nor a KMS.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::object::{
    LAST_APPLIED_ANNOTATION, Metadata, SEAL_ANNOTATION, SEALED_TYPE, SERVER_FIELDS,
    SIGNATURES_ANNOTATION, TYPE_ANNOTATION,
};
use super::replace::{nodes, only_these};
use super::resource::{
    DeletionPolicy, RESOURCE_KIND, RESOURCE_VERSION, SealedSpec, Spec, Template,
};
use super::text::{Entries, New, Text};
use super::tree::Node;
use super::{ManifestError, Object, tree};
use crate::envelope::SealCheck;
use crate::secret::{Namespace, is_note};

/// The prefix of annotations that are for this project's programs, and never for the plain Secret.
const OURS: &str = "envcrypt.dev/";

/// A form of a sealed Secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The custom resource `EnvcryptSecret`.
    Resource,
    /// A Secret of the type [`SEALED_TYPE`].
    Secret,
}

/// A text in which Secrets were converted.
pub struct Converted {
    /// The new text.
    pub text: String,
    /// The numbers of the Secrets that were written anew, without their comments.
    pub rewritten: Vec<usize>,
}

type Map = BTreeMap<String, String>;

impl Object {
    /// Returns the form of a sealed Secret.
    #[must_use]
    pub const fn form(&self) -> Form {
        if self.is_resource() { Form::Resource } else { Form::Secret }
    }

    /// Makes the other form of a sealed Secret, with the same sealed bytes.
    ///
    /// Labels and annotations of a Secret become those of the template, and the other way round.
    /// With `force`, what a Secret cannot hold is left out. `default` is the namespace of an object
    /// without a namespace; the new object has none either.
    ///
    /// # Errors
    /// Returns [`ManifestError::Unsealed`] if the Secret has no seal, [`ManifestError::NoPlace`] if
    /// a Secret cannot hold a part of the resource, and the errors of [`Object::sealed`].
    pub fn converted(&self, default: &Namespace, force: bool) -> Result<Self, ManifestError> {
        let secret = self.sealed(default, SealCheck::Required)?;
        if secret.seal.is_none() {
            return Err(ManifestError::Unsealed(secret.meta.place.to_string()));
        }
        Ok(match &self.spec {
            None => self.to_resource(),
            Some(spec) => {
                let lost = self.lost(spec);
                if !lost.is_empty() && !force {
                    let what = lost.join(", ");
                    return Err(ManifestError::NoPlace { title: self.title(), what });
                }
                self.to_secret(spec)
            }
        })
    }

    fn to_resource(&self) -> Self {
        let annotations = self.metadata.annotations.clone().unwrap_or_default();
        let (own, of_template) = split(&annotations);
        let json = |text: &Option<String>| {
            let bytes = BASE64_STANDARD.decode(text.as_deref().unwrap_or("")).unwrap_or_default();
            String::from_utf8(bytes).expect("it was read as JSON")
        };
        let values = self.data.iter().flatten().map(|(key, text)| (key.clone(), json(text)));
        let spec = Spec {
            sealed: SealedSpec {
                r#type: annotations.get(TYPE_ANNOTATION).cloned(),
                immutable: self.immutable.unwrap_or(false),
                values: values.collect(),
                seal: annotations.get(SEAL_ANNOTATION).cloned(),
                signatures: annotations.get(SIGNATURES_ANNOTATION).cloned(),
            },
            template: Template {
                labels: self.metadata.labels.clone().unwrap_or_default(),
                annotations: of_template,
            },
            deletion_policy: DeletionPolicy::default(),
            suspend: false,
        };
        Self {
            api_version: RESOURCE_VERSION.to_owned(),
            kind: RESOURCE_KIND.to_owned(),
            metadata: self.other_metadata(Map::new(), own),
            r#type: None,
            data: None,
            string_data: None,
            immutable: None,
            spec: Some(Box::new(spec)),
            status: None,
        }
    }

    fn to_secret(&self, spec: &Spec) -> Self {
        let Spec { sealed, template, .. } = spec;
        let own = self.metadata.annotations.clone().unwrap_or_default();
        let mut annotations = split(&own).0;
        annotations.extend(split(&template.annotations).1);
        // Notes on the resource itself count before those of its template.
        annotations.extend(own.into_iter().filter(|(name, _)| is_note(name)));
        let parts = [
            (TYPE_ANNOTATION, &sealed.r#type),
            (SEAL_ANNOTATION, &sealed.seal),
            (SIGNATURES_ANNOTATION, &sealed.signatures),
        ];
        annotations.extend(
            parts.into_iter().filter_map(|(name, text)| Some((name.into(), text.clone()?))),
        );
        let values = sealed.values.iter();
        let values = values.map(|(key, json)| (key.clone(), Some(BASE64_STANDARD.encode(json))));
        Self {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            metadata: self.other_metadata(template.labels.clone(), annotations),
            r#type: Some(SEALED_TYPE.to_owned()),
            data: Some(values.collect()),
            string_data: None,
            immutable: sealed.immutable.then_some(true),
            spec: None,
            status: None,
        }
    }

    /// The metadata of the same place, without what the API server wrote for the other kind.
    fn other_metadata(&self, labels: Map, annotations: Map) -> Metadata {
        let some = |map: Map| (!map.is_empty()).then_some(map);
        let mut other = self.metadata.other.clone();
        other.retain(|name, _| !SERVER_FIELDS.contains(&name.as_str()));
        Metadata {
            name: self.metadata.name.clone(),
            namespace: self.metadata.namespace.clone(),
            labels: some(labels),
            annotations: some(annotations),
            other,
        }
    }

    /// What a Secret cannot hold of a resource.
    fn lost(&self, spec: &Spec) -> Vec<String> {
        let mut lost = Vec::new();
        if spec.deletion_policy != DeletionPolicy::Delete {
            lost.push("`spec.deletionPolicy: Retain`".to_owned());
        }
        if spec.suspend {
            lost.push("`spec.suspend: true`".to_owned());
        }
        let mut add = |field: &str, name: &str| {
            lost.push(format!("`{field}` {}", name.escape_default()));
        };
        let Template { labels, annotations } = &spec.template;
        for (name, value) in self.metadata.labels.iter().flatten() {
            if labels.get(name) != Some(value) {
                add("metadata.labels", name);
            }
        }
        for (name, value) in self.metadata.annotations.iter().flatten() {
            let is_carried = annotations.get(name) == Some(value) || is_own(name) || is_note(name);
            if !is_carried && name != LAST_APPLIED_ANNOTATION {
                add("metadata.annotations", name);
            }
        }
        for name in annotations.keys().filter(|name| !is_for_template(name)) {
            add("spec.template.annotations", name);
        }
        lost
    }
}

/// The annotations for programs of this project, and those for the plain Secret. The sealed parts
/// and the copy of client-side apply are in neither.
fn split(annotations: &Map) -> (Map, Map) {
    let entries = |is_in: fn(&str) -> bool| {
        let entries = annotations.iter().filter(|(name, _)| is_in(name));
        entries.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    (entries(is_own), entries(is_for_template))
}

fn is_own(name: &str) -> bool {
    let is_sealed = [TYPE_ANNOTATION, SEAL_ANNOTATION, SIGNATURES_ANNOTATION].contains(&name);
    name.starts_with(OURS) && !is_sealed && !is_note(name)
}

fn is_for_template(name: &str) -> bool {
    is_note(name) || !name.starts_with(OURS) && name != LAST_APPLIED_ANNOTATION
}

/// Puts other forms of Secrets into a text; the number is that of the Secret among those that
/// [`parse`](super::parse) finds, from 0. Comments stay where this is possible.
///
/// # Errors
/// Returns [`ManifestError::InPlace`] if a Secret shares parts with other objects of the text.
pub fn convert(text: &str, objects: &BTreeMap<usize, Object>) -> Result<Converted, ManifestError> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let mut new = text.to_owned();
    let mut rewritten = Vec::new();
    // One at a time: a Secret that must be rewritten does not cost the comments of the others.
    for (index, object) in objects {
        let changed = |change: Change| changed(&new, *index, object, change);
        new = match changed(in_place) {
            Some(text) => text,
            None => {
                rewritten.push(*index);
                let rewrite: Change = |text, node, object| text.rewrite(node, object);
                changed(rewrite).ok_or(ManifestError::InPlace)?
            }
        };
    }
    Ok(Converted { text: format!("{mark}{new}"), rewritten })
}

type Change = fn(&mut Text<'_>, &Node, &Object) -> Option<()>;

/// The text with one changed object; none if anything else changed.
fn changed(text: &str, index: usize, object: &Object, change: Change) -> Option<String> {
    let documents = tree::read(text).ok()?;
    let nodes = nodes(&documents);
    let mut changed = Text::new(text);
    change(&mut changed, nodes.get(index)?, object)?;
    let new = changed.finish()?;
    let is_wanted = |number, old: Object, new: &Object| {
        if number == index { new == object } else { *new == old }
    };
    only_these(text, &new, is_wanted).then_some(new)
}

fn in_place(text: &mut Text<'_>, node: &Node, object: &Object) -> Option<()> {
    let mut top = text.entries(node)?;
    let mut metadata = text.entries(top.value("metadata")?)?;
    top.set("apiVersion", New::Scalar(object.api_version.clone()), &[]);
    top.set("kind", New::Scalar(object.kind.clone()), &[]);
    SERVER_FIELDS.iter().for_each(|name| metadata.remove(name));
    match &object.spec {
        Some(spec) => to_resource(text, &mut top, &mut metadata, object, spec),
        None => to_secret(text, &mut top, &mut metadata, object)?,
    }
    text.apply(metadata, top.key("metadata"))?;
    text.apply(top, None)
}

fn to_resource(
    text: &Text<'_>,
    top: &mut Entries<'_>,
    metadata: &mut Entries<'_>,
    object: &Object,
    spec: &Spec,
) {
    let mut sealed = Vec::new();
    if let Some(kind) = &spec.sealed.r#type {
        sealed.push(("type".to_owned(), New::Scalar(kind.clone())));
    }
    if spec.sealed.immutable {
        sealed.push(("immutable".to_owned(), New::True));
    }
    sealed.push(("values".to_owned(), moved(text, top, "data", &spec.sealed.values)));
    if let Some(seal) = &spec.sealed.seal {
        sealed.push(("seal".to_owned(), New::Scalar(seal.clone())));
    }
    if let Some(signatures) = &spec.sealed.signatures {
        sealed.push(("signatures".to_owned(), New::Scalar(signatures.clone())));
    }
    let Template { labels, annotations } = &spec.template;
    let maps = [("labels", labels), ("annotations", annotations)].into_iter();
    let template = maps.filter(|(_, map)| !map.is_empty());
    let template: Vec<_> =
        template.map(|(name, map)| (name.to_owned(), moved(text, metadata, name, map))).collect();
    let mut spec = vec![("sealed".to_owned(), New::Mapping(sealed))];
    if !template.is_empty() {
        spec.push(("template".to_owned(), New::Mapping(template)));
    }
    // The values stay where they are. A sealed Secret always has a type.
    let place = if top.value("data").is_some() { "data" } else { "type" };
    let fields = ["type", "data", "stringData", "immutable"].into_iter();
    fields.filter(|name| *name != place).for_each(|name| top.remove(name));
    top.set(place, New::Mapping(spec), &[]);
    top.rename(place, "spec");
    metadata.remove("labels");
    match &object.metadata.annotations {
        Some(own) => metadata.set("annotations", mapping(own), &[]),
        None => metadata.remove("annotations"),
    }
}

fn to_secret(
    text: &Text<'_>,
    top: &mut Entries<'_>,
    metadata: &mut Entries<'_>,
    object: &Object,
) -> Option<()> {
    let spec = text.entries(top.value("spec")?)?;
    let sealed = text.entries(spec.value("sealed")?)?;
    let template = match spec.value("template") {
        Some(template) => Some(text.entries(template)?),
        None => None,
    };
    let data = object.data.iter().flatten();
    let data: Map = data.map(|(k, v)| (k.clone(), v.clone().unwrap_or_default())).collect();
    top.set("type", New::Scalar(SEALED_TYPE.to_owned()), &["spec"]);
    if object.immutable == Some(true) {
        top.set("immutable", New::True, &["spec"]);
    }
    top.set("spec", moved(text, &sealed, "values", &data), &[]);
    top.rename("spec", "data");
    top.remove("status");
    let maps = [("labels", &object.metadata.labels), ("annotations", &object.metadata.annotations)];
    for (name, map) in maps {
        match map {
            None => metadata.remove(name),
            // Lines cannot stand in braces.
            Some(map) => match &template {
                Some(template) if !metadata.is_flow() => {
                    metadata.set(name, moved(text, template, name, map), &[]);
                }
                _ => metadata.set(name, mapping(map), &[]),
            },
        }
    }
    Some(())
}

/// The entries of `map`, with the comments of those that stand behind the key `name` of `from`.
fn moved(text: &Text<'_>, from: &Entries<'_>, name: &str, map: &Map) -> New {
    let lines = || {
        let mut entries = text.entries(from.value(name)?)?;
        map.iter().for_each(|(key, value)| entries.set(key, New::Scalar(value.clone()), &[]));
        entries.retain(|key| map.contains_key(key));
        text.lines(entries, from.key(name)?)
    };
    lines().unwrap_or_else(|| mapping(map))
}

fn mapping(map: &Map) -> New {
    let entries = map.iter().map(|(key, value)| (key.clone(), New::Scalar(value.clone())));
    New::Mapping(entries.collect())
}

#[cfg(test)]
mod tests;
