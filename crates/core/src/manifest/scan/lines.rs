//! Finds a Secret line by line in a text that cannot be read.

use std::borrow::Cow;

use super::gap::Gaps;
use super::{BINARY, Position, SEALED_MARK, SEALED_TYPE};

/// What the lines of a text show.
pub(super) struct Lines {
    /// The position of `kind: Secret`.
    pub(super) at: Option<Position>,
    pub(super) is_sealed: bool,
    /// The positions of values. Keys are left out, because they can be parts of values.
    pub(super) literals: Vec<Position>,
}

/// Finds the values below `data:` and `stringData:`.
pub(super) fn secret(before: usize, text: &str, gaps: &Gaps) -> Lines {
    let lines: Vec<&str> = lines_of(text).map(without_comment).collect();
    let is_kind = |line: &str| bare(line) == "kind:Secret";
    let kind = lines.iter().position(|line| is_kind(line));
    let column = |line: &str| line.chars().count() - line.trim_start().chars().count() + 1;
    let at = kind.map(|index| Position { line: before + index + 1, column: column(lines[index]) });
    // Only its own type counts, not that of another object or in a comment.
    let sealed = format!("type:{SEALED_TYPE}");
    let outer = kind.map(|index| indent(lines[index]));
    let types = lines.iter().filter(|line| Some(indent(line)) == outer).map(|line| bare(line));
    let types: Vec<_> = types.filter(|line| line.starts_with("type:")).collect();
    let is_sealed = !types.is_empty()
        && types.into_iter().all(|line| line == sealed)
        && lines.iter().filter(|line| is_kind(line)).count() == 1;
    let mut look = Look { lines, before, gaps, is_sealed, literals: Vec::new() };
    let (mut index, mut column) = (0, 0);
    while index < look.lines.len() {
        (index, column) = match look.field(index, column) {
            Some(end) => end,
            None => (index + 1, 0),
        };
    }
    Lines { at, is_sealed, literals: look.literals }
}

struct Look<'t, 'g> {
    lines: Vec<&'t str>,
    before: usize,
    gaps: &'g Gaps,
    is_sealed: bool,
    literals: Vec<Position>,
}

impl Look<'_, '_> {
    /// Finds a field in a line after a byte offset, and the values in the field. Returns the line
    /// and the byte offset where to continue.
    fn field(&mut self, index: usize, column: usize) -> Option<(usize, usize)> {
        let line = self.lines[index];
        let (at, name, end) = next_field(line, column)?;
        let rest = without_props(&line[end..]);
        let value = line.len() - rest.len();
        if rest.starts_with('{') {
            return Some(self.flow(index, value, name));
        }
        // Anywhere else, it is a word in a text.
        if !line[..at].trim_matches(|c: char| c.is_whitespace() || "-?\"',{".contains(c)).is_empty()
        {
            return Some((index, end));
        }
        if !rest.is_empty() {
            self.value(index, value, rest, name);
            return Some((index, line.len()));
        }
        let indent = line[..at].trim_end_matches(['"', '\'']).len();
        let below = index + 1..;
        let first =
            below.into_iter().find(|i| self.lines.get(*i).is_none_or(|l| !l.trim().is_empty()))?;
        let next = *self.lines.get(first)?;
        if next.trim_start().starts_with('{') {
            return Some(self.flow(first, self::indent(next), name));
        }
        Some((self.block(first, indent, name), 0))
    }

    /// Finds the entries of a block. It ends at a line that is not indented more than `outer`.
    /// Returns this line.
    fn block(&mut self, first: usize, outer: usize, name: &str) -> usize {
        let inner = indent(self.lines[first]);
        let (mut index, mut entry) = (first, None::<(usize, String)>);
        while let Some(line) = self.lines.get(index).copied() {
            let at = indent(line);
            if !line.trim().is_empty() && at <= outer {
                break;
            }
            let text = line.trim();
            if at == inner && !text.is_empty() && !text.starts_with(':') {
                self.entry(entry.take(), name);
                // After `? key`, the value has its own line.
                let value = match (text.starts_with("? "), after_key(text)) {
                    (true, _) => String::new(),
                    (false, Some(value)) => value.to_owned(),
                    (false, None) => text.to_owned(),
                };
                entry = Some((index, value));
            } else if let Some((_, value)) = &mut entry {
                value.push('\n');
                value.push_str(text.strip_prefix(": ").unwrap_or(text));
            }
            index += 1;
        }
        self.entry(entry, name);
        index
    }

