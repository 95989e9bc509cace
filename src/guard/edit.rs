//! Adds to the list `clusters` in a text. Everything else keeps its bytes.

use std::fmt::Write;

use serde_yaml::{Mapping, Value};

use crate::config::{ClusterText, GuardText};
use envcrypt_core::manifest::tree::{self, Data, Node};

/// Where to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// To `only` of this entry, counted from 0.
    Entry(usize),
    /// As a new entry before this one, counted from 0.
    Before(usize),
    /// As the last entry.
    End,
}

/// The text with more clusters. `None` if it is written in a way that cannot be changed alone.
pub fn add(text: &str, path: &str, clusters: &[ClusterText], to: Where) -> Option<String> {
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let new = added(body, path, clusters, to)?;
    // The reader is the judge: nothing but the addition may change.
    let is_right =
        expected(body, path, clusters, to)? == serde_yaml::from_str::<Value>(&new).ok()?;
    is_right.then(|| format!("{mark}{new}"))
}

/// What the new text must mean.
fn expected(text: &str, path: &str, clusters: &[ClusterText], to: Where) -> Option<Value> {
    let mut root = match serde_yaml::from_str::<Value>(text).ok()? {
        Value::Null => Value::Mapping(Mapping::new()),
        root => root,
    };
    let list = root.as_mapping_mut()?.entry("clusters".into());
    let list = list.or_insert_with(|| Value::Sequence(Vec::new())).as_sequence_mut()?;
    let entry = GuardText { path: Some(path.to_owned()), namespace: None, only: clusters.to_vec() };
    let entry = serde_yaml::to_value(entry).ok()?;
    match to {
        Where::Entry(index) => {
            let only = list.get_mut(index)?.get_mut("only")?.as_sequence_mut()?;
            only.extend(entry.get("only")?.as_sequence()?.iter().cloned());
        }
        Where::Before(index) => list.insert(index, entry),
        Where::End => list.push(entry),
    }
    Some(root)
}

fn added(text: &str, path: &str, clusters: &[ClusterText], to: Where) -> Option<String> {
    let documents = tree::read(text).ok()?;
    let edit = Edit { text, line_break: if text.contains("\r\n") { "\r\n" } else { "\n" } };
    let root = match &documents[..] {
        [] => return Some(edit.at_end(path, clusters)),
        [root] if root.is_null() => return Some(edit.at_end(path, clusters)),
        [root] => root,
        _ => return None,
    };
    let Some(list) = root.get("clusters") else {
        return match edit.is_flow(root) {
            true => edit.in_flow(root, &format!("clusters: [{}]", flow_entry(path, clusters))),
            false => Some(edit.at_end(path, clusters)),
        };
    };
    let entries = list.as_sequence()?;
    let items = clusters.iter().map(flow).collect::<Vec<_>>().join(", ");
    match to {
        Where::Entry(index) => {
            let only = entries.get(index)?.get("only")?;
            match edit.is_flow(only) {
                true => edit.in_flow(only, &items),
                false => edit.after(only, |indent| block_items(clusters, indent)),
            }
        }
        Where::Before(index) if edit.is_flow(list) => {
            let at = entries.get(index)?.start.index;
            Some(edit.insert(at, &format!("{}, ", flow_entry(path, clusters))))
        }
        Where::Before(index) => {
            edit.before(entries.get(index)?, |indent| block_entry(path, clusters, indent))
        }
        Where::End if edit.is_flow(list) => edit.in_flow(list, &flow_entry(path, clusters)),
        Where::End => edit.after(list, |indent| block_entry(path, clusters, indent)),
    }
}

/// A text and how its lines end.
struct Edit<'t> {
    text: &'t str,
    line_break: &'static str,
}

