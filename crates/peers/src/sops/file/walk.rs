//! The way through a document.

use std::collections::BTreeSet;
use std::ops::Range;

use envcrypt_core::manifest::tree::{Data, Node, text_of};

use crate::sops::error::SopsError;
use crate::sops::path::aad;

/// What is done with a scalar and the keys to it. The last argument tells whether it is an item of a
/// list.
pub(super) type Visit<'v, 'n> = dyn FnMut(&[&'n str], &'n Node, bool) -> Result<(), SopsError> + 'v;

/// Visits every scalar in order, with the keys to it. Items of a list add nothing to the path.
pub(super) fn walk<'n>(
    node: &'n Node,
    path: &mut Vec<&'n str>,
    visit: &mut Visit<'_, 'n>,
) -> Result<(), SopsError> {
    match &node.data {
        Data::Scalar { .. } => visit(path, node, false),
        Data::Sequence(items) => items.iter().try_for_each(|item| match &item.data {
            Data::Scalar { .. } => visit(path, item, true),
            _ => walk(item, path, visit),
        }),
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

/// Collects the parts of the text that are scalars: keys, values and items.
pub(super) fn scalars(node: &Node, into: &mut Vec<Range<usize>>) {
    match &node.data {
        Data::Scalar { .. } => into.push(node.start.index..node.end.index),
        Data::Sequence(items) => items.iter().for_each(|item| scalars(item, into)),
        Data::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            scalars(key, into);
            scalars(value, into);
        }),
    }
}

/// The additional data of comments in each mapping.
pub(super) fn mappings<'n>(node: &'n Node, path: &mut Vec<&'n str>, into: &mut BTreeSet<String>) {
    match &node.data {
        Data::Scalar { .. } => {}
        Data::Sequence(items) => items.iter().for_each(|item| mappings(item, path, into)),
        Data::Mapping(entries) => {
            into.insert(aad(path));
            for (key, value) in entries {
                path.push(text_of(key).unwrap_or_default());
                mappings(value, path, into);
                path.pop();
            }
        }
    }
}
