//! JSON as nodes: for several values one after another, and for JSON that is not valid YAML.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::manifest::tree::{Data, Mark, Node, Style};

/// Reads the values at the start of a text.
///
/// Returns each value with its line, and the number of bytes that were read. Nodes have no other
/// positions.
pub(super) fn values(text: &str) -> (Vec<(usize, Node)>, usize) {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    let (mut values, mut read, mut line) = (Vec::new(), 0, 1);
    while let Some(Ok(Json(node))) = stream.next() {
        let piece = &text[read..stream.byte_offset()];
        let blank = piece.len() - piece.trim_start().len();
        values.push((line + piece[..blank].matches('\n').count(), node));
        line += piece.matches('\n').count();
        read = stream.byte_offset();
    }
    (values, read)
}

/// Reads a text that is exactly one value.
pub(super) fn value(text: &str) -> Option<Node> {
    serde_json::from_str(text).ok().map(|Json(node)| node)
}

/// A JSON value. Unlike the value of serde_json, it keeps duplicate keys.
struct Json(Node);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Self)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(scalar(text.to_owned(), Style::DoubleQuoted))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(scalar("null".to_owned(), Style::Plain))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Node, E> {
        Ok(scalar(truth.to_string(), Style::Plain))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node, E> {
        Ok(scalar(number.to_string(), Style::Plain))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node, E> {
        Ok(scalar(number.to_string(), Style::Plain))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node, E> {
        Ok(scalar(format!("{number:?}"), Style::Plain))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(Json(node)) = items.next_element()? {
            nodes.push(node);
        }
        Ok(node(Data::Sequence(nodes)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some((Json(key), Json(value))) = entries.next_entry()? {
            nodes.push((key, value));
        }
        Ok(node(Data::Mapping(nodes)))
    }
}

fn scalar(text: String, style: Style) -> Node {
    node(Data::Scalar { text, style })
}

fn node(data: Data) -> Node {
    Node { data, tag: None, start: Mark::default(), end: Mark::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::tree::text_of;

    #[test]
    fn values_are_read_until_what_is_none() {
        let text = "{\"a\":1,\"a\":[true,null,1.5,-1]}\n\n {\"b\":\"\\ud83d\\ude00\"}\n{x";
        let (values, read) = values(text);
        assert_eq!(&text[read..], "\n{x");
        assert_eq!(values.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(values[0].1.entries().len(), 2);
        assert_eq!(values[1].1.get("b").and_then(text_of), Some("😀"));
        assert!(value("{} {}").is_none());
    }
}
