//! The Secrets of a document: the same ones that the reader of manifests finds. A value of any other
//! object would be written in plaintext.

use std::collections::HashMap;
use std::ops::Range;

use envcrypt_core::manifest::tree::{Node, text_of};

use super::Leaf;
use crate::sops::error::SopsError;

/// The objects of a document: the items of a list, otherwise the document itself.
pub(super) fn objects(document: &Node) -> Vec<&Node> {
    match document.get("items").and_then(Node::as_sequence) {
        Some(items) => items.iter().collect(),
        None => vec![document],
    }
}

/// An object of a document.
struct Entry {
    part: Range<usize>,
    is_secret: bool,
    values: [Option<Range<usize>>; 2],
}

impl Entry {
    fn is_value(&self, at: usize) -> bool {
        self.is_secret && self.values.iter().flatten().any(|values| values.contains(&at))
    }
}

/// The objects of a document, in the order of the text.
struct Entries<'n> {
    all: Vec<Entry>,
    /// The fields of a list itself.
    head: Vec<&'n Node>,
}

impl<'n> Entries<'n> {
    fn of(document: &'n Node, leaves: &[Leaf<'_>]) -> Self {
        let opened: HashMap<*const Node, &Leaf<'_>> =
            leaves.iter().map(|leaf| (std::ptr::from_ref(leaf.node), leaf)).collect();
        let is = |object: &Node, name: &str, wanted: &dyn Fn(&[u8]) -> bool| {
            let Some(node) = object.get(name) else { return wanted(b"") };
            let plain = || text_of(node).unwrap_or_default().as_bytes();
            wanted(opened.get(&std::ptr::from_ref(node)).map_or_else(plain, |leaf| &leaf.text))
        };
        let is_core = |object: &Node| is(object, "apiVersion", &|text| text == b"v1");
        let is_list = is_core(document) && is(document, "kind", &|kind| kind.ends_with(b"List"));
        let objects = if is_list { objects(document) } else { vec![document] };
        let entry = |object: &Node| Entry {
            part: range(object),
            is_secret: is_core(object) && is(object, "kind", &|kind| kind == b"Secret"),
            values: ["data", "stringData"].map(|name| object.get(name).map(range)),
        };
        let mut all: Vec<_> = objects.into_iter().map(entry).collect();
        all.sort_by_key(|entry| entry.part.start);
        let head = ["apiVersion", "kind"].into_iter().filter_map(|name| document.get(name));
        Self { all, head: if is_list { head.collect() } else { Vec::new() } }
    }

    /// The object around a part of the text.
    fn around(&self, at: usize) -> Option<&Entry> {
        let before = self.all.partition_point(|entry| entry.part.start <= at);
        self.all[..before].last().filter(|entry| entry.part.contains(&at))
    }
}

/// Finds which decrypted leaves are values of a Secret. Refuses leaves of other objects.
pub(super) fn mark_values(
    document: &Node,
    leaves: &mut [Leaf<'_>],
    index: usize,
) -> Result<(), SopsError> {
    let entries = Entries::of(document, leaves);
    for leaf in leaves {
        let at = leaf.node.start.index;
        match entries.around(at) {
            Some(entry) if entry.is_secret => leaf.is_value = entry.is_value(at),
            None if entries.head.iter().any(|field| std::ptr::eq(*field, leaf.node)) => {}
            _ => return Err(outside(index, leaf)),
        }
    }
    Ok(())
}

/// Refuses values of Secrets that are in plaintext and not empty.
pub(super) fn refuse_plain(
    document: &Node,
    leaves: &[Leaf<'_>],
    plain: &[(&Node, String)],
) -> Result<(), SopsError> {
    let entries = Entries::of(document, leaves);
    let is_value = |(node, _): &&(&Node, String)| {
        let at = node.start.index;
        entries.around(at).is_some_and(|entry| entry.is_value(at))
    };
    let mut found = plain.iter().filter(is_value).peekable();
    match found.peek().map(|(node, _)| node.start.line) {
        None => Ok(()),
        Some(line) => {
            Err(SopsError::Plain { line, paths: found.map(|(_, path)| path.clone()).collect() })
        }
    }
}

fn outside(index: usize, leaf: &Leaf<'_>) -> SopsError {
    SopsError::Outside { document: index + 1, path: leaf.path.clone() }
}

fn range(node: &Node) -> Range<usize> {
    node.start.index..node.end.index
}
