//! Builds nodes from events, without recursion: a deep text must not overflow the stack.

use std::collections::HashMap;

use super::events::{self, Event, Events, Props};
use super::value::decoded;
use super::{Data, ErrorKind, MAX_DEPTH, Mark, Node, Read, Style, TreeError};

/// Reads to the end, or to the first error. Subtracts the nodes that it reads from `nodes`.
pub(super) fn build(text: &str, nodes: &mut usize) -> Read {
    let mut events = Events::new(text);
    let mut documents = Vec::new();
    let mut builder = Builder { text, nodes, open: Vec::new(), anchors: HashMap::new() };
    let error = loop {
        match events.next().and_then(|(event, start, end)| builder.take(event, start, end)) {
            Ok(Step::Document(node)) => documents.push(node),
            Ok(Step::More) => {}
            Ok(Step::Done) => break None,
            Err(error) => break Some(error),
        }
    };
    Read { documents, error }
}

/// Whether a text can be read to its end, decided without making nodes. It is wrong about some texts
/// with tags or aliases, never about one that cannot be read. Nodes are not counted.
pub(super) fn is_readable(text: &str) -> bool {
    let mut events = Events::new(text);
    let mut depth = 0;
    loop {
        match events.next_form() {
            Ok(events::Form::Opens) if depth < MAX_DEPTH => depth += 1,
            Ok(events::Form::Closes) => depth -= 1,
            Ok(events::Form::Other) => {}
            Ok(events::Form::Done) => return true,
            Ok(events::Form::Opens | events::Form::Special) | Err(_) => return false,
        }
    }
}

enum Step {
    More,
    Document(Node),
    Done,
}

/// A document, a sequence or a mapping that has not ended yet.
struct Open {
    form: Form,
    start: Mark,
    tag: Option<Box<str>>,
    /// For a mapping: keys and values in turn.
    children: Vec<Node>,
}

#[derive(PartialEq)]
enum Form {
    Document,
    Sequence,
    Mapping,
}

