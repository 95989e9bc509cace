//! Rules out, from its bytes alone, that a scan of a text finds anything.
//!
//! A scan compares whole scalars, such as the `Secret` of `kind: Secret`. So a word inside a
//! sentence, such as in the description of a field, needs no scan. Where the bytes leave a doubt,
//! the text is scanned.

mod json;

use memchr::{memchr_iter, memchr2_iter, memmem};

use super::{FileKind, SEALED_MARK, is_wide, may_mention};
use crate::manifest::tree::{MAX_DEPTH, MAX_NODES};
use crate::manifest::words::may_hide;

/// Every word that matters. An escape must not hide one.
///
/// The quote is that of the first member of a sealed value in JSON, with or without a backslash.
const HIDDEN: [&str; 12] = [
    SEALED_MARK,
    "\"protected",
    "secretGenerator",
    "PatchTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "Kustomization",
    "Component",
    "SecretList",
    "SecretGenerator",
    "Secret",
    "EnvcryptSecret",
];
/// Words with which a text is always scanned. They are rare elsewhere.
const WORDS: &[&str] = HIDDEN.split_at(6).0;
/// Kinds of objects that contain patches, and whose names are common words.
const KINDS: &[&str] = HIDDEN.split_at(6).1.split_at(2).0;
/// How far before a word to search for its key, in bytes.
const LOOK_BACK: usize = 1 << 10;
/// How many nodes an indicator such as `:` can add: a mapping, its key, its value, and a document.
const NODES_OF_INDICATOR: usize = 4;
/// How often a part of a text can be read: as YAML, as what follows JSON, and both as a template.
const MAX_READS: usize = 4;

/// Returns whether a scan of a file may find anything, also in its here-documents.
///
/// It is much faster than the scan. It can be wrong about a file without a Secret, but whatever
/// the bytes are, the scan of a file for which it returns false finds nothing.
#[must_use]
pub fn may_find(bytes: &[u8], kind: FileKind) -> bool {
    if !may_mention(bytes) {
        return false;
    }
    let is_template = kind == FileKind::Manifest || has(bytes, "<<");
    let is_json = kind == FileKind::Manifest || kind == FileKind::Other && !is_template;
    // A node of JSON has two bytes.
    if is_json && bytes.len() < 2 * MAX_NODES && json::is_quiet(bytes) {
        return false;
    }
    kind == FileKind::Kustomization
        || is_wide(bytes)
        || is_template && may_be_too_large(bytes)
        || may_find_in(bytes, is_template)
}

/// Returns whether a scan of a part of a text may find anything. It must not be too large, unless
/// only its valid part matters. Only a template is searched where it is not valid.
pub(super) fn may_find_in(bytes: &[u8], is_template: bool) -> bool {
    !json::is_quiet(bytes) && may_find_in_yaml(bytes, is_template)
}

fn may_find_in_yaml(bytes: &[u8], is_template: bool) -> bool {
    may_hide(bytes, &HIDDEN)
        || WORDS.iter().any(|word| has(bytes, word))
        || is_any_value(bytes, "Secret", is_template)
        || KINDS.iter().any(|kind| is_any_value(bytes, kind, false))
        || is_template && may_be_too_deep(bytes)
}

/// Whether the word may be the value of a key anywhere.
fn is_any_value(bytes: &[u8], word: &str, is_template: bool) -> bool {
    memmem::find_iter(bytes, word).any(|at| {
        let after = &bytes[at + word.len()..];
        let rest = ["List", "Generator"].iter().find_map(|end| after.strip_prefix(end.as_bytes()));
        let rest = rest.unwrap_or(after);
        let before = &bytes[..at];
        let before = before.strip_suffix(b"Envcrypt").unwrap_or(before);
        !rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || b"-_./".contains(next))
            && is_value(before, rest, is_template)
    })
}

/// Whether a word between these texts may be the value of a key. In a template that is not valid,
/// text can follow it.
fn is_value(before: &[u8], rest: &[u8], is_template: bool) -> bool {
    let near = &before[before.len().saturating_sub(LOOK_BACK)..];
    let mut lines = near.rsplit(|byte| is_break(*byte));
    let line = lines.next().unwrap_or_default();
    let text = trimmed(line);
    // What is further away can be the start of a very long tag.
    let is_cut = line.len() < before.len() && line.len() == near.len();
    if is_cut && !text.iter().any(|byte| is_blank(*byte)) {
        return true;
    }
    let is_near = near.len() == before.len();
    if !text.is_empty() {
        return ends_as_key(text) && (is_template || ends_scalar(rest))
            || is_template && is_joined(text, lines, is_near);
    }
    // An item of a sequence is not the value of a key.
    let is_item = line.contains(&b'-');
    if !is_item && ends_scalar(rest) {
        return true;
    }
    let key = lines.by_ref().map(|line| (line, trimmed(line))).find(|(_, text)| !text.is_empty());
    is_template
        && match key {
            // A comment hides what is before it, also one that begins further away.
            Some((line, text)) => {
                let is_cut = !is_near && std::ptr::eq(line.as_ptr(), near.as_ptr());
                is_cut
                    || line.contains(&b'#')
                    || ends_as_key(text)
                    || is_joined(text, lines, is_near)
            }
            None => !is_near,
        }
}