impl Edit<'_> {
    /// Whether a node is written in brackets.
    fn is_flow(&self, node: &Node) -> bool {
        self.text[node.start.index..].starts_with(['[', '{'])
    }

    fn insert(&self, at: usize, new: &str) -> String {
        format!("{}{new}{}", &self.text[..at], &self.text[at..])
    }

    /// Lines of ours, with the line breaks of the text.
    fn lines(&self, new: &str) -> String {
        new.replace('\n', self.line_break)
    }

    /// The list with its first entry, after everything else.
    fn at_end(&self, path: &str, clusters: &[ClusterText]) -> String {
        let is_whole = self.text.is_empty() || self.text.ends_with('\n');
        let start = if is_whole { "" } else { "\n" };
        let new = format!("{start}clusters:\n{}", block_entry(path, clusters, ""));
        self.insert(self.text.len(), &self.lines(&new))
    }

    /// Puts a part before the closing bracket, after a comma where one is needed.
    fn in_flow(&self, node: &Node, new: &str) -> Option<String> {
        let close = node.end.index.checked_sub(1)?;
        let before = self.text[..close].trim_end();
        let comma = if before.ends_with([',', '[', '{']) { "" } else { ", " };
        Some(self.insert(before.len(), &format!("{comma}{new}")))
    }

    /// Puts lines after the last line of a list.
    fn after(&self, list: &Node, new: impl Fn(&str) -> String) -> Option<String> {
        let indent = self.indent(list.as_sequence()?.last()?)?;
        let end = self.end(list);
        let line_end = self.text[end..].find('\n').map(|size| end + size + 1);
        let new = self.lines(&new(indent));
        Some(match line_end {
            Some(at) => self.insert(at, &new),
            None => self.insert(self.text.len(), &format!("{}{new}", self.line_break)),
        })
    }

    /// Puts lines before an item of a list, and before the comments that belong to it.
    fn before(&self, item: &Node, new: impl Fn(&str) -> String) -> Option<String> {
        let indent = self.indent(item)?;
        let mut at = self.line_start(item);
        while let Some(line) = self.text[..at].split_inclusive('\n').next_back() {
            if !line.trim_start().starts_with('#') || !line.starts_with(indent) {
                break;
            }
            at -= line.len();
        }
        Some(self.insert(at, &self.lines(&new(indent))))
    }

    /// The spaces before the `-` of an item. `None` if more than its `-` is before it on its line.
    fn indent(&self, item: &Node) -> Option<&str> {
        let before = self.text[self.line_start(item)..item.start.index].trim_end_matches(' ');
        let indent = before.strip_suffix('-')?;
        indent.bytes().all(|byte| byte == b' ').then_some(indent)
    }

    fn line_start(&self, node: &Node) -> usize {
        self.text[..node.start.index].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The end of the last word of a node. A list of lines itself ends only where the next node
    /// begins.
    fn end(&self, node: &Node) -> usize {
        let last = match &node.data {
            _ if self.is_flow(node) => None,
            Data::Sequence(items) => items.last(),
            Data::Mapping(entries) => entries.iter().map(|(_, value)| value).next_back(),
            Data::Scalar { .. } => None,
        };
        last.map_or(node.end.index, |last| self.end(last))
    }
}

fn block_entry(path: &str, clusters: &[ClusterText], indent: &str) -> String {
    let items = block_items(clusters, &format!("{indent}  "));
    format!("{indent}- path: {}\n{indent}  only:\n{items}", quoted(path))
}

fn block_items(clusters: &[ClusterText], indent: &str) -> String {
    let mut text = String::new();
    for cluster in clusters {
        for (index, (name, value)) in fields(cluster).into_iter().enumerate() {
            let dash = if index == 0 { "- " } else { "  " };
            writeln!(text, "{indent}{dash}{name}: {}", quoted(value)).expect("a String");
        }
    }
    text
}

fn flow_entry(path: &str, clusters: &[ClusterText]) -> String {
    let items = clusters.iter().map(flow).collect::<Vec<_>>().join(", ");
    format!("{{path: {}, only: [{items}]}}", quoted(path))
}

