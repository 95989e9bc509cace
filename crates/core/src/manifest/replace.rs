//! Changing Secrets in the text of a file, and nothing else: comments, order,
//! quotes and every other object stay as they are.

use std::collections::BTreeMap;

use super::document::{Document, parse};
use super::make::encode;
use super::object::{
    LAST_APPLIED_ANNOTATION, SEAL_ANNOTATION, SEALED_TYPE, SIGNATURES_ANNOTATION, TYPE_ANNOTATION,
};
use super::resource::{RESOURCE_KIND, RESOURCE_VERSION, json_text};
use super::text::{Entries, New, Text};
use super::tree::{self, Node, text_of};
use super::{ManifestError, Object};
use crate::envelope::{AuthorSignature, SealedSecret};
use crate::secret::{Meta, SecretType};

/// The text with some of its Secrets, plain or sealed, replaced by sealed ones; the
/// number is that of the Secret among those that [`parse`] finds, from 0.
///
/// # Errors
/// [`ManifestError::InPlace`] when the text is written in a way (an anchor, an
/// escape) in which a Secret cannot be changed alone. The result was read again
/// and compared, so whatever else changed is noticed here.
pub fn replace(
    text: &str,
    secrets: &BTreeMap<usize, SealedSecret>,
) -> Result<String, ManifestError> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let documents = tree::read(text).map_err(|_| ManifestError::InPlace)?;
    let nodes = nodes(&documents);
    let mut changed = Text::new(text);
    for (index, secret) in secrets {
        let node = nodes.get(*index).ok_or(ManifestError::InPlace)?;
        change(&mut changed, node, secret).ok_or(ManifestError::InPlace)?;
    }
    let new = changed.finish().ok_or(ManifestError::InPlace)?;
    match is_only_that(text, &new, secrets) {
        true => Ok(format!("{mark}{new}")),
        false => Err(ManifestError::InPlace),
    }
}

/// The Secrets of all documents, in the order in which [`parse`] finds them.
pub(super) fn nodes(documents: &[Node]) -> Vec<&Node> {
    let mut nodes = Vec::new();
    documents.iter().for_each(|document| collect(document, &mut nodes));
    nodes
}

/// The Secrets of a document, in the order in which [`parse`] finds them.
fn collect<'a>(node: &'a Node, into: &mut Vec<&'a Node>) {
    let field = |name: &str| node.get(name).and_then(text_of);
    match (field("apiVersion"), field("kind")) {
        (Some("v1"), Some("Secret")) | (Some(RESOURCE_VERSION), Some(RESOURCE_KIND)) => {
            into.push(node);
        }
        (Some("v1" | "/v1"), Some(kind)) if kind.ends_with("List") => items(node, into),
        (Some(RESOURCE_VERSION), Some("EnvcryptSecretList")) => items(node, into),
        _ => {}
    }
}

/// The Secrets of a list.
fn items<'a>(node: &'a Node, into: &mut Vec<&'a Node>) {
    let items = node.get("items").and_then(Node::as_sequence);
    items.into_iter().flatten().for_each(|item| collect(item, into));
}

/// Makes the object at `node` that sealed Secret.
fn change(text: &mut Text<'_>, node: &Node, secret: &SealedSecret) -> Option<()> {
    if node.get("kind").and_then(text_of) == Some(RESOURCE_KIND) {
        return change_resource(text, node, secret);
    }
    let values: BTreeMap<&str, String> =
        secret.values.iter().map(|(key, jwe)| (key.as_str(), encode(jwe))).collect();
    let mut top = text.entries(node)?;
    // The plaintext of a value that is shared would stay where it is shared from.
    let values_of = |name| top.value(name).is_some_and(|values| text.is_shared(values));
    if values_of("data") || values_of("stringData") {
        return None;
    }
    top.set("type", New::Scalar(SEALED_TYPE.to_owned()), &["data", "stringData"]);
    set_immutable(&mut top, &secret.meta, &["type", "data", "stringData"]);
    annotate(text, &mut top, secret)?;
    // Text values become sealed ones where they stand, unless there are both.
    let mut place = "data";
    if top.value("data").is_none() && top.value("stringData").is_some() {
        top.rename("stringData", "data");
        place = "stringData";
    } else {
        top.remove("stringData");
    }
    match top.value(place).filter(|value| value.is_mapping()) {
        Some(data) => {
            let mut data = text.entries(data)?;
            for (key, value) in &values {
                data.set(key, New::Scalar(value.clone()), &[]);
            }
            data.retain(|key| values.contains_key(key));
            text.apply(data, top.key(place))?;
        }
        None if values.is_empty() && top.value("stringData").is_none() => {}
        None => {
            let values = values.into_iter();
            let values = values.map(|(key, value)| (key.to_owned(), New::Scalar(value)));
            top.set(place, New::Mapping(values.collect()), &[]);
        }
    }
    text.apply(top, None)
}

