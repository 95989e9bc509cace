//! Surgery on the text of a YAML or JSON file: scalars set, entries added to
//! mappings and taken out, where they stand and in the way the text is written.

mod lines;

use std::ops::Range;

use self::lines::indented;
use super::tree::{Data, Node, Style, text_of};
use super::yaml;

/// A text and what is to be changed in it.
pub(super) struct Text<'t> {
    text: &'t str,
    edits: Vec<(Range<usize>, String)>,
    /// As the text ends its lines.
    line_break: &'static str,
    is_json: bool,
}

/// What is to stand behind a key.
pub(super) enum New {
    /// A text, in quotes where it needs them.
    Scalar(String),
    /// The word `true`.
    True,
    Mapping(Vec<(String, New)>),
    /// What [`Text::lines`] has taken from another place. Only for a mapping in lines.
    Lines(String),
}

/// A mapping, entry by entry, and what is to be changed in it.
pub(super) struct Entries<'n> {
    entries: Vec<Entry<'n>>,
    /// In braces.
    is_flow: bool,
    /// Where the first entry begins, or would.
    start: usize,
    added: Vec<Added>,
}

struct Entry<'n> {
    name: &'n str,
    key: &'n Node,
    value: &'n Node,
    is_gone: bool,
    new: Option<New>,
    new_name: Option<&'static str>,
}

struct Added {
    name: String,
    new: New,
    /// In front of the first of these that is there; else behind all others.
    before: &'static [&'static str],
}

impl<'n> Entries<'n> {
    /// What stands behind a key.
    pub(super) fn value(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.value)
    }

    /// Whether it is in braces.
    pub(super) const fn is_flow(&self) -> bool {
        self.is_flow
    }

    /// The key itself.
    pub(super) fn key(&self, name: &str) -> Option<&'n Node> {
        self.entries.iter().find(|entry| entry.name == name).map(|entry| entry.key)
    }

    /// Sets an entry, or adds it, in front of the first of `before` that is there.
    pub(super) fn set(&mut self, name: &str, new: New, before: &'static [&'static str]) {
        match self.entries.iter_mut().find(|entry| entry.name == name) {
            Some(entry) => entry.new = Some(new),
            None => self.added.push(Added { name: name.to_owned(), new, before }),
        }
    }

    /// Takes an entry out, where it is there.
    pub(super) fn remove(&mut self, name: &str) {
        self.retain(|key| key != name);
    }

    /// Takes out all others.
    pub(super) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        let gone = self.entries.iter_mut().filter(|entry| !keep(entry.name));
        gone.for_each(|entry| entry.is_gone = true);
    }

    /// Gives a key another name.
    pub(super) fn rename(&mut self, name: &str, new: &'static str) {
        let named = self.entries.iter_mut().filter(|entry| entry.name == name);
        named.for_each(|entry| entry.new_name = Some(new));
    }
}

