//! The Secrets of a document: the same ones that the reader of manifests finds. A value of any other
//! object would be written in plaintext.

use std::ops::Range;

use envcrypt_core::manifest::tree::{Node, text_of};
use zeroize::Zeroizing;

use super::Leaf;
use crate::sops::error::SopsError;

/// The objects of a document: the items of a list, otherwise the document itself.
pub(super) fn objects(document: &Node) -> Vec<&Node> {
    match document.get("items").and_then(Node::as_sequence) {
        Some(items) => items.iter().collect(),
        None => vec![document],
    }
}

/// The text of a field, which can be encrypted.
fn field(object: &Node, name: &str, leaves: &[Leaf<'_>]) -> Zeroizing<Vec<u8>> {
    let Some(node) = object.get(name) else { return Zeroizing::new(Vec::new()) };
    let opened = leaves.iter().find(|leaf| std::ptr::eq(leaf.node, node));
    let plain = || text_of(node).unwrap_or_default().as_bytes();
    Zeroizing::new(opened.map_or_else(plain, |leaf| &leaf.text).to_vec())
}

/// Finds which decrypted leaves are values of a Secret. Refuses leaves of other objects.
pub(super) fn mark_values(
    document: &Node,
    leaves: &mut [Leaf<'_>],
    index: usize,
) -> Result<(), SopsError> {
    let is_core = |object, leaves: &[Leaf<'_>]| *field(object, "apiVersion", leaves) == b"v1";
    let kind = field(document, "kind", leaves);
    let is_list = is_core(document, leaves) && kind.ends_with(b"List");
    let objects = if is_list { objects(document) } else { vec![document] };
    let mut seen = 0;
    for object in objects {
        let is_secret = is_core(object, leaves) && *field(object, "kind", leaves) == b"Secret";
        let values = ["data", "stringData"].map(|name| object.get(name).map(range));
        let of_object = range(object);
        for leaf in leaves.iter_mut().filter(|leaf| of_object.contains(&leaf.node.start.index)) {
            let at = leaf.node.start.index;
            if !is_secret {
                return Err(outside(index, leaf));
            }
            seen += 1;
            leaf.is_value = values.iter().flatten().any(|values| values.contains(&at));
        }
    }
    // Fields of the list itself.
    let names = ["apiVersion", "kind"].map(|name| document.get(name));
    let is_head =
        |leaf: &&Leaf<'_>| names.iter().flatten().any(|name| std::ptr::eq(*name, leaf.node));
    let head = if is_list { leaves.iter().filter(is_head).count() } else { 0 };
    match leaves.iter().find(|leaf| !is_head(leaf) && !leaf.is_value) {
        Some(leaf) if is_list && seen + head < leaves.len() => Err(outside(index, leaf)),
        _ => Ok(()),
    }
}

fn outside(index: usize, leaf: &Leaf<'_>) -> SopsError {
    SopsError::Outside { document: index + 1, path: leaf.path.clone() }
}

fn range(node: &Node) -> Range<usize> {
    node.start.index..node.end.index
}