/// Gives the `EnvcryptSecret` at `node` the sealed parts of that sealed Secret.
fn change_resource(text: &mut Text<'_>, node: &Node, secret: &SealedSecret) -> Option<()> {
    let top = text.entries(node)?;
    let spec = text.entries(top.value("spec")?)?;
    let mut sealed = text.entries(spec.value("sealed")?)?;
    let texts = secret.values.iter().map(|(key, jwe)| (key.as_str(), json_text(jwe)));
    let texts: BTreeMap<_, _> = texts.collect();
    match sealed.value("values") {
        Some(values) => {
            let mut values = text.entries(values)?;
            for (key, value) in &texts {
                values.set(key, New::Scalar(value.clone()), &[]);
            }
            values.retain(|key| texts.contains_key(key));
            text.apply(values, sealed.key("values"))?;
        }
        None if texts.is_empty() => {}
        None => {
            let values = texts.into_iter().map(|(key, value)| (key.to_owned(), New::Scalar(value)));
            sealed.set("values", New::Mapping(values.collect()), &["seal"]);
        }
    }
    if let Some(seal) = &secret.seal {
        sealed.set("seal", New::Scalar(json_text(seal)), &["signatures"]);
    }
    match AuthorSignature::list_json(&secret.signatures) {
        Some(signatures) => sealed.set("signatures", New::Scalar(signatures), &[]),
        None => sealed.remove("signatures"),
    }
    set_type(&mut sealed, &secret.meta);
    text.apply(sealed, spec.key("sealed"))?;
    let metadata = text.entries(top.value("metadata")?)?;
    if let Some(annotations) = metadata.value("annotations").filter(|value| value.is_mapping()) {
        let mut annotations = text.entries(annotations)?;
        annotations.remove(LAST_APPLIED_ANNOTATION);
        text.apply(annotations, metadata.key("annotations"))?;
    }
    Some(())
}

/// Writes the type and `immutable`, each only if it changes.
fn set_type(sealed: &mut Entries<'_>, meta: &Meta) {
    let kind = sealed.value("type").and_then(text_of).map_or(Ok(SecretType::Opaque), str::parse);
    match &meta.kind {
        kind_now if kind.as_ref().is_ok_and(|kind| kind == kind_now) => {}
        SecretType::Opaque => sealed.remove("type"),
        kind => sealed.set("type", New::Scalar(kind.to_string()), &["values", "seal"]),
    }
    set_immutable(sealed, meta, &["values", "seal"]);
}

/// Writes `immutable`, if it changes.
fn set_immutable(entries: &mut Entries<'_>, meta: &Meta, before: &'static [&'static str]) {
    match entries.value("immutable").and_then(text_of) == Some("true") {
        is_immutable if is_immutable == meta.immutable => {}
        true => entries.remove("immutable"),
        false => entries.set("immutable", New::True, before),
    }
}

/// Whether a type that someone wrote must go, because the Secret is `Opaque` now.
fn is_other_type(kind: Option<&str>, secret: &SealedSecret) -> bool {
    secret.meta.kind == SecretType::Opaque && kind.is_some_and(|kind| kind != "Opaque")
}

/// The namespace, where the Secret opens in no other: then its file is to say so.
fn bound_namespace(secret: &SealedSecret) -> Option<String> {
    secret.seal.as_ref()?.binding.namespace.clone()
}

/// Puts the seal and the type where they belong, and client-side apply's copy away.
fn annotate<'n>(text: &mut Text<'_>, top: &mut Entries<'n>, secret: &SealedSecret) -> Option<()> {
    let mut wanted = Vec::new();
    if secret.meta.kind != SecretType::Opaque {
        wanted.push((TYPE_ANNOTATION.to_owned(), secret.meta.kind.to_string()));
    }
    if let Some(seal) = &secret.seal {
        wanted.push((SEAL_ANNOTATION.to_owned(), json_text(seal)));
    }
    let signatures = AuthorSignature::list_json(&secret.signatures);
    let is_signed = signatures.is_some();
    wanted.extend(signatures.map(|text| (SIGNATURES_ANNOTATION.to_owned(), text)));
    let mut metadata = text.entries(top.value("metadata")?)?;
    let is_sealed = top.value("type").and_then(text_of) == Some(SEALED_TYPE);
    if let Some(namespace) = bound_namespace(secret).filter(|_| !is_sealed)
        && metadata.value("namespace").is_none()
    {
        metadata.set("namespace", New::Scalar(namespace), &["labels", "annotations"]);
    }
    match metadata.value("annotations").filter(|value| value.is_mapping()) {
        Some(annotations) => {
            let mut annotations = text.entries(annotations)?;
            for (name, value) in wanted {
                annotations.set(&name, New::Scalar(value), &[]);
            }
            if is_other_type(annotations.value(TYPE_ANNOTATION).and_then(text_of), secret) {
                annotations.remove(TYPE_ANNOTATION);
            }
            if !is_signed {
                annotations.remove(SIGNATURES_ANNOTATION);
            }
            annotations.remove(LAST_APPLIED_ANNOTATION);
            text.apply(annotations, metadata.key("annotations"))?;
        }
        None => {
            let wanted = wanted.into_iter().map(|(name, value)| (name, New::Scalar(value)));
            metadata.set("annotations", New::Mapping(wanted.collect()), &[]);
        }
    }
    text.apply(metadata, top.key("metadata"))
}

