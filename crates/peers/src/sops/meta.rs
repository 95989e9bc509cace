//! The metadata as a tree, whichever format it was written in.

use std::collections::BTreeMap;

use envcrypt_core::manifest::tree::{Data, Node, text_of};

/// A node of the metadata. SOPS reads texts as numbers and booleans too, so a scalar is a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meta {
    Null,
    Text(String),
    List(Vec<Meta>),
    Map(BTreeMap<String, Meta>),
}

impl Meta {
    /// Reads a node of YAML or JSON. Returns `None` if a key is not text, or occurs twice.
    pub(super) fn of_node(node: &Node) -> Option<Self> {
        Some(match &node.data {
            _ if node.is_null() => Self::Null,
            Data::Scalar { text, .. } => Self::Text(text.clone()),
            Data::Sequence(items) => {
                Self::List(items.iter().map(Self::of_node).collect::<Option<_>>()?)
            }
            Data::Mapping(entries) => {
                let mut map = BTreeMap::new();
                for (key, value) in entries {
                    if map.insert(text_of(key)?.to_owned(), Self::of_node(value)?).is_some() {
                        return None;
                    }
                }
                Self::Map(map)
            }
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Map(map) => map.get(name).filter(|value| **value != Self::Null),
            _ => None,
        }
    }

    /// The text of a member. A member that is left out is an empty text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            None => Some(""),
            Some(Self::Text(text)) => Some(text),
            Some(_) => None,
        }
    }

    /// The items of a member. A member that is left out has none.
    pub(super) fn list(&self, name: &str) -> Option<&[Self]> {
        match self.get(name) {
            None => Some(&[]),
            Some(Self::List(items)) => Some(items),
            Some(_) => None,
        }
    }

    /// The pairs of a member that maps text to text.
    pub(super) fn pairs(&self, name: &str) -> Option<BTreeMap<String, String>> {
        match self.get(name) {
            None => Some(BTreeMap::new()),
            Some(Self::Map(map)) => {
                let pair = |(key, value): (&String, &Self)| match value {
                    Self::Text(text) => Some((key.clone(), text.clone())),
                    _ => None,
                };
                map.iter().map(pair).collect()
            }
            Some(_) => None,
        }
    }
}