fn flow(cluster: &ClusterText) -> String {
    let fields: Vec<_> = fields(cluster)
        .into_iter()
        .map(|(name, value)| format!("{name}: {}", quoted(value)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn fields(cluster: &ClusterText) -> Vec<(&'static str, &str)> {
    let ClusterText { server, ca, context } = cluster;
    let all = [("server", server), ("ca", ca), ("context", context)];
    all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The addition as one line, for a person who adds it by hand.
pub fn by_hand(path: &str, clusters: &[ClusterText]) -> String {
    format!("clusters: [{}]", flow_entry(path, clusters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Vec<ClusterText> {
        vec![ClusterText { server: Some(text.to_owned()), ..ClusterText::default() }]
    }

    #[test]
    fn the_rest_keeps_its_bytes() {
        const NEW: &str = "- path: 'p/**'\n  only:\n  - server: 's'\n";
        let end = |text: &str| format!("{text}clusters:\n{NEW}");
        for (text, to, expected) in [
            ("", Where::End, end("")),
            ("# ours\n", Where::End, end("# ours\n")),
            ("rules: [] # ours", Where::End, end("rules: [] # ours\n")),
            ("rules:\n- keks: [local]\n\n# end\n", Where::End, end("rules:\n- keks: [local]\n\n# end\n")),
            (
                "{rules: []}\n",
                Where::End,
                "{rules: [], clusters: [{path: 'p/**', only: [{server: 's'}]}]}\n".to_owned(),
            ),
            (
                "clusters:\n- only: [{context: a}]   # a\n# after\nrules: []\n",
                Where::End,
                format!("clusters:\n- only: [{{context: a}}]   # a\n{NEW}# after\nrules: []\n"),
            ),
            (
                "clusters:\n# all\n- only: [{context: a}]\n",
                Where::Before(0),
                format!("clusters:\n{NEW}# all\n- only: [{{context: a}}]\n"),
            ),
            (
                "clusters:\n  -  only:\n      - context: a # a\n      # b\nrules: []\n",
                Where::Entry(0),
                "clusters:\n  -  only:\n      - context: a # a\n      - server: 's'\n      # b\nrules: []\n"
                    .to_owned(),
            ),
            (
                "clusters: [{only: [{context: a}, ]}]",
                Where::Entry(0),
                "clusters: [{only: [{context: a},{server: 's'} ]}]".to_owned(),
            ),
            (
                "clusters: [{only: [{context: a}]}]",
                Where::Before(0),
                "clusters: [{path: 'p/**', only: [{server: 's'}]}, {only: [{context: a}]}]".to_owned(),
            ),
            (
                "\u{feff}clusters:\r\n- only:\r\n  - context: a\r\n",
                Where::Entry(0),
                "\u{feff}clusters:\r\n- only:\r\n  - context: a\r\n  - server: 's'\r\n".to_owned(),
            ),
            (
                "clusters:\n- only:\n  - context: a",
                Where::Entry(0),
                "clusters:\n- only:\n  - context: a\n  - server: 's'\n".to_owned(),
            ),
        ] {
            assert_eq!(add(text, "p/**", &one("s"), to).as_deref(), Some(&*expected), "{text}");
        }
    }

    #[test]
    fn all_fields_and_odd_characters_are_written() {
        let cluster = ClusterText {
            server: Some("it's #1: [x]".to_owned()),
            ca: Some("sha256:00".to_owned()),
            context: Some("- a".to_owned()),
        };
        let text = add("rules: []\n", "a'b/**", std::slice::from_ref(&cluster), Where::End)
            .expect("added");
        let text = add(&text, "", &[cluster], Where::Entry(0)).expect("added");
        assert!(text.contains("  - server: 'it''s #1: [x]'\n    ca: 'sha256:00'\n"), "{text}");
    }

    proptest::proptest! {
        /// Texts that a person could have written, and some that nobody would.
        #[test]
        fn any_text_keeps_all_its_bytes(
            parts in proptest::collection::vec(proptest::sample::select(&PARTS[..]), 0..14),
            to in proptest::sample::select(&[Where::End, Where::Entry(0), Where::Before(0), Where::Entry(1)][..]),
        ) {
            let text = parts.concat();
            if let Some(new) = add(&text, "p/**", &one("s"), to) {
                let size = new.len() - text.len();
                let is_inside = (0..=text.len()).any(|at| {
                    new.as_bytes()[..at] == text.as_bytes()[..at]
                        && new.as_bytes()[at + size..] == text.as_bytes()[at..]
                });
                proptest::prop_assert!(is_inside, "{new}");
            }
        }
    }

    const PARTS: [&str; 18] = [
        "clusters:",
        "\n",
        "\r\n",
        "- ",
        "  ",
        "only:",
        " [",
        "]",
        "{",
        "}",
        "context: a",
        "path: b\n",
        "# c\n",
        "&x ",
        "*x",
        "\u{feff}",
        "é: |\n   d\n",
        "\n- only:\n  - context: a\n",
    ];

    #[test]
    fn what_cannot_be_changed_alone_is_left() {
        for (text, to) in [
            ("a: 1\n---\nb: 1\n", Where::End),
            ("rules: []\n...\n", Where::End),
            ("x: &x [{context: a}]\nclusters:\n- only: *x\n", Where::Entry(0)),
            ("clusters:\n-\n  only: [{context: a}]\n", Where::End),
            ("clusters:\n- only: [{context: a} # ]\n  ]\n", Where::Entry(0)),
            ("- a\n", Where::End),
        ] {
            assert_eq!(add(text, "p/**", &one("s"), to), None, "{text}");
        }
    }
}
