//! The one reader of YAML: a tree of nodes that knows where each of them stands.
//!
//! `kubectl` reads with a port of libyaml. So does this: what one of them takes, the
//! other takes, in the same way.

mod build;
mod events;
mod value;

use std::borrow::Cow;
use std::fmt;

/// How deep sequences and mappings may stand in one another.
pub const MAX_DEPTH: usize = 128;
/// How many nodes a text may have, those that aliases copy included.
pub const MAX_NODES: usize = 4_000_000;

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// How many bytes stand before it.
    pub index: usize,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// A node of a document. No `Debug`: it may hold plaintext.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub data: Data,
    /// Its tag in full, such as `tag:yaml.org,2002:str`.
    pub tag: Option<Box<str>>,
    /// Where it begins; for what an alias names, where the alias begins. What a copy of
    /// it holds keeps its own places.
    pub start: Mark,
    /// Where it ends.
    pub end: Mark,
}

/// What a node is.
#[derive(Clone, PartialEq)]
pub enum Data {
    /// A scalar: its text as YAML reads it, escapes undone, `!!binary` decoded.
    Scalar {
        /// The text.
        text: String,
        /// How it is written.
        style: Style,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the text. Keys may stand in it twice.
    Mapping(Vec<(Node, Node)>),
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `text`
    Plain,
    /// `'text'`
    SingleQuoted,
    /// `"text"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// Why a text cannot be read, and where. It never holds anything of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeError {
    /// Why.
    pub kind: ErrorKind,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// Why a text cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// It is not YAML.
    Syntax,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
    /// More than [`MAX_NODES`] nodes.
    TooLarge,
    /// An alias without an anchor.
    UnknownAlias,
    /// An alias inside of what it names.
    RecursiveAlias,
    /// A mapping has a key twice.
    DuplicateKey,
    /// A key that is not a scalar, or a merge of something that is not a mapping.
    NotPlain,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ErrorKind::Syntax => "it is neither YAML nor JSON",
            ErrorKind::TooDeep => "it has too many levels",
            ErrorKind::TooLarge => "it is too large",
            ErrorKind::UnknownAlias => "the alias has no anchor before it",
            ErrorKind::RecursiveAlias => "the alias stands inside of what it names",
            ErrorKind::DuplicateKey => "the key stands here twice",
            ErrorKind::NotPlain => "only text can be a key, and only a mapping can be merged",
        };
        write!(f, "line {}, column {}: {why}", self.line, self.column)
    }
}

impl std::error::Error for TreeError {}

impl Default for TreeError {
    fn default() -> Self {
        Mark::default().error(ErrorKind::Syntax)
    }
}

/// What could be read of a text.
pub struct Read {
    /// Each document that ends before the error. One without content is a null.
    pub documents: Vec<Node>,
    /// What stopped the reading.
    pub error: Option<TreeError>,
}

/// Reads every document of a text.
///
/// # Errors
/// [`TreeError`] tells where, never what stands there.
pub fn read(text: &str) -> Result<Vec<Node>, TreeError> {
    let Read { documents, error } = read_some(text);
    error.map_or(Ok(documents), Err)
}

/// Reads the documents of a text that stand before an error. A byte order mark at the
/// start of the text is not part of it, and not counted.
#[must_use]
pub fn read_some(text: &str) -> Read {
    read_within(text, &mut MAX_NODES.clone())
}

/// The same for a part of a text: all parts together may have as many nodes as `nodes`
/// says, which becomes less by those that were read.
#[must_use]
pub fn read_within(text: &str, nodes: &mut usize) -> Read {
    build::build(text.strip_prefix('\u{feff}').unwrap_or(text), nodes)
}

