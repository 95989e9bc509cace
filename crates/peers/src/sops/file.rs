//! A file of YAML or JSON under SOPS, opened as a whole: the text with its values decrypted and
//! its `sops` metadata removed.

use envcrypt_core::kek::DataKey;
use envcrypt_core::manifest::Patch;
use envcrypt_core::manifest::tree::{self, Node, text_of};
use zeroize::Zeroizing;

use super::error::SopsError;
use super::mac::Mac;
use super::metadata::Metadata;
use super::path::{aad, shown};
use super::scalar::{Scalar, Syntax, resolve};
use super::value::{Encrypted, Kind, PREFIX};

mod comments;
mod secrets;
#[cfg(test)]
mod tests;
mod walk;

use secrets::{mark_values, objects};
use walk::walk;

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
            let kept = options.keep_comments.then(|| self.open_comment(&comment, keys)).flatten();
            match kept {
                Some(text) => patch.comment(comment, &text),
                None => {
                    dropped_comments += 1;
                    patch.cut(comment);
                }
            }
        }
        let text = patch.finish().ok_or(SopsError::InPlace)?;
        let text = if self.has_byte_order_mark { marked(&text) } else { text };
        Ok(Opened { text, dropped_comments, revealed })
    }

    /// Returns whether this is a file of the binary store: one value of any bytes, as JSON.
    #[must_use]
    pub fn is_binary(&self) -> bool {
        let [document] = &self.documents[..] else { return false };
        let mut names: Vec<_> = document.entries().iter().map(|(key, _)| text_of(key)).collect();
        names.sort_unstable();
        self.syntax == Syntax::Json && names == [Some("data"), Some("sops")]
    }

    /// Decrypts the value of a file of the binary store.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if the value or the MAC does not match.
    pub fn open_binary(&self, key: &DataKey) -> Result<Zeroizing<Vec<u8>>, SopsError> {
        let part = self.parts.first().ok_or(SopsError::InPlace)?;
        let mut mac = Mac::new(part.metadata.mac_only_encrypted);
        let mut value = Zeroizing::new(Vec::new());
        walk(&self.documents[0], &mut Vec::new(), &mut |path, node| {
            if let Some(leaf) = self.leaf(part, key, path, node, &mut mac)? {
                value = leaf.text;
            }
            Ok(())
        })?;
        mac.check(&part.metadata, key)?;
        Ok(value)
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
        let is_encrypted = part.metadata.rule.encrypts(path);
        match resolve(node, self.syntax) {
            // SOPS encrypts neither a null nor an empty text.
            Scalar::Null | Scalar::Text("") => return Ok(None),
            _ if is_encrypted => {}
            Scalar::TooLarge => {
                let (line, path) = at();
                return Err(SopsError::Number { line, path });
            }
            plain => {
                mac.take(plain.text().as_bytes(), false);
                return Ok(None);
            }
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
}

/// The text behind a byte order mark.
fn marked(text: &str) -> Zeroizing<String> {
    let mut marked = Zeroizing::new(String::with_capacity(text.len() + 3));
    marked.push('\u{feff}');
    marked.push_str(text);
    marked
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
