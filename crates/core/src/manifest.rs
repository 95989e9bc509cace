//! Reads, writes and finds Secret objects in YAML and JSON.
//!
//! This module does no I/O. Types that can hold plaintext do not implement `Debug`.

mod convert;
mod document;
mod draft;
mod error;
#[cfg(test)]
mod layout;
mod make;
mod object;
mod patch;
mod replace;
mod resource;
mod scan;
mod text;
mod tokens;
pub mod tree;
mod words;
mod yaml;

pub use convert::{Converted, Form, convert};
pub use document::{Document, parse};
pub use draft::{DraftError, draft, read_draft};
pub use error::ManifestError;
pub use make::{plain_object, resource_object, sealed_object};
pub use object::{
    LAST_APPLIED_ANNOTATION, Metadata, Object, SEAL_ANNOTATION, SEALED_AT_ANNOTATION, SEALED_TYPE,
    SIGNATURES_ANNOTATION,
};

pub use patch::Patch;
pub use replace::{put, replace};
pub use resource::{DeletionPolicy, RESOURCE_KIND, RESOURCE_VERSION, SealedSpec, Spec, Template};
pub use scan::{
    FileKind, Found, FoundSecret, Position, Sealing, heredocs, is_wide, may_find, may_have_sealed,
    may_mention, scan, sealings,
};
pub use tokens::{SealedToken, sealed_tokens};
pub use tree::{TreeError, text_of_file};
pub use words::may_have_words;

use zeroize::Zeroizing;

/// The format of a written manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML documents, separated by `---`.
    Yaml,
    /// Indented JSON. Several objects become one `List`.
    Json,
}

/// Writes objects as text. The text can hold plaintext, so it is wiped when it is dropped.
#[must_use]
pub fn write(objects: &[Object], format: Format) -> Zeroizing<String> {
    match (format, objects) {
        (Format::Yaml, _) => {
            let mut text = Zeroizing::new(String::with_capacity(objects.iter().map(size).sum()));
            for (index, object) in objects.iter().enumerate() {
                if index > 0 {
                    text.push_str("---\n");
                }
                yaml::write(object, &mut text);
            }
            text
        }
        (Format::Json, [object]) => json(object, size(object)),
        (Format::Json, _) => {
            let list = List { api_version: "v1", kind: "List", items: objects };
            json(&list, objects.iter().map(size).sum())
        }
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'a str,
    kind: &'a str,
    items: &'a [Object],
}

fn json(value: &impl serde::Serialize, size: usize) -> Zeroizing<String> {
    let mut bytes = Vec::with_capacity(size);
    serde_json::to_writer_pretty(&mut bytes, value).expect("an object is plain text");
    bytes.push(b'\n');
    Zeroizing::new(String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// An upper estimate of the written size, in bytes. A text that grows beyond its capacity would
/// leave an unwiped copy.
fn size(object: &Object) -> usize {
    let data = object.data.iter().flatten();
    let values = object.spec.iter().flat_map(|spec| &spec.sealed.values);
    1024 + data.map(|(k, v)| 32 + k.len() + v.as_deref().map_or(0, str::len)).sum::<usize>()
        + values.map(|(k, v)| 32 + k.len() + 2 * v.len()).sum::<usize>()
        + object
            .metadata
            .annotations
            .iter()
            .flatten()
            .map(|(k, v)| 32 + k.len() + 2 * v.len())
            .sum::<usize>()
}