    fn entry(&mut self, entry: Option<(usize, String)>, name: &str) {
        if let Some((index, value)) = entry {
            self.value(index, indent(self.lines[index]), &value, name);
        }
    }

    /// Finds the entries between braces. Returns the line and the byte offset where they end.
    fn flow(&mut self, first: usize, start: usize, name: &str) -> (usize, usize) {
        let (mut depth, mut quote, mut last) = (0_usize, None, '{');
        let mut entry = (first, start, String::new());
        for index in first..self.lines.len() {
            let line = self.lines[index];
            let from = if index == first { start } else { 0 };
            let mut chars = line[from..].char_indices().map(|(at, char)| (from + at, char));
            while let Some((at, char)) = chars.next() {
                let is_entry = depth == 1 && quote.is_none() && !matches!(char, ',' | '}');
                if is_entry && entry.2.is_empty() && !char.is_whitespace() {
                    (entry.0, entry.1) = (index, at);
                }
                match (quote, char) {
                    (Some('"'), '\\') => {
                        entry.2.push(char);
                        entry.2.extend(chars.next().map(|(_, char)| char));
                        continue;
                    }
                    (Some(open), _) if open == char => quote = None,
                    (Some(_), _) => {}
                    // A quote inside a word does not start quoted text.
                    (None, '"' | '\'') if "{[,:".contains(last) => quote = Some(char),
                    (None, '{' | '[') => depth += 1,
                    (None, '}' | ']') => depth = depth.saturating_sub(1),
                    _ => {}
                }
                let ends = quote.is_none() && (depth == 0 || depth == 1 && char == ',');
                if ends {
                    self.flow_entry(&mut entry, name);
                } else if !entry.2.is_empty()
                    || !(char.is_whitespace() || depth == 1 && char == '{')
                {
                    entry.2.push(char);
                }
                if depth == 0 {
                    return (index, at + char.len_utf8());
                }
                if !char.is_whitespace() {
                    last = char;
                }
            }
            if !entry.2.is_empty() {
                entry.2.push('\n');
            }
        }
        self.flow_entry(&mut entry, name);
        (self.lines.len(), 0)
    }

    fn flow_entry(&mut self, entry: &mut (usize, usize, String), name: &str) {
        let (index, at, text) = std::mem::take(entry);
        let text = text.trim();
        // JSON needs no space after the colon.
        let value = after_key(text).or_else(|| Some(text.split_once("\":")?.1));
        if !text.is_empty() {
            self.value(index, at, value.unwrap_or_default(), name);
        }
    }

    fn value(&mut self, index: usize, at: usize, value: &str, name: &str) {
        let mut value = without_props(value.trim());
        if value.starts_with(['|', '>']) {
            value = value.split_once('\n').map_or("", |(_, value)| value);
        }
        let value = value.trim().trim_matches(['"', '\'']);
        let is_sealed = self.is_sealed && name == "data" && value.starts_with(SEALED_MARK);
        if is_sealed || value == "{}" || !self.gaps.is_literal(value) {
            return;
        }
        let column = self.lines[index][..at].chars().count() + 1;
        self.literals.push(Position { line: self.before + index + 1, column });
    }
}

