//! A file of YAML or JSON under SOPS, opened as a whole: the text with its values decrypted and
//! its `sops` metadata removed.

use std::ops::Range;

use envcrypt_core::kek::DataKey;
use envcrypt_core::manifest::Patch;
use envcrypt_core::manifest::tree::{self, Data, Node, text_of};
use zeroize::Zeroizing;

use super::error::SopsError;
use super::mac::Mac;
use super::metadata::Metadata;
use super::path::{aad, shown};
use super::scalar::{Scalar, Syntax, resolve};
use super::value::{Encrypted, Kind, PREFIX};

/// Fields of a Secret that are public by their nature.
const PUBLIC: [&str; 6] =
    ["apiVersion", "kind", "type", "immutable", "metadata.name", "metadata.namespace"];

/// A text with documents under SOPS.
pub struct File<'t> {
    text: &'t str,
    has_byte_order_mark: bool,
    syntax: Syntax,
    documents: Vec<Node>,
    parts: Vec<Part>,
}

/// Documents that SOPS encrypted together: they share the data key and the MAC.
///
/// A file that was made from several files of SOPS has several parts.
pub struct Part {
    /// What the metadata says.
    pub metadata: Metadata,
    /// The documents, counted from 0.
    documents: Vec<usize>,
}

/// What may be done beyond opening.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Accept a MAC that does not match.
    pub ignore_mac: bool,
    /// Write encrypted comments in plaintext. Otherwise they are dropped.
    pub keep_comments: bool,
}

/// An opened file.
pub struct Opened {
    /// The text of plain manifests. It is wiped when it is dropped.
    pub text: Zeroizing<String>,
    /// The number of encrypted comments that were dropped.
    pub dropped_comments: usize,
    /// Encrypted fields that a sealed Secret cannot hide, such as labels.
    pub revealed: Vec<String>,
}

/// The namespace and the name of an object, if they are not encrypted.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// `metadata.namespace`
    pub namespace: Option<String>,
    /// `metadata.name`
    pub name: Option<String>,
}

/// A decrypted value, and where it stands.
struct Leaf<'n> {
    node: &'n Node,
    kind: Kind,
    text: Zeroizing<Vec<u8>>,
    path: String,
    /// Whether it is a value of a Secret.
    is_value: bool,
}

/// Returns the `sops` metadata of a document.
pub(crate) fn metadata_of(document: &Node) -> Option<&Node> {
    let sops = document.get("sops").filter(|sops| sops.is_mapping())?;
    // A chart can have settings of this name.
    let is_metadata = |name| sops.get(name).is_some();
    (is_metadata("mac") || is_metadata("lastmodified")).then_some(sops)
}

impl<'t> File<'t> {
    /// Reads a text. Returns `None` if no document is under SOPS.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if the text or the metadata of a document cannot be read.
    pub fn read(text: &'t str) -> Result<Option<Self>, SopsError> {
        let rest = text.strip_prefix('\u{feff}');
        let (has_byte_order_mark, text) = (rest.is_some(), rest.unwrap_or(text));
        let documents = tree::read(text)?;
        let mut parts: Vec<Part> = Vec::new();
        for (index, document) in documents.iter().enumerate() {
            let Some(sops) = metadata_of(document) else { continue };
            let metadata = Metadata::of_node(sops)
                .map_err(|source| SopsError::Metadata { document: index + 1, source })?;
            match parts.iter_mut().find(|part| part.metadata.is_of_same_file(&metadata)) {
                Some(part) => part.documents.push(index),
                None => parts.push(Part { metadata, documents: vec![index] }),
            }
        }
        let is_json = text.trim_start().starts_with('{')
            && serde_json::from_str::<serde_json::Value>(text).is_ok();
        let syntax = if is_json { Syntax::Json } else { Syntax::Yaml };
        let file = Self { text, has_byte_order_mark, syntax, documents, parts };
        Ok((!file.parts.is_empty()).then_some(file))
    }

    /// Returns the parts. Each has a data key of its own.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Returns whether a document under SOPS is, or may be, a Secret or a list.
    #[must_use]
    pub fn may_hold_secret(&self) -> bool {
        let may = |document: &usize| {
            let kind = self.documents[*document].get("kind").and_then(text_of);
            kind.is_some_and(|kind| {
                kind == "Secret" || kind.ends_with("List") || kind.starts_with(PREFIX)
            })
        };
        self.parts.iter().flat_map(|part| &part.documents).any(may)
    }

    /// Returns the names of the objects of a part, without those that are encrypted.
    #[must_use]
    pub fn names(&self, part: &Part) -> Vec<Named> {
        let mut names = Vec::new();
        for document in &part.documents {
            for object in objects(&self.documents[*document]) {
                let field = |name| {
                    let text = object.get("metadata")?.get(name).and_then(text_of)?;
                    (!text.is_empty() && !text.starts_with(PREFIX)).then(|| text.to_owned())
                };
                names.push(Named { namespace: field("namespace"), name: field("name") });
            }
        }
        names
    }