/// The documents of a text, with how many lines stand before each: for a text that
/// cannot be read as a whole. Each begins with a line `---`.
#[must_use]
pub fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut documents, mut start, mut at, mut before) = (Vec::new(), 0, 0, 0);
    // Directives belong to the document whose mark they stand before.
    let mut has_directives = false;
    let mut was_mark = false;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let is_mark = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_mark && at > start && !has_directives {
            documents.push((before, &text[start..at]));
            (start, before) = (at, number);
        }
        // `kubectl` cuts the marks off, and then passes over a byte order mark.
        if was_mark && line.starts_with('\u{feff}') {
            (start, before) = (at, number);
        }
        was_mark = is_mark && line.trim_end().len() == 3;
        let is_blank = line.trim().is_empty() || line.starts_with(['#', '\u{feff}']);
        has_directives = !is_mark && (line.starts_with('%') || has_directives && is_blank);
        at += line.len();
    }
    documents.push((before, &text[start..]));
    documents
}

/// The text of a file: UTF-8, or UTF-16 with a byte order mark, as `kubectl` takes both.
#[must_use]
pub fn text_of_file(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let pairs = bytes[2..].chunks_exact(2);
        let units: Vec<u16> = pairs.map(|pair| read([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok().map(Cow::Owned)
    };
    match bytes {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// The text of a scalar, whatever its type: what `apiVersion` and `kind` are compared by.
#[must_use]
pub fn text_of(node: &Node) -> Option<&str> {
    match &node.data {
        Data::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

impl Node {
    /// The value that `kubectl` takes for a key of a mapping: the last one, and that of a
    /// merge (`<<`) if it stands behind the others.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().rev().find_map(|(key, value)| match key.is_merge() {
            true => value.merged().iter().find_map(|source| source.get(name)),
            false => (text_of(key) == Some(name)).then_some(value),
        })
    }

    /// Every value of a key, doubled and merged ones included.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&Self> {
        let entries = self.all_entries().into_iter();
        entries.filter(|(key, _)| text_of(key) == Some(name)).map(|(_, value)| value).collect()
    }

    /// Its own entries, if it is a mapping.
    #[must_use]
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.data {
            Data::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Its entries, with those of merges in the place of the merges.
    #[must_use]
    pub fn all_entries(&self) -> Vec<(&Self, &Self)> {
        let mut all = Vec::new();
        for (key, value) in self.entries() {
            match key.is_merge() {
                true => all.extend(value.merged().iter().flat_map(Self::all_entries)),
                false => all.push((key, value)),
            }
        }
        all
    }

    /// Its items, if it is a sequence.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    pub fn is_mapping(&self) -> bool {
        matches!(self.data, Data::Mapping(_))
    }

    /// Whether every key in it, at any depth, is a scalar.
    #[must_use]
    pub fn has_plain_keys(&self) -> bool {
        let is_plain =
            |(key, value): &(Self, Self)| text_of(key).is_some() && value.has_plain_keys();
        self.entries().iter().all(is_plain)
            && self.as_sequence().unwrap_or_default().iter().all(Self::has_plain_keys)
    }

    /// Whether it is the key `<<`, which puts other mappings into this one.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        let Data::Scalar { text, style } = &self.data else { return false };
        text == "<<"
            && match self.core_tag() {
                None => *style == Style::Plain,
                Some(tag) => tag == "merge" || self.tag.as_deref() == Some("!"),
            }
    }

    /// What a merge of this takes its entries from.
    #[must_use]
    pub fn merged(&self) -> &[Self] {
        self.as_sequence().unwrap_or(std::slice::from_ref(self))
    }
}

impl Mark {
    /// The place behind so many bytes of a text.
    #[must_use]
    pub fn of(text: &str, index: usize) -> Self {
        let index = (0..=index.min(text.len())).rev().find(|i| text.is_char_boundary(*i));
        let before = &text[..index.unwrap_or(0)];
        let line = before.rsplit('\n').next().unwrap_or_default();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            index: before.len(),
            line: count(before.matches('\n').count()),
            column: count(line.chars().count()),
        }
    }

    /// An error at this place.
    #[must_use]
    pub const fn error(self, kind: ErrorKind) -> TreeError {
        TreeError { kind, line: self.line, column: self.column }
    }
}

impl Default for Mark {
    fn default() -> Self {
        Self { index: 0, line: 1, column: 1 }
    }
}

#[cfg(test)]
mod tests;