/// Whether the new text holds the new values, and all else as it was.
fn is_only_that(old: &str, new: &str, secrets: &BTreeMap<usize, SealedSecret>) -> bool {
    only_these(old, new, |index, mut old, new| {
        if let Some(secret) = secrets.get(&index) {
            put(&mut old, secret);
        }
        old == *new
    })
}

/// Whether each Secret of the new text is as wanted, by its number and its old form, and all else
/// as it was.
pub(super) fn only_these(
    old: &str,
    new: &str,
    is_wanted: impl Fn(usize, Object, &Object) -> bool,
) -> bool {
    let (Ok(old), Ok(new)) = (parse(old.as_bytes()), parse(new.as_bytes())) else { return false };
    let mut index = 0;
    old.len() == new.len()
        && old.into_iter().zip(new).all(|documents| match documents {
            (Document::Secret(old), Document::Secret(new)) => {
                index += 1;
                is_wanted(index - 1, *old, &new)
            }
            (Document::Other(old), Document::Other(new)) => old == new,
            _ => false,
        })
}

/// Makes the object, plain or sealed, that sealed Secret; what else it carries stays.
pub fn put(object: &mut Object, secret: &SealedSecret) {
    if let Some(spec) = &mut object.spec {
        spec.sealed.put(secret);
        if let Some(annotations) = &mut object.metadata.annotations {
            annotations.remove(LAST_APPLIED_ANNOTATION);
        }
        return;
    }
    let values = secret.values.iter();
    let data: BTreeMap<_, _> = values.map(|(k, jwe)| (k.to_string(), Some(encode(jwe)))).collect();
    let had_none = object.data.is_none() && object.string_data.is_none();
    object.data = (!data.is_empty() || !had_none).then_some(data);
    object.string_data = None;
    if !object.is_sealed() && object.metadata.namespace.is_none() {
        object.metadata.namespace = bound_namespace(secret);
    }
    object.r#type = Some(SEALED_TYPE.to_owned());
    if object.immutable.unwrap_or(false) != secret.meta.immutable {
        object.immutable = secret.meta.immutable.then_some(true);
    }
    let annotations = object.metadata.annotations.get_or_insert_default();
    annotations.remove(LAST_APPLIED_ANNOTATION);
    if is_other_type(annotations.get(TYPE_ANNOTATION).map(String::as_str), secret) {
        annotations.remove(TYPE_ANNOTATION);
    }
    if secret.meta.kind != SecretType::Opaque {
        annotations.insert(TYPE_ANNOTATION.to_owned(), secret.meta.kind.to_string());
    }
    if let Some(seal) = &secret.seal {
        annotations.insert(SEAL_ANNOTATION.to_owned(), json_text(seal));
    }
    match AuthorSignature::list_json(&secret.signatures) {
        Some(text) => drop(annotations.insert(SIGNATURES_ANNOTATION.to_owned(), text)),
        None => drop(annotations.remove(SIGNATURES_ANNOTATION)),
    }
}

#[cfg(test)]
mod resource_tests;
#[cfg(test)]
pub(super) mod tests;
