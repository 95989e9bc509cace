//! Whole lines of a text: taken to another place, or written anew.

use super::{Entries, New, Text};
use crate::manifest::tree::Node;
use crate::manifest::{Object, yaml};

impl Text<'_> {
    /// The lines of a mapping behind the key `owner`, with their comments, to stand elsewhere. The
    /// changes of the mapping are made in these lines alone. None where it has no lines of its own,
    /// or no entry that stays.
    pub(in crate::manifest) fn lines(&self, map: Entries<'_>, owner: &Node) -> Option<New> {
        let first = map.entries.first()?.key.start.index;
        let from = self.colon(owner)?;
        let is_shared =
            map.entries.iter().any(|e| self.is_shared(e.key) || self.is_shared(e.value));
        if map.is_flow || is_shared || self.line_start(first) < self.next_line(from) {
            return None;
        }
        let column = self.column_of(first);
        let end = self.line_end(self.end(map.entries.last()?)?);
        let mut part = Self::new(self.text);
        part.apply(map, None)?;
        // The removal of the last entry takes its line break along.
        let end = part.edits.iter().map(|(range, _)| range.end).fold(end, usize::max);
        let text = part.changed(from..end)?;
        let mut lines = text.trim_end().split('\n');
        let mut taken = lines.next()?.to_owned();
        for line in lines {
            let blank = line.len() - line.trim_start_matches(' ').len();
            taken.push('\n');
            taken.push_str(&line[blank.min(column)..]);
        }
        Some(New::Lines(taken))
    }

    /// Puts other text in the place of an object, which begins at `node`.
    pub(in crate::manifest) fn rewrite(&mut self, node: &Node, object: &Object) -> Option<()> {
        let start = node.start.index;
        let end = self.end_of(node, start)?;
        let is_flow = self.text[start..].starts_with('{');
        let mut new = String::new();
        match is_flow {
            true => yaml::json(&mut new, &serde_json::to_value(object).ok()?),
            false => yaml::write(object, &mut new),
        }
        let new = indented(new.trim_end(), self.column_of(start));
        self.edits.push((start..end, new.replace('\n', self.line_break)));
        Some(())
    }
}

/// All lines but the first, moved to the right.
pub(super) fn indented(text: &str, column: usize) -> String {
    let mut lines = text.split('\n');
    let mut new = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        new.push('\n');
        if !line.trim().is_empty() {
            new.extend(std::iter::repeat_n(' ', column));
        }
        new.push_str(line);
    }
    new
}
