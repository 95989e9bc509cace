//! A file of YAML or JSON under SOPS, opened as a whole: the text with its values decrypted and
//! its `sops` metadata removed.

use envcrypt_core::kek::DataKey;
use envcrypt_core::manifest::tree::{self, Node, text_of};
use envcrypt_core::manifest::{LAST_APPLIED_ANNOTATION, Patch};
use zeroize::Zeroizing;

use super::error::SopsError;
use super::mac::Mac;
use super::metadata::Metadata;
use super::path::{aad, shown};
use super::scalar::{Scalar, Syntax, resolve, time};
use super::value::{Encrypted, Kind, PREFIX};

mod comments;
mod secrets;
#[cfg(test)]
mod tests;
mod walk;

use comments::Comments;
use secrets::{mark_values, objects, refuse_plain};
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
    /// Accept values of Secrets that are not encrypted.
    pub accept_plain: bool,
}

/// An opened file.
pub struct Opened {
    /// The text of plain manifests. It is wiped when it is dropped.
    pub text: Zeroizing<String>,
    /// The number of encrypted comments that were dropped.
    pub dropped_comments: usize,
    /// Encrypted fields that a sealed Secret cannot hide, such as labels.
    pub revealed: Vec<String>,
    /// Whether the copy of client-side apply is in the file, in plaintext. It holds the values.
    pub has_plain_copy: bool,
}

/// The namespace and the name of an object, if they are not encrypted.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    /// `metadata.namespace`
    pub namespace: Option<String>,
    /// `metadata.name`
    pub name: Option<String>,
    /// Whether the namespace, or everything around it, is encrypted.
    pub has_hidden_namespace: bool,
    /// Whether it is, or may be, a Secret.
    pub may_be_secret: bool,
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

/// The scalars of documents.
#[derive(Default)]
struct Leaves<'n> {
    encrypted: Vec<Leaf<'n>>,
    /// Those in plaintext that are not empty.
    plain: Vec<(&'n Node, String)>,
}

/// A scalar where it stands.
#[derive(Clone, Copy)]
struct At<'p, 'n> {
    path: &'p [&'n str],
    node: &'n Node,
    /// Whether it is an item of a list.
    is_item: bool,
}

impl At<'_, '_> {
    /// The line and the path, for a message.
    fn shown(&self) -> (u32, String) {
        (self.node.start.line, shown(self.path))
    }
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

    /// Returns the part of a document, counted from 0. `None` if it is not under SOPS.
    #[must_use]
    pub fn part_of(&self, document: usize) -> Option<&Part> {
        self.parts.iter().find(|part| part.documents.contains(&document))
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
        let documents = part.documents.iter().map(|document| &self.documents[*document]);
        documents.flat_map(|document| named_in(document).into_iter().map(Named::of)).collect()
    }

