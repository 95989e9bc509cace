//! Reads YAML into a tree of nodes that know their positions.
//!
//! `kubectl` reads YAML with a port of libyaml. This module uses another port of libyaml, so both
//! accept the same texts and read them in the same way.

mod build;
mod events;
mod value;

use std::borrow::Cow;
use std::fmt;

/// The maximum depth of nested sequences and mappings.
pub(super) const MAX_DEPTH: usize = 128;
/// The maximum number of nodes of a text, including those that aliases copy.
pub(super) const MAX_NODES: usize = 4_000_000;

/// A position in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The number of bytes before it.
    pub index: usize,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// A node of a document.
///
/// It does not implement `Debug`, because it can hold plaintext.
#[derive(Clone, PartialEq)]
pub struct Node {
    /// The content.
    pub data: Data,
    /// The full tag, such as `tag:yaml.org,2002:str`.
    pub tag: Option<Box<str>>,
    /// Where the node begins. The copy that an alias makes begins at the alias, but the nodes in it
    /// keep their own positions.
    pub start: Mark,
    /// Where the node ends.
    pub end: Mark,
}

/// The content of a node.
#[derive(Clone, PartialEq)]
pub enum Data {
    /// A scalar.
    Scalar {
        /// The text as YAML reads it: escapes are resolved, and `!!binary` is decoded.
        text: String,
        /// How the text is written.
        style: Style,
    },
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order of the text. It can contain duplicate keys.
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

/// Why a text cannot be read, and where. It never contains any of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeError {
    /// Why the text cannot be read.
    pub kind: ErrorKind,
    /// The line, counted from 1.
    pub line: u32,
    /// The column in characters, counted from 1.
    pub column: u32,
}

/// Why a text cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not valid YAML.
    Syntax,
    /// The text has more than 128 levels.
    TooDeep,
    /// The text has more than 4,000,000 nodes.
    TooLarge,
    /// An alias has no anchor before it.
    UnknownAlias,
    /// An alias is inside the node that it refers to.
    RecursiveAlias,
    /// A mapping has a duplicate key.
    DuplicateKey,
    /// A key is not a scalar, or a merge (`<<`) is not of a mapping.
    NotPlain,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ErrorKind::Syntax => "it is not valid YAML or JSON",
            ErrorKind::TooDeep => "it is nested too deeply",
            ErrorKind::TooLarge => "it is too large",
            ErrorKind::UnknownAlias => "this alias has no anchor before it",
            ErrorKind::RecursiveAlias => "this alias is inside the node that it refers to",
            ErrorKind::DuplicateKey => "this key is already defined",
            ErrorKind::NotPlain => "a key must be text, and only a mapping can be merged (`<<`)",
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

/// The part of a text that could be read.
pub(super) struct Read {
    /// Each document that ends before the error. An empty document is a null.
    pub documents: Vec<Node>,
    /// The error that stopped the reader, if any.
    pub error: Option<TreeError>,
}

/// Reads every document of a text.
///
/// # Errors
/// Returns a [`TreeError`] if the text is not valid YAML or exceeds a limit.
pub fn read(text: &str) -> Result<Vec<Node>, TreeError> {
    let Read { documents, error } = read_some(text);
    error.map_or(Ok(documents), Err)
}

/// Reads the documents of a text, up to the first error.
///
/// A byte order mark at the start of the text is ignored. Positions do not count it.
#[must_use]
pub(super) fn read_some(text: &str) -> Read {
    read_within(text, &mut MAX_NODES.clone())
}

/// Reads a part of a text, like [`read_some`].
///
/// `nodes` is the number of nodes that may still be read. It is reduced by the nodes of this part.
#[must_use]
pub(super) fn read_within(text: &str, nodes: &mut usize) -> Read {
    build::build(text.strip_prefix('\u{feff}').unwrap_or(text), nodes)
}

