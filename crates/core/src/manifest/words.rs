//! Words in bytes, also where an escape or a tag hides them from a search.

use memchr::memmem;

use super::scan::BINARY;

/// Returns whether a text that is read as YAML or JSON may have one of the words.
///
/// A word must be ASCII, with at least two characters, and without a backslash. The answer can be
/// wrong about a text without any of them. A word is never missed: escapes, folded lines and
/// `!!binary` hide none.
#[must_use]
pub fn may_have_words(bytes: &[u8], words: &[&str]) -> bool {
    words.iter().any(|word| memmem::find(bytes, word.as_bytes()).is_some())
        || may_hide(bytes, words)
}

/// Whether the text may have one of the words, but not as these bytes.
pub(super) fn may_hide(bytes: &[u8], words: &[&str]) -> bool {
    BINARY.iter().any(|tag| memmem::find(bytes, tag.as_bytes()).is_some())
        || has_escaped(bytes, words)
}

/// Whether an escape may be a character of a word, or stand between two of them.
fn has_escaped(bytes: &[u8], words: &[&str]) -> bool {
    let mut is_inner = [false; 256];
    for word in words {
        word.bytes().take(word.len() - 1).for_each(|byte| is_inner[usize::from(byte)] = true);
    }
    memchr::memchr_iter(b'\\', bytes).any(|at| {
        let (before, escape) = bytes.split_at(at);
        let is_joint = before.last().is_some_and(|last| is_inner[usize::from(*last)]);
        is_letter(escape) || is_joint && words.iter().any(|word| is_joined(before, escape, word))
    })
}

/// Whether a numeric escape is a character that a word can have.
fn is_letter(escape: &[u8]) -> bool {
    let length = match escape.get(1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        _ => return false,
    };
    let hex = escape.get(2..2 + length).and_then(|hex| std::str::from_utf8(hex).ok());
    let code = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
    code.is_some_and(|char| char.is_ascii_alphanumeric() || char == '"')
}

/// Whether a word begins before an escape, and may go on behind it.
fn is_joined(before: &[u8], escape: &[u8], word: &str) -> bool {
    let word = word.as_bytes();
    (1..word.len()).any(|size| before.ends_with(&word[..size]) && goes_on(escape, &word[size..]))
}

/// Whether the rest of a word may follow. An escaped line break goes together with the blanks after
/// it, and some readers drop a backslash that escapes nothing.
fn goes_on(text: &[u8], word: &[u8]) -> bool {
    let (mut text, mut word) = (text, word);
    while let Some(next) = text.first() {
        if *next == b'\\' {
            let is_gap =
                |b: &u8| *b == b'\\' || b.is_ascii_whitespace() || *b == 0x0b || !b.is_ascii();
            let gap = text.iter().take_while(|b| is_gap(b)).count();
            text = &text[gap..];
            // A comment, or an expression of Helm, can be taken out.
            if matches!(text.first(), Some(b'#' | b'{')) {
                return true;
            }
        }
        let Some((first, rest)) = word.split_first() else { return true };
        if text.first() != Some(first) {
            return false;
        }
        (text, word) = (&text[1..], rest);
        if word.is_empty() {
            return true;
        }
    }
    false
}