    /// Decrypts the text. `keys` are the data keys of [`File::parts`], in the same order.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if a value or a MAC does not match, if an object with encrypted
    /// values is not a Secret, or if the text cannot be changed in place.
    pub fn open(&self, keys: &[DataKey], options: Options) -> Result<Opened, SopsError> {
        let mut patch = Patch::new(self.text);
        let (mut dropped_comments, mut revealed) = (0, Vec::new());
        for (part, key) in self.parts.iter().zip(keys) {
            let (leaves, mac) = self.decrypt(part, key)?;
            if !options.ignore_mac {
                mac.check(&part.metadata, key)?;
            }
            for leaf in &leaves {
                self.put(&mut patch, leaf)?;
                if !leaf.is_value && !PUBLIC.contains(&leaf.path.as_str()) {
                    revealed.push(leaf.path.clone());
                }
            }
            for document in &part.documents {
                let node = &self.documents[*document];
                patch.remove(node, "sops").ok_or(SopsError::InPlace)?;
            }
        }
        for comment in self.comments() {
            match self.open_comment(&comment, keys).filter(|_| options.keep_comments) {
                Some(text) => patch.comment(comment, &text),
                None => {
                    dropped_comments += 1;
                    patch.cut(comment);
                }
            }
        }
        let mut text = patch.finish().ok_or(SopsError::InPlace)?;
        if self.has_byte_order_mark {
            let mut marked = Zeroizing::new(String::with_capacity(text.len() + 3));
            marked.push('\u{feff}');
            marked.push_str(&text);
            text = marked;
        }
        Ok(Opened { text, dropped_comments, revealed })
    }

    /// Decrypts the values of a part, and computes its MAC.
    fn decrypt(&self, part: &Part, key: &DataKey) -> Result<(Vec<Leaf<'_>>, Mac), SopsError> {
        let mut mac = Mac::new(part.metadata.mac_only_encrypted);
        let mut leaves = Vec::new();
        for document in &part.documents {
            let node = &self.documents[*document];
            let first = leaves.len();
            let mut take = |path: &[&str], node| self.leaf(part, key, path, node, &mut mac);
            walk(node, &mut Vec::new(), &mut |path, node| {
                leaves.extend(take(path, node)?);
                Ok(())
            })?;
            mark_values(node, &mut leaves[first..], *document)?;
        }
        Ok((leaves, mac))
    }

    /// Decrypts one value, if the rule says that it is encrypted, and adds it to the MAC.
    fn leaf<'n>(
        &self,
        part: &Part,
        key: &DataKey,
        path: &[&str],
        node: &'n Node,
        mac: &mut Mac,
    ) -> Result<Option<Leaf<'n>>, SopsError> {
        let at = || (node.start.line, shown(path));
        let plain = resolve(node, self.syntax);
        let is_encrypted = part.metadata.rule.encrypts(path);
        match plain {
            Scalar::Null => return Ok(None),
            // SOPS does not encrypt an empty text.
            Scalar::Text("") => return Ok(None),
            Scalar::Text(text) if !is_encrypted => mac.take(text.as_bytes(), false),
            Scalar::Other(text) if !is_encrypted => mac.take(text.as_bytes(), false),
            Scalar::TooLarge if !is_encrypted => {
                let (line, path) = at();
                return Err(SopsError::Number { line, path });
            }
            _ => {}
        }
        if !is_encrypted {
            return Ok(None);
        }
        let encrypted = text_of(node).and_then(Encrypted::parse).ok_or_else(|| {
            let (line, path) = at();
            SopsError::NotEncrypted { line, path }
        })?;
        let text = encrypted.open(key, &aad(path)).ok_or_else(|| {
            let (line, path) = at();
            SopsError::Value { line, path }
        })?;
        if encrypted.kind != Kind::Comment {
            mac.take(&text, true);
        }
        let kind = encrypted.kind;
        Ok(Some(Leaf { node, kind, text, path: shown(path), is_value: false }))
    }

    /// Writes a decrypted value where it stood.
    fn put(&self, patch: &mut Patch<'_>, leaf: &Leaf<'_>) -> Result<(), SopsError> {
        let text = std::str::from_utf8(&leaf.text).map_err(|_| SopsError::NotText {
            line: leaf.node.start.line,
            path: leaf.path.clone(),
        })?;
        let text = match (leaf.kind, text) {
            (Kind::Bool, "True") => "true",
            (Kind::Bool, "False") => "false",
            (_, text) => text,
        };
        let is_word = matches!(leaf.kind, Kind::Bool | Kind::Int | Kind::Float | Kind::Time);
        let done = match is_word && !leaf.is_value {
            true => patch.word(leaf.node, text),
            false => patch.text(leaf.node, text),
        };
        done.ok_or(SopsError::InPlace)
    }

    /// The encrypted comments, each from its `#` to its `]`.
    fn comments(&self) -> Vec<Range<usize>> {
        let mut scalars = Vec::new();
        let mut take = |_: &[&str], node: &Node| {
            scalars.push(node.start.index..node.end.index);
            Ok(())
        };
        for document in &self.documents {
            // Each key is text, otherwise nothing was decrypted.
            let _ = walk(document, &mut Vec::new(), &mut take);
        }
        let mark = format!("#{PREFIX}");
        let found = self.text.match_indices(&mark).filter_map(|(at, _)| {
            let end = at + self.text[at..].find(']')? + 1;
            self.text[at..end].ends_with(",type:comment]").then_some(at..end)
        });
        found.filter(|range| !scalars.iter().any(|s| s.contains(&range.start))).collect()
    }

    /// Decrypts a comment. It belongs to a mapping, and the tag says to which.
    fn open_comment(&self, at: &Range<usize>, keys: &[DataKey]) -> Option<Zeroizing<String>> {
        let comment = Encrypted::parse(&self.text[at.start + 1..at.end])?;
        for (part, key) in self.parts.iter().zip(keys) {
            for document in &part.documents {
                let mut paths = Vec::new();
                mappings(&self.documents[*document], &mut Vec::new(), &mut paths);
                let mut texts = paths.iter().filter_map(|aad| comment.open(key, aad));
                if let Some(text) = texts.next() {
                    let text = std::str::from_utf8(&text).ok()?;
                    let is_line = !text.contains(['\n', '\r']);
                    return is_line.then(|| Zeroizing::new(text.to_owned()));
                }
            }
        }
        None
    }
}