/// Finds the next `data:` or `stringData:`. Returns where its name begins, the name, and where the
/// text after the colon begins.
fn next_field(line: &str, from: usize) -> Option<(usize, &'static str, usize)> {
    let is_word = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    // Both names end with this, so one pass over the line is enough.
    line.get(from..)?.match_indices("ata").find_map(|(at, end)| {
        let end = from + at + end.len();
        let name = ["stringData", "data"].into_iter().find(|name| line[..end].ends_with(name))?;
        let at = end - name.len();
        let rest = line[end..].trim_start_matches(['"', '\'', ' ', '\t']).strip_prefix(':')?;
        let is_whole = at >= from && !line[..at].ends_with(is_word);
        is_whole.then_some((at, name, line.len() - rest.len()))
    })
}

/// The text after a key and its colon.
fn after_key(text: &str) -> Option<&str> {
    let (key, quoted) = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => match text[1..].find(quote) {
            Some(end) => text.split_at(end + 2),
            None => ("", text),
        },
        _ => ("", text),
    };
    let rest = quoted.trim_start();
    if !key.is_empty() && rest.starts_with(':') {
        return Some(&rest[1..]);
    }
    let is_end =
        |(at, _): &(usize, &str)| text[at + 1..].chars().next().is_none_or(char::is_whitespace);
    text.match_indices(':').find(is_end).map(|(at, _)| &text[at + 1..])
}

/// Removes the tags and anchors before a value.
fn without_props(text: &str) -> &str {
    let mut text = text.trim_start();
    while text.starts_with(['!', '&']) {
        text = text.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    }
    text
}

/// The lines of a text. Lines end with line feeds if there are any, otherwise with carriage
/// returns.
fn lines_of(text: &str) -> std::str::Split<'_, char> {
    text.split(if text.contains('\n') { '\n' } else { '\r' })
}

fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    let is_comment = |at: &usize| {
        let before = &line[..*at];
        // A `#` in quotes does not start a comment.
        ['"', '\''].iter().all(|quote| before.matches(*quote).count() % 2 == 0)
    };
    let mut starts = line.match_indices(" #").chain(line.match_indices("\t#")).map(|(at, _)| at);
    // The limit keeps a crafted line from taking quadratic time.
    let end = starts.by_ref().take(8).find(is_comment);
    line[..end.unwrap_or(line.len())].trim_end()
}

fn bare(line: &str) -> String {
    line.trim().trim_start_matches("- ").replace(['"', '\'', ',', '\t', ' '], "")
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Whether a text has `kind: Secret` or `kind: EnvcryptSecret` in any form, or hides its text.
pub(super) fn mentions_secret(text: &str) -> bool {
    if BINARY.iter().any(|tag| text.contains(tag)) {
        return true;
    }
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).map(without_comment);
    let text = lines.collect::<Vec<_>>().join("\n");
    let text = unescaped(&text);
    text.match_indices("Secret").any(|(at, word)| {
        let rest = &text[at + word.len()..];
        let rest = rest.strip_prefix("List").unwrap_or(rest);
        let ends = !rest.starts_with(|c: char| c.is_alphanumeric() || "-_./".contains(c));
        let before = &text[..at];
        ends && is_value(before.strip_suffix("Envcrypt").unwrap_or(before))
    })
}

/// How far before a word to search for its key, in bytes.
const LOOK_BACK: usize = 1 << 10;

/// Whether the text that follows is the value of a key, or has an anchor.
fn is_value(before: &str) -> bool {
    let trim = |text: &'_ str| {
        text.trim_end_matches(|c: char| c.is_whitespace() || "\"'|>-".contains(c)).len()
    };
    // A real key is never further away, and a search through all of the text would take too long.
    let start = (before.len().saturating_sub(LOOK_BACK)..=before.len())
        .find(|start| before.is_char_boundary(*start));
    let before = &before[start.unwrap_or(0)..];
    let mut before = &before[..trim(before)];
    loop {
        let mut words = before.rsplit(|c: char| c.is_whitespace() || ":[{".contains(c));
        let word = words.next().unwrap_or_default();
        // Go's reader reads a comma after a tag as a part of the tag.
        match word.chars().next() {
            _ if word.contains('&') => return true,
            Some('!') => before = &before[..trim(&before[..before.len() - word.len()])],
            _ => return before.ends_with(':'),
        }
    }
}

