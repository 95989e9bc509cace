//! Reads YAML and JSON into a tree of nodes that know their lines.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use serde::Deserialize;
use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::Finding;
use super::finding::Findings;
use super::scalar::{Meaning, meaning};

/// The maximum depth of nested lists and mappings. A configuration has 7.
const MAX_DEPTH: usize = 32;
/// The maximum number of nodes, including those that aliases repeat.
const MAX_NODES: usize = 100_000;

/// What is wrong with an empty file, and with a file of comments.
pub(super) const EMPTY: &str = "the file has no configuration";

/// A node. It has no `Debug`, because it can hold a key.
pub(super) struct Node {
    /// The line, counted from 1.
    pub(super) line: usize,
    pub(super) data: Data,
    /// The number of nodes in it, including itself.
    size: usize,
}

pub(super) enum Data {
    Scalar { text: Zeroizing<String>, meaning: Meaning },
    List(Vec<Rc<Node>>),
    Map(Vec<Entry>),
}

/// A field of a mapping.
#[derive(Clone)]
pub(super) struct Entry {
    key: Rc<Node>,
    pub(super) value: Rc<Node>,
}

impl Entry {
    pub(super) fn name(&self) -> &str {
        match &self.key.data {
            Data::Scalar { text, .. } => text,
            Data::List(_) | Data::Map(_) => "",
        }
    }

    pub(super) fn line(&self) -> usize {
        self.key.line
    }
}

impl Node {
    fn new(line: usize, data: Data) -> Result<Rc<Self>, Finding> {
        let sizes = match &data {
            Data::Scalar { .. } => 0,
            Data::List(items) => items.iter().map(|item| item.size).sum(),
            Data::Map(entries) => entries.iter().map(|entry| 1 + entry.value.size).sum(),
        };
        match sizes < MAX_NODES {
            true => Ok(Rc::new(Self { line, data, size: 1 + sizes })),
            false => Err(Finding::error(line, "syntax", "it is too large")),
        }
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.data, Data::Scalar { meaning: Meaning::Null, .. })
    }

    /// What the node is, for a message.
    pub(super) fn what(&self) -> &'static str {
        match &self.data {
            Data::List(_) => "a list",
            Data::Map(_) => "a mapping",
            Data::Scalar { meaning, .. } => match meaning {
                Meaning::Null => "empty",
                Meaning::Text | Meaning::Merge => "text",
                Meaning::Boolean => "a boolean",
                Meaning::Number => "a number",
                Meaning::Binary => "binary",
            },
        }
    }
}

/// Reads the first document, as kube-apiserver does. Reports what stops it, and what it ignores.
pub(super) fn read(text: &str, findings: &mut Findings) -> Option<Rc<Node>> {
    if let Some(finding) = unreadable(text) {
        findings.push(finding);
        return None;
    }
    let mut events = Parser::new_from_str(text);
    let mut builder = Builder::default();
    let root = loop {
        match events.next()? {
            Err(error) => break Err(ambiguous(error.marker().line())),
            Ok((Event::DocumentEnd | Event::StreamEnd, _)) => {
                break builder.root.ok_or_else(|| Finding::error(0, "syntax", EMPTY));
            }
            Ok((event, span)) => {
                if let Err(finding) = builder.take(event, span) {
                    break Err(finding);
                }
            }
        }
    };
    if let Some(line) = root.is_ok().then(|| next_document(&mut events)).flatten() {
        let text = "kube-apiserver ignores everything from here on: it reads only one document";
        findings.push(Finding::warning(line, "second-document", text));
    }
    root.map_err(|finding| findings.push(finding)).ok()
}

/// Returns the line at which another document begins.
fn next_document<'t>(
    events: &mut impl Iterator<Item = Result<(Event<'t>, Span), saphyr_parser::ScanError>>,
) -> Option<usize> {
    match events.next()? {
        Ok((Event::StreamEnd, _)) => None,
        Ok((_, span)) => Some(span.start.line()),
        Err(error) => Some(error.marker().line()),
    }
}

fn invalid(line: usize, language: &str) -> Finding {
    let hint = "check the indentation and the quotes, and use spaces instead of tabs";
    Finding::error(line, "syntax", format!("it is not valid {language}")).with_hint(hint)
}