/// Whether a word may be the rest of a tag or an anchor, which an escaped line break before it cuts.
fn is_joined<'a>(
    word: &[u8],
    mut lines: impl Iterator<Item = &'a [u8]>,
    has_all_lines: bool,
) -> bool {
    let is_escaped = |line: &[u8]| line.iter().rfind(|byte| !is_blank(**byte)) == Some(&b'\\');
    !word.trim_ascii_start().iter().any(|byte| is_blank(*byte))
        && lines
            .find(|line| !line.iter().all(|byte| is_blank(*byte)))
            .map_or(!has_all_lines, is_escaped)
}

/// Whether a line may end with a key, a tag, an anchor or an escape. In a template, the end of an expression
/// counts, too, because it can begin a line.
fn ends_as_key(line: &[u8]) -> bool {
    let word = line.rsplit(|byte| is_blank(*byte)).next().unwrap_or_default();
    line.ends_with(b":") || word.iter().any(|byte| b"!&}\\".contains(byte) || !byte.is_ascii())
}

/// Whether a scalar may end before this text.
fn ends_scalar(rest: &[u8]) -> bool {
    let next = rest.iter().find(|byte| !is_blank(**byte) && !b"\"'\\".contains(byte));
    next.is_none_or(|next| is_break(*next) || b"#,}]:".contains(next) || !next.is_ascii())
}

/// A line without what can be between a key and its value.
fn trimmed(line: &[u8]) -> &[u8] {
    let is_between = |byte: &u8| is_blank(*byte) || b"\\\"'|>-".contains(byte);
    let end = line.iter().rposition(|byte| !is_between(byte));
    &line[..end.map_or(0, |end| end + 1)]
}

/// Whether a text may have more nodes than a scan reads. With aliases, a short text can.
pub(super) fn may_be_too_large(bytes: &[u8]) -> bool {
    const FEW: usize = MAX_NODES / NODES_OF_INDICATOR / MAX_READS;
    let is_anchor = |at: usize| {
        let is_name = |next: &u8| next.is_ascii_alphanumeric() || b"-_".contains(next);
        bytes.get(at + 1).is_some_and(is_name) && may_start(bytes, at)
    };
    let is_indicator = |byte: &u8| matches!(byte, b'-' | b'?' | b':' | b',' | b'[' | b'{');
    // Counted in bytes, many at once.
    let count = |few: &[u8]| few.iter().map(|byte| u8::from(is_indicator(byte))).sum::<u8>();
    let indicators =
        || bytes.chunks(u8::MAX.into()).map(|few| usize::from(count(few))).sum::<usize>();
    bytes.len() >= FEW && indicators() >= FEW || memchr_iter(b'&', bytes).any(is_anchor)
}

/// Whether a text may have more levels than a scan reads.
fn may_be_too_deep(bytes: &[u8]) -> bool {
    // Other line breaks that YAML has.
    let breaks = ["\u{85}", "\u{2028}", "\u{2029}"];
    let is_break = |at: usize| bytes.get(at + 1) != Some(&b'\n');
    if breaks.into_iter().any(|end| has(bytes, end)) || memchr_iter(b'\r', bytes).any(is_break) {
        return true;
    }
    // A column has at most a mapping and the sequence in it. A bracket has at most a sequence and
    // the mapping of a single pair in it.
    let is_open = |at: &usize| {
        let is_empty = matches!(bytes.get(at + 1), Some(b']' | b'}'));
        !is_empty && may_start(bytes, *at)
    };
    let brackets = 1 + memchr2_iter(b'[', b'{', bytes).filter(is_open).count();
    let columns = |line: &[u8]| {
        let is_before = |byte: &&u8| is_blank(**byte) || b"-?:".contains(byte) || !byte.is_ascii();
        1 + line.iter().take_while(is_before).count()
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    brackets * 2 > MAX_DEPTH
        || lines.map(columns).max().is_some_and(|most| (most + brackets) * 2 > MAX_DEPTH)
}

/// Whether a node may begin here. It cannot inside a plain scalar.
fn may_start(bytes: &[u8], at: usize) -> bool {
    bytes[..at].last().is_none_or(|before| {
        is_blank(*before) || is_break(*before) || b"[{,:?!-".contains(before) || !before.is_ascii()
    })
}

fn has(bytes: &[u8], word: &str) -> bool {
    memmem::find(bytes, word.as_bytes()).is_some()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c)
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