impl<'t> Text<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let is_json = is_json(text);
        Self { text, edits: Vec::new(), line_break, is_json }
    }

    /// Takes a mapping apart; none where it is something else.
    pub(super) fn entries<'n>(&self, node: &'n Node) -> Option<Entries<'n>> {
        // A merge brings entries from elsewhere, which a change here would only hide.
        let has_merge = node.entries().iter().any(|(key, _)| key.is_merge());
        if !node.is_mapping() || self.has_properties(node) || has_merge {
            return None;
        }
        let entry = |(key, value): &'n (Node, Node)| {
            let name = text_of(key)?;
            Some(Entry { name, key, value, is_gone: false, new: None, new_name: None })
        };
        let entries = node.entries().iter().map(entry).collect::<Option<Vec<_>>>()?;
        let start = node.start.index;
        let is_flow = self.text[start..].starts_with('{');
        Some(Entries { entries, is_flow, start: start + usize::from(is_flow), added: Vec::new() })
    }

    /// Makes the changes of a mapping, which stands behind the key `owner`.
    pub(super) fn apply(&mut self, map: Entries<'_>, owner: Option<&Node>) -> Option<()> {
        for entry in &map.entries {
            if let Some(name) = entry.new_name {
                let key = range(entry.key);
                let name = self.quoted_as(key.start, name);
                self.edits.push((key, name));
            }
            if let Some(new) = entry.new.as_ref().filter(|_| !entry.is_gone) {
                self.set(&map, entry, new)?;
            }
        }
        if !map.is_flow && map.added.is_empty() && map.entries.iter().all(|entry| entry.is_gone) {
            // A mapping in lines cannot be empty.
            let from = self.colon(owner?)?;
            let end = self.end(map.entries.last()?)?;
            self.edits.push((from..end, " {}".to_owned()));
            return Some(());
        }
        self.add(&map)?;
        self.remove(&map)
    }

    /// Gives a scalar another content, in the quotes that it has. A block scalar, and one with a
    /// tag or an anchor, cannot be changed. With `is_word`, the content stands without quotes.
    pub(super) fn put(&mut self, node: &Node, value: &str, is_word: bool) -> Option<()> {
        let range = range(node);
        let is_block = self.block(node).is_some();
        if is_block || text_of(node).is_none() || self.has_properties(node) {
            return None;
        }
        let new = match is_word {
            true => value.to_owned(),
            false => self.quoted_as(range.start, value),
        };
        self.edits.push((range, new));
        Some(())
    }

    /// Puts another text in the place of a part.
    pub(super) fn splice(&mut self, part: Range<usize>, text: String) {
        self.edits.push((part, text));
    }

    /// Takes a part of the text out; with its line, where nothing else stands there.
    pub(super) fn cut(&mut self, part: Range<usize>) {
        let rest = &self.text[part.end..self.line_end(part.end)];
        let part = match self.begins_line(part.start) && rest.trim().is_empty() {
            true => self.line_start(part.start)..self.next_line(part.end),
            false => self.text[..part.start].trim_end_matches([' ', '\t']).len()..part.end,
        };
        self.edits.push((part, String::new()));
    }

    /// The new text; none where two changes meet.
    pub(super) fn finish(mut self) -> Option<String> {
        let new = self.changed(0..self.text.len())?;
        (!self.is_json || is_json(&new)).then_some(new)
    }

    /// A part of the text with all changes, which must be in this part.
    fn changed(&mut self, part: Range<usize>) -> Option<String> {
        self.edits.sort_by_key(|(range, _)| (range.start, range.end));
        // What is added can be plaintext, and a text that grows leaves a copy of itself.
        let added: usize = self.edits.iter().map(|(_, value)| value.len()).sum();
        let mut new = String::with_capacity(part.len() + added);
        let mut end = part.start;
        for (range, value) in self.edits.drain(..) {
            new.push_str(self.text.get(end..range.start)?);
            new.push_str(&value);
            end = range.end;
        }
        new.push_str(self.text.get(end..part.end)?);
        Some(new)
    }

    fn set(&mut self, map: &Entries<'_>, entry: &Entry<'_>, new: &New) -> Option<()> {
        let scalar = match new {
            New::Scalar(text) if is_text(entry.value, text) => return Some(()),
            New::Scalar(text) => text,
            _ => {
                let from = self.colon(entry.key)?;
                let mut end = self.end(entry)?.max(from);
                // A comment behind the last of its lines is not one of the new lines.
                if self.has_lines(entry) {
                    end = self.line_end(end);
                }
                let indent = self.column_of(entry.key.start.index);
                let text = self.written(map.is_flow, indent, self.is_json(entry.key), new);
                self.edits.push((from..end, text));
                return Some(());
            }
        };
        let edit = match self.block(entry.value) {
            // What ends with its last character can hold the new text as it is.
            Some((header, lines)) if header.ends_with('-') => (lines, scalar.clone()),
            Some((_, lines)) => {
                let text = self.written(false, 0, false, new);
                (self.colon(entry.key)?..lines.end, text)
            }
            None => {
                let token = range(entry.value);
                match token.is_empty() {
                    true => {
                        let at = self.colon(entry.key)?;
                        let text = self.quoted_as(entry.key.start.index, scalar);
                        (at..at, format!(" {text}"))
                    }
                    false => (token.clone(), self.quoted_as(token.start, scalar)),
                }
            }
        };
        self.edits.push(edit);
        Some(())
    }

    /// Adds what is to be added, in lines of its own or behind commas.
    fn add(&mut self, map: &Entries<'_>) -> Option<()> {
        let json = map.entries.first().map_or(self.is_json, |entry| self.is_json(entry.key));
        let first = map.entries.first().map(|entry| entry.key.start.index);
        let column = self.column_of(first.unwrap_or(map.start));
        // Where the last entry begins its own line, a new one does so too.
        let last_begins_line =
            map.entries.last().is_some_and(|e| self.begins_line(e.key.start.index));
        let indent = format!("{}{}", self.line_break, " ".repeat(column));
        let separator = match (map.is_flow, last_begins_line) {
            (false, _) => indent.clone(),
            (true, true) => {
                let last = map.entries.last()?.key.start.index;
                format!(",{}{}", self.line_break, " ".repeat(self.column_of(last)))
            }
            (true, false) => ", ".to_owned(),
        };
        let mut behind = String::new();
        for added in &map.added {
            let text = self.entry(map.is_flow, column, json, &added.name, &added.new);
            let before = added.before.iter().find_map(|name| map.key(name));
            match before {
                Some(key) => {
                    let at = key.start.index;
                    self.edits.push((at..at, text + &separator));
                }
                None if behind.is_empty() => behind = text,
                None => behind = behind + &separator + &text,
            }
        }
        if behind.is_empty() {
            return Some(());
        }
        let last_stays = map.entries.last().is_some_and(|entry| !entry.is_gone);
        let (at, text) = match map.entries.iter().rfind(|entry| !entry.is_gone) {
            None if map.is_flow => (first.unwrap_or(map.start), behind),
            Some(entry) if map.is_flow => (self.end(entry)?, separator + &behind),
            _ => {
                let at = self.line_end(self.end(map.entries.last()?)?);
                match last_stays {
                    true => (at, separator + &behind),
                    // The removed line takes its line break along.
                    false => {
                        let lead = indent.trim_start_matches(['\r', '\n']);
                        (self.next_line(at), format!("{lead}{behind}{}", self.line_break))
                    }
                }
            }
        };
        self.edits.push((at..at, text));
        Some(())
    }

    /// Takes out runs of entries: whole lines, or from one comma to the next.
    fn remove(&mut self, map: &Entries<'_>) -> Option<()> {
        let mut index = 0;
        while index < map.entries.len() {
            if !map.entries[index].is_gone {
                index += 1;
                continue;
            }
            let from = index;
            while index < map.entries.len() && map.entries[index].is_gone {
                index += 1;
            }
            let start = map.entries[from].key.start.index;
            let end = self.end(&map.entries[index - 1])?;
            let next = map.entries.get(index).map(|entry| entry.key.start.index);
            let range = match (map.is_flow, next) {
                (false, _) if self.begins_line(start) => {
                    self.line_start(start)..self.next_line(end)
                }
                (_, Some(next)) => start..next,
                (true, None) if from > 0 => self.end(&map.entries[from - 1])?..end,
                (true, None) => start..end,
                (false, None) => return None,
            };
            self.edits.push((range, String::new()));
        }
        Some(())
    }

    /// `name: value`, as it is written in such a mapping.
    fn entry(&self, is_flow: bool, column: usize, json: bool, name: &str, new: &New) -> String {
        let mut text = String::new();
        scalar(&mut text, json, name);
        text + ":" + &self.written(is_flow, column, json, new)
    }

    /// What stands behind a colon.
    fn written(&self, is_flow: bool, column: usize, json: bool, new: &New) -> String {
        let mut text = String::from(" ");
        match new {
            New::Scalar(value) => scalar(&mut text, json, value),
            New::True => text.push_str("true"),
            New::Mapping(entries) if entries.is_empty() => text.push_str("{}"),
            New::Mapping(entries) if is_flow => {
                let entries = entries.iter();
                let entries = entries.map(|(name, new)| self.entry(true, 0, json, name, new));
                let entries: Vec<_> = entries.collect();
                text = format!(" {{{}}}", entries.join(", "));
            }
            New::Mapping(entries) => {
                text.clear();
                for (name, new) in entries {
                    text.push_str(self.line_break);
                    text.push_str(&" ".repeat(column + 2));
                    text.push_str(&self.entry(false, column + 2, json, name, new));
                }
            }
            New::Lines(lines) => text = indented(lines, column + 2),
        }
        text
    }

    /// In the quotes of what stands at `at`.
    fn quoted_as(&self, at: usize, value: &str) -> String {
        let mut new = String::with_capacity(value.len() + 2);
        match self.text.as_bytes().get(at) {
            Some(b'"') => scalar(&mut new, true, value),
            _ if self.is_json => scalar(&mut new, true, value),
            Some(b'\'') => yaml::single_quoted(&mut new, value),
            _ => yaml::scalar(&mut new, value),
        }
        new
    }

    /// Whether the value of an entry is a mapping in lines of its own.
    fn has_lines(&self, entry: &Entry<'_>) -> bool {
        !entry.value.entries().is_empty() && !self.text[entry.value.start.index..].starts_with('{')
    }

    /// Where an entry's value ends, its closing brace included.
    fn end(&self, entry: &Entry<'_>) -> Option<usize> {
        self.end_of(entry.value, self.colon(entry.key)?)
    }

    fn end_of(&self, node: &Node, colon: usize) -> Option<usize> {
        let is_flow = self.text[node.start.index..].starts_with(['{', '[']);
        match &node.data {
            Data::Scalar { .. } => match self.block(node) {
                Some((_, lines)) => Some(lines.end),
                None => Some(node.end.index.max(colon)),
            },
            _ if is_flow => Some(node.end.index),
            _ if self.has_properties(node) => None,
            Data::Mapping(entries) => {
                let (key, value) = entries.last()?;
                self.end_of(value, self.colon(key)?)
            }
            Data::Sequence(items) => self.end_of(items.last()?, node.start.index),
        }
    }

    /// Whether it, or a part of it, is an alias or has an anchor: its text is also elsewhere.
    pub(super) fn is_shared(&self, node: &Node) -> bool {
        self.text[node.start.index..].starts_with(['&', '*'])
            || node
                .entries()
                .iter()
                .any(|(key, value)| self.is_shared(key) || self.is_shared(value))
            || node.as_sequence().is_some_and(|items| items.iter().any(|item| self.is_shared(item)))
    }

    /// Whether it begins with an anchor or a tag, or is an alias.
    fn has_properties(&self, node: &Node) -> bool {
        self.text[node.start.index..].starts_with(['&', '!', '*'])
    }

    /// Behind the colon of a key.
    fn colon(&self, key: &Node) -> Option<usize> {
        let end = key.end.index;
        Some(end + self.text[end..].find(':')? + 1)
    }

    /// The header of a block scalar, such as `|` or `>-`, and its lines, without the blank ones
    /// behind it.
    fn block(&self, node: &Node) -> Option<(&'t str, Range<usize>)> {
        let Data::Scalar { style: Style::Literal | Style::Folded, .. } = &node.data else {
            return None;
        };
        let text = &self.text[range(node)];
        let (header, lines) = text.split_once('\n').unwrap_or((text, ""));
        let header = header.split(" #").next().unwrap_or(header).trim_end();
        let start = node.end.index - lines.trim_start().len();
        let end = node.start.index + text.trim_end().len();
        Some((header, start.min(end)..end))
    }

    fn is_json(&self, key: &Node) -> bool {
        self.is_json || self.text[key.start.index..].starts_with('"')
    }

    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |found| found + 1)
    }

    /// Before the line break.
    fn line_end(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n').map_or(self.text.len(), |found| at + found);
        if self.text[..end].ends_with('\r') { (end - 1).max(at) } else { end }
    }

    fn next_line(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |found| at + found + 1)
    }

    fn begins_line(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].chars().all(|c| c == ' ' || c == '\t')
    }

    fn column_of(&self, at: usize) -> usize {
        self.text[self.line_start(at)..at].chars().count()
    }
}

/// JSON as such, not only as a YAML reader would have it.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn scalar(out: &mut String, json: bool, value: &str) {
    match json {
        true => out.push_str(&serde_json::to_string(value).expect("it is text")),
        false => yaml::scalar(out, value),
    }
}

/// The bytes of a node.
fn range(node: &Node) -> Range<usize> {
    node.start.index..node.end.index
}

/// Whether it is this very text, and no number, boolean or null.
fn is_text(node: &Node, text: &str) -> bool {
    let is_string = node.to_value().is_ok_and(|value| value.is_string());
    is_string && text_of(node) == Some(text)
}