/// kube-apiserver may accept the line, but what it reads is not certain.
fn ambiguous(line: usize) -> Finding {
    let text = "only some readers of YAML accept this line, so the file cannot be checked";
    let hint = "inside of brackets, indent each line more than the line above the brackets";
    Finding::error(line, "ambiguous", text).with_hint(hint)
}

/// Returns what makes the text unreadable to kube-apiserver.
///
/// kube-apiserver reads a file that begins with `{` as JSON. It reads YAML with a port of libyaml,
/// which is stricter than saphyr in some cases. serde_yaml uses another port of libyaml.
fn unreadable(text: &str) -> Option<Finding> {
    if text.trim_start().starts_with('{') {
        let error = serde_json::from_str::<IgnoredAny>(text).err()?;
        return Some(invalid(error.line(), "JSON"));
    }
    if let Some(finding) = odd_character(text) {
        return Some(finding);
    }
    let document = serde_yaml::Deserializer::from_str(text).next()?;
    let error = IgnoredAny::deserialize(document).err()?;
    Some(invalid(error.location().map_or(1, |location| location.line()), "YAML"))
}

/// Finds control characters, which kube-apiserver refuses. Finds line breaks that only some readers
/// of YAML know, too.
fn odd_character(text: &str) -> Option<Finding> {
    let is_break = |c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}');
    let is_refused = |c: char| {
        c.is_control() && !matches!(c, '\t' | '\n' | '\r') || matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (at, c) = text.char_indices().find(|(_, c)| is_break(*c) || is_refused(*c))?;
    let line = 1 + text[..at].matches('\n').count();
    let text = format!("the line has the character U+{:04X}", u32::from(c));
    let rule = if is_break(c) { "ambiguous" } else { "syntax" };
    Some(Finding::error(line, rule, text).with_hint("remove the character"))
}

/// A list or a mapping that has not ended.
struct Open {
    line: usize,
    anchor: usize,
    is_list: bool,
    /// For a mapping: keys and values in turn.
    children: Vec<Rc<Node>>,
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    root: Option<Rc<Node>>,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Finding> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let meaning = meaning(&text, style == ScalarStyle::Plain, tag.as_deref());
                let text = Zeroizing::new(text.into_owned());
                self.close(anchor, Node::new(line, Data::Scalar { text, meaning })?);
            }
            Event::SequenceStart(anchor, _) => self.open(line, anchor, true)?,
            Event::MappingStart(anchor, _) => self.open(line, anchor, false)?,
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else { return Ok(()) };
                let data = match open.is_list {
                    true => Data::List(open.children),
                    false => Data::Map(entries(&open.children)?),
                };
                self.close(open.anchor, Node::new(open.line, data)?);
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let text = "this alias has no complete anchor before it";
                self.close(0, node.ok_or_else(|| Finding::error(line, "syntax", text))?);
            }
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, line: usize, anchor: usize, is_list: bool) -> Result<(), Finding> {
        if self.open.len() == MAX_DEPTH {
            return Err(Finding::error(line, "syntax", "it is nested too deeply"));
        }
        self.open.push(Open { line, anchor, is_list, children: Vec::new() });
        Ok(())
    }

    fn close(&mut self, anchor: usize, node: Rc<Node>) {
        if anchor > 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
    }
}

/// Pairs keys and values. A merge (`<<`) adds the fields of other mappings.
fn entries(children: &[Rc<Node>]) -> Result<Vec<Entry>, Finding> {
    let mut entries = Vec::with_capacity(children.len() / 2);
    for pair in children.chunks_exact(2) {
        let [key, value] = [&pair[0], &pair[1]];
        match &key.data {
            Data::Scalar { meaning: Meaning::Merge, .. } => merge(value, &mut entries)?,
            Data::Scalar { meaning: Meaning::Text, .. } => {
                entries.push(Entry { key: Rc::clone(key), value: Rc::clone(value) });
            }
            _ => {
                return Err(Finding::error(key.line, "syntax", "the name of a field must be text"));
            }
        }
    }
    Ok(entries)
}

fn merge(value: &Rc<Node>, entries: &mut Vec<Entry>) -> Result<(), Finding> {
    let sources = match &value.data {
        Data::List(items) => items.as_slice(),
        _ => std::slice::from_ref(value),
    };
    for source in sources {
        let Data::Map(more) = &source.data else {
            let text = "only a mapping can be merged (`<<`)";
            return Err(Finding::error(source.line, "syntax", text));
        };
        entries.extend_from_slice(more);
    }
    Ok(())
}