/// Resolves the escapes of double quotes everywhere in a text.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut new = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        new.push_str(before);
        rest = after;
        let length = match after.chars().next() {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('\n' | '\r') => {
                rest = after.trim_start();
                continue;
            }
            _ => continue,
        };
        let code = after.get(1..=length).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        if let Some(char) = code.and_then(char::from_u32) {
            new.push(char);
            rest = &after[length + 1..];
        }
    }
    new.push_str(rest);
    Cow::Owned(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        let lines = secret(0, text, &Gaps { markers: None, is_sops: false });
        let places = lines.literals.iter().map(|at| format!("{}:{}", at.line, at.column));
        let sealed = lines.is_sealed.then(|| "sealed".to_owned());
        sealed.into_iter().chain(places).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn values_are_seen_in_every_form() {
        for (text, expected) in [
            ("data:\n  a: b\n  c: ''\n  d: ${D}\ne: f", "2:3"),
            (
                "stringData:\n  p:\n    x\n  q: |\n    x\n  r: >-\n\n    ${R}\n  's: t':\n    \"x\"",
                "2:3 4:3 9:3",
            ),
            ("- data: # c\n    p: 'a #b'\n    q: # none\n", "2:5"),
            ("- data:\n    p: &a !x\n      y\n", "2:5"),
            (
                "stringData: {p: x,\n  q: '', r: \"a,}b\",\n  s: {t: u}\n}\ndata: {}\n",
                "1:14 2:10 3:3",
            ),
            ("stringData:\n  {p: x, q: ${Q},\n", "2:4"),
            ("{\"kind\":\"Secret\",\"stringData\":{\"p\":\"x\",\"q\":\"\"}", "1:32"),
            ("{\"stringData\":\n{\"p\":\n\"x\"\n", "2:2"),
            ("stringData:\n  ? p\n  : x\n", "2:3"),
            ("stringData: &a\n  p: x\nother: y", "2:3"),
            ("data: !!map {p: x}", "1:14"),
            ("stringData: *a", "1:13"),
            ("metadata: x\nmydata:\n  a: b\n", ""),
            // The type, and text that only looks like it.
            (
                "kind: Secret\ntype: envcrypt.dev/sealed\ndata: {p: eyJwcm90ZWN0ZWQiOiJ4In0=, q: eA==}",
                "sealed 3:37",
            ),
            (
                "kind: Secret\ntype: envcrypt.dev/sealed\nstringData: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}",
                "sealed 3:14",
            ),
            (
                "kind: Secret # type: envcrypt.dev/sealed\n# type: envcrypt.dev/sealed\ndata: {p: x}",
                "3:8",
            ),
            (
                "kind: Secret\nx:\n  type: envcrypt.dev/sealed\ndata: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}",
                "4:8",
            ),
            (
                "kind: Secret\ntype: envcrypt.dev/sealed\ntype: Opaque\ndata: {p: eyJwcm90ZWN0ZWQiOiJ4In0=}",
                "4:8",
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn mentions_are_seen_in_every_form() {
        for text in [
            "kind: Secret",
            "\"kind\" : \"Secret\"",
            "kind:\n  Secret",
            "? kind\n: Secret",
            "kind: !x &a Secret",
            "- &a Secret",
            "kind: |\n  Secret",
            "kind: \"S\\x65cret\"",
            "kind: \"Sec\\\n  ret\"",
            "kind: \"\\u0053ecret\"",
            "kind: # c\n Secret",
            "kind: SecretList",
            "kind: !!binary U2VjcmV0",
            "{kind: Secret}",
            "{kind: !, Secret}",
            "{a: b,&a Secret}",
            "# \\\nkind: Secret",
            "# x\rkind: Secret",
        ] {
            assert!(mentions_secret(text), "{text}");
        }
        for text in
            ["kind: SecretStore", "# kind: Secret", "a Secret", "my-Secret: x", "\\d", "x: \\u"]
        {
            assert!(!mentions_secret(text), "{text}");
        }
    }
}
