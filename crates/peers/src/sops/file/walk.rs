//! The way through a document.

use envcrypt_core::manifest::tree::{Data, Node, text_of};

use crate::sops::error::SopsError;
use crate::sops::path::aad;

/// What is done with a scalar and the keys to it.
pub(super) type Visit<'v, 'n> = dyn FnMut(&[&'n str], &'n Node) -> Result<(), SopsError> + 'v;

/// Visits every scalar in order, with the keys to it. Items of a list add nothing to the path.
pub(super) fn walk<'n>(
    node: &'n Node,
    path: &mut Vec<&'n str>,
    visit: &mut Visit<'_, 'n>,
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
pub(super) fn mappings<'n>(node: &'n Node, path: &mut Vec<&'n str>, into: &mut Vec<String>) {
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