    /// Decrypts the text. `keys` are the data keys of [`File::parts`], in the same order.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if a value or a MAC does not match, if an object with encrypted
    /// values is not a Secret, or if the text cannot be changed in place.
    pub fn open(&self, keys: &[DataKey], options: Options) -> Result<Opened, SopsError> {
        let mut patch = Patch::new(self.text);
        let (mut dropped_comments, mut revealed, mut has_plain_copy) = (0, Vec::new(), false);
        for (part, key) in self.parts.iter().zip(keys) {
            let (leaves, mac) = self.decrypt(part, key, options)?;
            if !options.ignore_mac {
                mac.check(&part.metadata, key)?;
            }
            for leaf in &leaves.encrypted {
                self.put(&mut patch, leaf)?;
                // Sealing removes the copy.
                let is_gone = is_copy(&leaf.path);
                if !leaf.is_value && !is_gone && !PUBLIC.contains(&leaf.path.as_str()) {
                    revealed.push(leaf.path.clone());
                }
            }
            has_plain_copy |= leaves.plain.iter().any(|(_, path)| is_copy(path));
            for document in &part.documents {
                let node = &self.documents[*document];
                patch.remove(node, "sops").ok_or(SopsError::InPlace)?;
            }
        }
        let mut comments = Comments::new(self);
        for comment in self.comments() {
            let kept = options.keep_comments.then(|| comments.open(&comment, keys)).flatten();
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
        Ok(Opened { text, dropped_comments, revealed, has_plain_copy })
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
        let mut leaves = Leaves::default();
        walk(&self.documents[0], &mut Vec::new(), &mut |path, node, is_item| {
            self.leaf(part, key, At { path, node, is_item }, &mut mac, &mut leaves)
        })?;
        mac.check(&part.metadata, key)?;
        match (leaves.encrypted.pop(), &leaves.encrypted[..], &leaves.plain[..]) {
            (Some(leaf), [], []) if leaf.path == "data" => Ok(leaf.text),
            _ => Err(SopsError::NotEncrypted { line: 1, path: "data".to_owned() }),
        }
    }

    /// Decrypts the values of a part, and computes its MAC.
    fn decrypt(
        &self,
        part: &Part,
        key: &DataKey,
        options: Options,
    ) -> Result<(Leaves<'_>, Mac), SopsError> {
        let mut mac = Mac::new(part.metadata.mac_only_encrypted);
        let mut leaves = Leaves::default();
        for document in &part.documents {
            let node = &self.documents[*document];
            let (first, first_plain) = (leaves.encrypted.len(), leaves.plain.len());
            walk(node, &mut Vec::new(), &mut |path, node, is_item| {
                self.leaf(part, key, At { path, node, is_item }, &mut mac, &mut leaves)
            })?;
            let Leaves { encrypted, plain } = &mut leaves;
            if !options.accept_plain {
                refuse_plain(node, &encrypted[first..], &plain[first_plain..])?;
            }
            mark_values(node, &mut encrypted[first..], *document)?;
        }
        Ok((leaves, mac))
    }

    /// Decrypts one value, if the rule says that it is encrypted, and adds it to the MAC.
    fn leaf<'n>(
        &self,
        part: &Part,
        key: &DataKey,
        at: At<'_, 'n>,
        mac: &mut Mac,
        leaves: &mut Leaves<'n>,
    ) -> Result<(), SopsError> {
        let At { path, node, is_item } = at;
        let is_encrypted = part.metadata.rule.encrypts(path);
        match resolve(node, self.syntax) {
            // SOPS encrypts neither a null nor an empty text.
            Scalar::Null | Scalar::Text("") => return Ok(()),
            _ if is_encrypted => {}
            Scalar::TooLarge => {
                let (line, path) = at.shown();
                return Err(SopsError::Number { line, path });
            }
            plain => {
                mac.take(plain.text().as_bytes(), false);
                leaves.plain.push((node, shown(path)));
                return Ok(());
            }
        }
        let encrypted = text_of(node).and_then(Encrypted::parse).ok_or_else(|| {
            let (line, path) = at.shown();
            SopsError::NotEncrypted { line, path }
        })?;
        let kind = encrypted.kind;
        // The type is not authenticated, and a comment is not in the MAC. A value that anyone calls
        // a comment would not be either.
        if kind == Kind::Comment && !is_item {
            let (line, path) = at.shown();
            return Err(SopsError::Type { line, path });
        }
        let text = encrypted.open(key, &aad(path)).ok_or_else(|| {
            let (line, path) = at.shown();
            SopsError::Value { line, path }
        })?;
        if !has_form_of(kind, &text) {
            let (line, path) = at.shown();
            return Err(SopsError::Type { line, path });
        }
        if kind != Kind::Comment {
            mac.take(&text, true);
        }
        leaves.encrypted.push(Leaf { node, kind, text, path: shown(path), is_value: false });
        Ok(())
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

/// Whether a text is one that SOPS writes for a value of this type. The type is not authenticated.
fn has_form_of(kind: Kind, text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else {
        return matches!(kind, Kind::Str | Kind::Bytes | Kind::Comment);
    };
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit());
    match kind {
        Kind::Str | Kind::Bytes | Kind::Comment => true,
        Kind::Bool => matches!(text, "True" | "False" | "true" | "false"),
        Kind::Int => is_number && text.parse::<i64>().is_ok(),
        Kind::Float => is_number && text.parse::<f64>().is_ok(),
        Kind::Time => time(text).is_some(),
    }
}

/// Whether this is the annotation with the copy of client-side apply, which has the values in it.
fn is_copy(path: &str) -> bool {
    let annotations = path.strip_suffix(LAST_APPLIED_ANNOTATION);
    annotations.is_some_and(|path| path.ends_with("metadata.annotations."))
}

/// The objects whose names a document tells: the document, and the items in it.
fn named_in(document: &Node) -> Vec<&Node> {
    let kind = document.get("kind").and_then(text_of).unwrap_or_default();
    let items = document.get("items").and_then(Node::as_sequence);
    // A Secret can have a field `items`, too, and an encrypted kind can be any.
    let is_list =
        kind.ends_with("List") || (kind.starts_with(PREFIX) && document.get("metadata").is_none());
    let itself = (items.is_none() || !is_list).then_some(document);
    itself.into_iter().chain(items.unwrap_or_default()).collect()
}

/// Returns the names of the Secrets of a text, each with its document, counted from 0.
///
/// A text that cannot be read has none.
#[must_use]
pub fn named(text: &str) -> Vec<(usize, Named)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = tree::read(text).unwrap_or_default();
    let all = documents.iter().enumerate().flat_map(|(index, document)| {
        named_in(document).into_iter().map(move |object| (index, Named::of(object)))
    });
    all.filter(|(_, named)| named.may_be_secret).collect()
}

impl Named {
    fn of(object: &Node) -> Self {
        let metadata = object.get("metadata");
        let text = |name| metadata?.get(name).and_then(text_of).filter(|text| !text.is_empty());
        let is_hidden = |text: &str| text.starts_with(PREFIX);
        let field = |name| text(name).filter(|text| !is_hidden(text)).map(str::to_owned);
        let kind = object.get("kind").and_then(text_of).unwrap_or_default();
        Self {
            namespace: field("namespace"),
            name: field("name"),
            has_hidden_namespace: text("namespace").is_some_and(is_hidden),
            may_be_secret: ["", "Secret", "SealedSecret"].contains(&kind) || is_hidden(kind),
        }
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