/// Visits every scalar in order, with the keys to it. Items of a list add nothing to the path.
fn walk<'n>(
    node: &'n Node,
    path: &mut Vec<&'n str>,
    visit: &mut dyn FnMut(&[&'n str], &'n Node) -> Result<(), SopsError>,
) -> Result<(), SopsError> {
    match &node.data {
        Data::Scalar { .. } => visit(path, node),
        Data::Sequence(items) => items.iter().try_for_each(|item| walk(item, path, visit)),
        Data::Mapping(entries) => entries.iter().try_for_each(|(key, value)| {
            let name = text_of(key).ok_or(SopsError::InPlace)?;
            if path.is_empty() && name == "sops" {
                return Ok(());
            }
            path.push(name);
            walk(value, path, visit)?;
            path.pop();
            Ok(())
        }),
    }
}

/// The additional data of comments in each mapping.
fn mappings<'n>(node: &'n Node, path: &mut Vec<&'n str>, into: &mut Vec<String>) {
    match &node.data {
        Data::Scalar { .. } => {}
        Data::Sequence(items) => items.iter().for_each(|item| mappings(item, path, into)),
        Data::Mapping(entries) => {
            into.push(aad(path));
            for (key, value) in entries {
                path.push(text_of(key).unwrap_or_default());
                mappings(value, path, into);
                path.pop();
            }
        }
    }
}

/// The objects of a document: the items of a list, otherwise the document itself.
fn objects(document: &Node) -> Vec<&Node> {
    match document.get("items").and_then(Node::as_sequence) {
        Some(items) => items.iter().collect(),
        None => vec![document],
    }
}

/// Finds which decrypted leaves are values of a Secret. Refuses leaves of other objects: they would
/// be plaintext afterwards.
fn mark_values(document: &Node, leaves: &mut [Leaf<'_>], index: usize) -> Result<(), SopsError> {
    for object in objects(document) {
        // The kind can be encrypted too.
        let kind = object.get("kind").map(|kind| {
            let opened = leaves.iter().find(|leaf| std::ptr::eq(leaf.node, kind));
            opened.map_or_else(
                || text_of(kind).unwrap_or_default().as_bytes().to_vec(),
                |leaf| leaf.text.to_vec(),
            )
        });
        let is_secret = kind.as_deref() == Some(b"Secret");
        let values = ["data", "stringData"].map(|name| object.get(name).map(range));
        let of_object = range(object);
        for leaf in leaves.iter_mut() {
            let at = leaf.node.start.index;
            if !of_object.contains(&at) {
                continue;
            }
            if !is_secret {
                return Err(SopsError::Outside { document: index + 1, path: leaf.path.clone() });
            }
            leaf.is_value = values.iter().flatten().any(|values| values.contains(&at));
        }
    }
    Ok(())
}

fn range(node: &Node) -> Range<usize> {
    node.start.index..node.end.index
}

/// Finds a value of a Secret that SOPS encrypted, without the metadata that opens it. Returns its
/// line, counted from 1.
#[must_use]
pub fn leftover(text: &str) -> Option<u32> {
    let mut found = None;
    for document in tree::read(text).ok()? {
        let is_left = |node: &Node| text_of(node).is_some_and(|text| text.starts_with(PREFIX));
        for object in objects(&document) {
            let is_secret = object.get("kind").and_then(text_of) == Some("Secret");
            let values = ["data", "stringData"].into_iter().filter_map(|name| object.get(name));
            let entries = values.flat_map(Node::entries).filter(|_| is_secret);
            let line =
                entries.filter(|(_, value)| is_left(value)).map(|(_, v)| v.start.line).next();
            found = found.or(line);
        }
    }
    found
}

#[cfg(test)]
mod tests;
