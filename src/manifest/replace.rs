//! Changing sealed values in the text of a file, and nothing else: comments,
//! order, quotes and every other object stay as they are.

use std::collections::BTreeMap;
use std::ops::Range;

use saphyr::{LoadableYamlNode, MarkedYaml};

use super::document::{Document, parse};
use super::object::{SEAL_ANNOTATION, encode, seal_text};
use super::{ManifestError, Object, yaml};
use crate::envelope::SealedSecret;

/// The text with the values and seals of some of its Secrets replaced; the
/// number is that of the Secret among those that [`parse`] finds, from 0.
///
/// # Errors
/// [`ManifestError::InPlace`] when the text is written in a way (an anchor, an
/// escape) in which a value cannot be replaced alone. The result was read again
/// and compared, so whatever else changed is noticed here.
pub fn replace(
    text: &str,
    secrets: &BTreeMap<usize, SealedSecret>,
) -> Result<String, ManifestError> {
    let (mark, text) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let documents = MarkedYaml::load_from_str(text).map_err(|_| ManifestError::InPlace)?;
    let mut nodes = Vec::new();
    documents.iter().for_each(|document| collect(document, &mut nodes));
    let offsets = Offsets::of(text);
    let mut edits = Vec::new();
    for (index, secret) in secrets {
        let node = nodes.get(*index).ok_or(ManifestError::InPlace)?;
        for (node, value) in scalars(node, secret).ok_or(ManifestError::InPlace)? {
            let range = token(text, offsets.range(node));
            let new = written_as(text, &range, &value);
            edits.push((range, new));
        }
    }
    let new = apply(text, edits).ok_or(ManifestError::InPlace)?;
    match is_only_that(text, &new, secrets) {
        true => Ok(format!("{mark}{new}")),
        false => Err(ManifestError::InPlace),
    }
}

/// The Secrets of a document, in the order in which [`parse`] takes them.
fn collect<'a, 'text>(node: &'a MarkedYaml<'text>, into: &mut Vec<&'a MarkedYaml<'text>>) {
    let field = |name: &str| node.data.as_mapping_get(name).and_then(|value| value.data.as_str());
    match (field("apiVersion"), field("kind")) {
        (Some("v1"), Some("Secret")) => into.push(node),
        (Some("v1"), Some(kind)) if kind.ends_with("List") => {
            let items = node.data.as_mapping_get("items").and_then(|items| items.data.as_vec());
            items.into_iter().flatten().for_each(|item| collect(item, into));
        }
        _ => {}
    }
}

/// Where each value and the seal stand, and what is to stand there.
fn scalars<'a, 'text>(
    node: &'a MarkedYaml<'text>,
    secret: &SealedSecret,
) -> Option<Vec<(&'a MarkedYaml<'text>, String)>> {
    let mut found = Vec::new();
    let data = node.data.as_mapping_get("data");
    for (key, jwe) in &secret.values {
        found.push((data?.data.as_mapping_get(key.as_str())?, encode(jwe)));
    }
    if let Some(seal) = &secret.seal {
        let annotations = node.data.as_mapping_get("metadata")?.data.as_mapping_get("annotations");
        found.push((annotations?.data.as_mapping_get(SEAL_ANNOTATION)?, seal_text(seal)));
    }
    Some(found)
}

/// A parser counts characters; text is cut at bytes.
struct Offsets(Option<Vec<usize>>);

impl Offsets {
    fn of(text: &str) -> Self {
        let bytes = || text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        Self((!text.is_ascii()).then(bytes))
    }

    fn range(&self, node: &MarkedYaml<'_>) -> Range<usize> {
        let byte = |index: usize| self.0.as_ref().map_or(index, |bytes| bytes[index]);
        byte(node.span.start.index())..byte(node.span.end.index())
    }
}