/// Returns whether a part of a text can be read, much faster than [`read_within`] with many nodes.
///
/// It can be wrong about a text with tags or aliases, but never about one that [`read_within`] cannot
/// read, unless that has too many nodes.
#[must_use]
pub(super) fn is_readable(text: &str) -> bool {
    build::is_readable(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Splits a text at its lines `---`. Returns each document with the number of lines before it.
///
/// This is for a text that cannot be read as a whole.
#[must_use]
pub(super) fn split(text: &str) -> Vec<(usize, &str)> {
    let (mut documents, mut start, mut at, mut before) = (Vec::new(), 0, 0, 0);
    // Directives before a `---` belong to the document after it.
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
        // `kubectl` removes the `---`, and then ignores a byte order mark.
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

/// Decodes the text of a file: UTF-8, or UTF-16 with a byte order mark. `kubectl` reads both.
///
/// Returns `None` if the bytes are not valid in this encoding.
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

/// Returns the text of a scalar of any type. `kubectl` compares `apiVersion` and `kind` like this.
#[must_use]
pub fn text_of(node: &Node) -> Option<&str> {
    match &node.data {
        Data::Scalar { text, .. } => Some(text),
        _ => None,
    }
}

impl Node {
    /// Returns the value that `kubectl` uses for a key of a mapping.
    ///
    /// The last value counts. A merge (`<<`) counts where it is in the mapping.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.entries().iter().rev().find_map(|(key, value)| match key.is_merge() {
            true => value.merged().iter().find_map(|source| source.get(name)),
            false => (text_of(key) == Some(name)).then_some(value),
        })
    }

    /// Returns every value of a key, including values of duplicate keys and of merges.
    #[must_use]
    pub(super) fn all(&self, name: &str) -> Vec<&Self> {
        let entries = self.all_entries().into_iter();
        entries.filter(|(key, _)| text_of(key) == Some(name)).map(|(_, value)| value).collect()
    }

    /// Returns the entries of a mapping, without those of merges. Other nodes have none.
    #[must_use]
    pub fn entries(&self) -> &[(Self, Self)] {
        match &self.data {
            Data::Mapping(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the entries of a mapping. The entries of a merge replace the merge.
    #[must_use]
    pub(super) fn all_entries(&self) -> Vec<(&Self, &Self)> {
        let mut all = Vec::new();
        for (key, value) in self.entries() {
            match key.is_merge() {
                true => all.extend(value.merged().iter().flat_map(Self::all_entries)),
                false => all.push((key, value)),
            }
        }
        all
    }

    /// Returns the items of a sequence, or `None` for other nodes.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Self]> {
        match &self.data {
            Data::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Returns whether the node is a mapping.
    #[must_use]
    pub fn is_mapping(&self) -> bool {
        matches!(self.data, Data::Mapping(_))
    }

    /// Returns whether every key in the node, at any depth, is a scalar.
    #[must_use]
    pub(super) fn has_plain_keys(&self) -> bool {
        let is_plain =
            |(key, value): &(Self, Self)| text_of(key).is_some() && value.has_plain_keys();
        self.entries().iter().all(is_plain)
            && self.as_sequence().unwrap_or_default().iter().all(Self::has_plain_keys)
    }

    /// Returns whether the node is the key `<<`, which merges other mappings into this one.
    #[must_use]
    pub(super) fn is_merge(&self) -> bool {
        let Data::Scalar { text, style } = &self.data else { return false };
        text == "<<"
            && match self.core_tag() {
                None => *style == Style::Plain,
                Some(tag) => tag == "merge" || self.tag.as_deref() == Some("!"),
            }
    }

    /// Returns the mappings that a merge with this value merges.
    #[must_use]
    pub(super) fn merged(&self) -> &[Self] {
        self.as_sequence().unwrap_or(std::slice::from_ref(self))
    }
}

impl Mark {
    /// Returns the position after `index` bytes of a text.
    #[must_use]
    pub(super) fn of(text: &str, index: usize) -> Self {
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

    /// Returns an error at this position.
    #[must_use]
    pub(super) const fn error(self, kind: ErrorKind) -> TreeError {
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