struct Builder<'n> {
    text: &'n str,
    /// How many nodes may still be read.
    nodes: &'n mut usize,
    /// The document, then the nested collections.
    open: Vec<Open>,
    /// The path to the node of each anchor: the index of the child at each level.
    anchors: HashMap<String, Vec<usize>>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event, start: Mark, end: Mark) -> Result<Step, TreeError> {
        match event {
            Event::Document => self.open(Form::Document, None, start),
            Event::Sequence(props) => {
                let tag = self.begin(props, start)?;
                self.open(Form::Sequence, tag, start);
            }
            Event::Mapping(props) => {
                let tag = self.begin(props, start)?;
                self.open(Form::Mapping, tag, start);
            }
            Event::Scalar { text, style, props } => {
                self.count(1, start)?;
                let tag = self.anchor(props);
                // Go's reader reads the comma as a part of the tag. libyaml does not.
                if tag.is_some()
                    && text.is_empty()
                    && self.text.as_bytes().get(end.index) == Some(&b',')
                {
                    return Err(end.error(ErrorKind::Syntax));
                }
                let text = decoded(text, tag.as_deref());
                self.push(Node { data: Data::Scalar { text, style }, tag, start, end });
            }
            Event::Alias(name) => {
                let node = self.alias(&name, start)?;
                self.push(Node { start, end, ..node });
            }
            Event::End => return Ok(self.end(end)),
            Event::Done => return Ok(Step::Done),
            Event::Other => {}
        }
        Ok(Step::More)
    }

    fn begin(&mut self, props: Props, at: Mark) -> Result<Option<Box<str>>, TreeError> {
        // The document itself is in `open`, too.
        if self.open.len() > MAX_DEPTH {
            return Err(at.error(ErrorKind::TooDeep));
        }
        self.count(1, at)?;
        Ok(self.anchor(props))
    }

    fn open(&mut self, form: Form, tag: Option<Box<str>>, start: Mark) {
        self.open.push(Open { form, start, tag, children: Vec::new() });
    }

    fn count(&mut self, nodes: usize, at: Mark) -> Result<(), TreeError> {
        let left = self.nodes.checked_sub(nodes);
        *self.nodes = left.ok_or_else(|| at.error(ErrorKind::TooLarge))?;
        Ok(())
    }

    /// Remembers the path to the next node, if it has an anchor. Returns its tag.
    fn anchor(&mut self, props: Props) -> Option<Box<str>> {
        if let Some(name) = props.anchor {
            let path = self.open.iter().map(|open| open.children.len()).collect();
            self.anchors.insert(name, path);
        }
        props.tag
    }

    fn push(&mut self, node: Node) {
        if let Some(open) = self.open.last_mut() {
            open.children.push(node);
        }
    }

    fn end(&mut self, end: Mark) -> Step {
        let Some(Open { form, start, tag, mut children }) = self.open.pop() else {
            return Step::More;
        };
        let data = match form {
            Form::Document => {
                self.anchors.clear();
                return Step::Document(children.pop().unwrap_or_else(|| Node::null(start)));
            }
            Form::Sequence => Data::Sequence(children),
            Form::Mapping => {
                let mut children = children.into_iter();
                let mut entries = Vec::with_capacity(children.len() / 2);
                while let (Some(key), Some(value)) = (children.next(), children.next()) {
                    entries.push((key, value));
                }
                Data::Mapping(entries)
            }
        };
        self.push(Node { data, tag, start, end });
        Step::More
    }

    /// Copies the node that an alias refers to. The nodes are counted before they are copied.
    fn alias(&mut self, name: &str, at: Mark) -> Result<Node, TreeError> {
        let error = |kind| at.error(kind);
        let path = self.anchors.get(name).ok_or_else(|| error(ErrorKind::UnknownAlias))?;
        // Follow the path as long as it leads through open collections.
        let mut level = 0;
        while level + 1 < self.open.len()
            && path.get(level) == Some(&self.open[level].children.len())
        {
            level += 1;
        }
        let mut rest = path.get(level..).unwrap_or_default().iter();
        let first = rest.next().and_then(|index| self.open[level].children.get(*index));
        // The node itself is open: the alias is inside the node that it refers to.
        let mut node = first.ok_or_else(|| error(ErrorKind::RecursiveAlias))?;
        for index in rest {
            let child = match &node.data {
                Data::Sequence(items) => items.get(*index),
                Data::Mapping(entries) => {
                    let entry = entries.get(index / 2);
                    entry.map(|(key, value)| if index % 2 == 0 { key } else { value })
                }
                Data::Scalar { .. } => None,
            };
            node = child.ok_or_else(|| error(ErrorKind::UnknownAlias))?;
        }
        let size = size(node, *self.nodes, MAX_DEPTH + 1 - self.open.len().min(MAX_DEPTH + 1));
        *self.nodes -= size.map_err(error)?;
        Ok(node.clone())
    }
}

/// How many bytes of text a copy may have for each node that it counts as.
const BYTES_A_NODE: usize = 64;

/// Counts the nodes, and a long text as several. Fails as soon as there are more than `most`, or more than `depth` levels.
fn size(node: &Node, most: usize, depth: usize) -> Result<usize, ErrorKind> {
    let mut size = 0;
    let mut left = vec![(node, depth)];
    while let Some((node, depth)) = left.pop() {
        size += 1;
        if let Data::Scalar { text, .. } = &node.data {
            size += text.len() / BYTES_A_NODE;
        }
        if size > most {
            return Err(ErrorKind::TooLarge);
        }
        if matches!(node.data, Data::Scalar { .. }) {
            continue;
        }
        let depth = depth.checked_sub(1).ok_or(ErrorKind::TooDeep)?;
        match &node.data {
            Data::Sequence(items) => left.extend(items.iter().map(|item| (item, depth))),
            Data::Mapping(entries) => {
                left.extend(entries.iter().flat_map(|(k, v)| [(k, depth), (v, depth)]));
            }
            Data::Scalar { .. } => {}
        }
    }
    Ok(size)
}

impl Node {
    pub(super) fn null(at: Mark) -> Self {
        let data = Data::Scalar { text: String::new(), style: Style::Plain };
        Self { data, tag: None, start: at, end: at }
    }
}