/// A parser counts the blanks and the comment behind a scalar as part of it.
fn token(text: &str, range: Range<usize>) -> Range<usize> {
    let old = &text[range.clone()];
    // Escaped quotes out of the way, each by as many bytes.
    let closing = |text: String, quote| text[1..].find(quote).map_or(text.len(), |at| at + 2);
    let length = match old.as_bytes().first() {
        Some(b'"') => closing(old.replace(r"\\", "  ").replace(r#"\""#, "  "), '"'),
        Some(b'\'') => closing(format!("'{}", old[1..].replace("''", "  ")), '\''),
        _ => {
            let comment = old.find(" #").or(old.find("\t#")).unwrap_or(old.len());
            old[..comment].trim_end().len()
        }
    };
    range.start..range.start + length
}

/// In the quotes in which the old one was written, or as it is in a block.
fn written_as(text: &str, range: &Range<usize>, value: &str) -> String {
    let mut new = String::with_capacity(value.len() + 2);
    match text[range.clone()].as_bytes().first() {
        _ if is_block(&text[..range.start]) => new.push_str(value),
        Some(b'"') => new = serde_json::to_string(value).expect("it is text"),
        Some(b'\'') => yaml::single_quoted(&mut new, value),
        _ => yaml::scalar(&mut new, value),
    }
    new
}

/// Whether the header of a block scalar, `|` or `>-` and their kin, ends the
/// last line before.
fn is_block(before: &str) -> bool {
    let indented = before.trim_end_matches(' ');
    let header = indented.trim_end_matches(['\r', '\n', ' ']);
    let mark = header.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'));
    header.len() < indented.len() && mark.ends_with(['|', '>'])
}

fn apply(text: &str, mut edits: Vec<(Range<usize>, String)>) -> Option<String> {
    edits.sort_by_key(|(range, _)| range.start);
    let mut new = String::with_capacity(text.len());
    let mut end = 0;
    for (range, value) in edits {
        new.push_str(text.get(end..range.start)?);
        new.push_str(&value);
        end = range.end;
    }
    new.push_str(text.get(end..)?);
    Some(new)
}

/// Whether the new text holds the new values, and all else as it was.
fn is_only_that(old: &str, new: &str, secrets: &BTreeMap<usize, SealedSecret>) -> bool {
    let (Ok(old), Ok(new)) = (parse(old.as_bytes()), parse(new.as_bytes())) else { return false };
    let mut index = 0;
    old.len() == new.len()
        && old.into_iter().zip(new).all(|documents| match documents {
            (Document::Secret(mut old), Document::Secret(new)) => {
                if let Some(secret) = secrets.get(&index) {
                    put(&mut old, secret);
                }
                index += 1;
                old == new
            }
            (Document::Other(old), Document::Other(new)) => old == new,
            _ => false,
        })
}

/// Puts new values and a new seal into an object.
pub fn put(object: &mut Object, secret: &SealedSecret) {
    let values = secret.values.iter();
    object.data = Some(values.map(|(k, jwe)| (k.to_string(), Some(encode(jwe)))).collect());
    if let Some(seal) = &secret.seal {
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(SEAL_ANNOTATION.to_owned(), seal_text(seal));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Scope, SealCheck, Sealer};
    use crate::kek::{DataKey, KekUri, WrappedKey};
    use crate::manifest::sealed_object;
    use crate::secret::{Meta, Namespace, Place, PlainSecret, SecretType, SecretValue};

    /// The same Secret, sealed anew with every call.
    fn sealed(name: &str) -> SealedSecret {
        let place =
            Place { namespace: "prod".parse().expect("valid"), name: name.parse().expect("valid") };
        let kek = KekUri::age("age1its").expect("a recipient");
        let recipients = vec![WrappedKey { kek, bytes: b"wrapped".to_vec() }];
        let sealer =
            Sealer::from_parts(place.clone(), Scope::Strict, DataKey::generate(), recipients);
        let meta = Meta {
            place,
            kind: SecretType::Opaque,
            immutable: false,
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
        };
        let value =
            |key: &str| (key.parse().expect("a key"), SecretValue::new(key.as_bytes().to_vec()));
        let plain = PlainSecret { meta, values: ["a", "b"].map(value).into() };
        sealer.seal(plain, 1).expect("it fits")
    }

    fn parts(secret: &SealedSecret) -> [String; 3] {
        let [a, b] = [0, 1].map(|i| encode(secret.values.values().nth(i).expect("two")));
        [a, b, seal_text(secret.seal.as_ref().expect("sealed"))]
    }

    fn json(text: &str) -> String {
        serde_json::to_string(text).expect("text")
    }

    /// A file that nobody formatted, around the parts of a Secret.
    fn written([a, b, seal]: &[String; 3]) -> String {
        format!(
            "\u{feff}# über alles\n---\nkind:   Deployment # kept\napiVersion: apps/v1\nspec: {{x: [1,   2]}}\n---\r\n\
             apiVersion: v1\r\nkind: \"Secret\"\r\nmetadata:\r\n  name: one # named\r\n  namespace: prod\r\n  annotations:\r\n\
             \x20   envcrypt.dev/seal: '{}'\r\n    other: yes please\r\ntype: envcrypt.dev/sealed\r\ndata:\r\n\
             \x20 b: {}   # second first\r\n\r\n  \"a\": >-\r\n    {a}\r\n# the end\r\n",
            seal.replace('\'', "''"),
            json(b),
        )
    }

    #[test]
    fn only_values_and_seal_change_and_keep_their_quotes() {
        let (old, new) = (parts(&sealed("one")), sealed("one"));
        let text = written(&old);
        let changed = replace(&text, &[(0, new.clone())].into()).expect("in place");
        let expected = written(&parts(&new));
        assert_eq!(changed, expected);
    }

    #[test]
    fn json_stays_json_and_lists_are_counted_as_they_are_read() {
        let (old, new) = (sealed("two"), sealed("two"));
        for format in [super::super::Format::Json, super::super::Format::Yaml] {
            let objects = [sealed_object(&sealed("one")), sealed_object(&old)];
            let text = super::super::write(&objects, format);
            let changed = replace(&text, &[(1, new.clone())].into()).expect("in place");
            let mut secrets = parse(changed.as_bytes()).expect("readable").into_iter();
            let Some(Document::Secret(object)) = secrets.nth(1) else { panic!("two Secrets") };
            let default: Namespace = "default".parse().expect("valid");
            let read = object.sealed(&default, SealCheck::Required).expect("sealed");
            assert!(read == new);
            let expected = super::super::write(&[sealed_object(&sealed("x"))], format);
            assert_eq!(changed.starts_with('{'), expected.starts_with('{'));
        }
    }

    #[test]
    fn what_cannot_be_replaced_alone_is_an_error() {
        let (old, new) = (sealed("one"), sealed("one"));
        let [a, b, seal] = parts(&old);
        let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: one, namespace: prod, annotations: {envcrypt.dev/seal: ";
        let aliased = format!(
            "{head}{}, copy: *x}}}}\ntype: envcrypt.dev/sealed\ndata: {{a: {a}, b: {b}}}\n",
            json(&seal)
        )
        .replace("name: one", "name: &x one")
        .replace("envcrypt.dev/seal: ", "envcrypt.dev/seal: &x ");
        let lacks_a_key =
            format!("{head}{}}}}}\ntype: envcrypt.dev/sealed\ndata: {{b: {b}}}\n", json(&seal));
        for text in [aliased, lacks_a_key, String::new(), "a: [".to_owned()] {
            let error = replace(&text, &[(0, new.clone())].into()).err();
            assert!(matches!(error, Some(ManifestError::InPlace)), "{text}");
        }
    }
}
