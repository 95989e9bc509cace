//! The values of a Secret as text that a user edits.
//!
//! The text is YAML in which every value is text. A value that is not text is base64 with the tag
//! `!!binary`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};
use thiserror::Error;
use zeroize::Zeroizing;

use super::yaml;
use crate::secret::{Key, SecretValue};

/// The length of a line of base64, in characters.
const LINE: usize = 76;

/// What is wrong with an edited text. It names the line and never contains its text.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("line {line}: {wrong}")]
pub struct DraftError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, and what to do.
    pub wrong: String,
}

/// Writes values as text. [`read_draft`] reads the same values back.
#[must_use]
pub fn draft(values: &BTreeMap<Key, SecretValue>) -> Zeroizing<String> {
    let size = values.iter().map(|(key, value)| key.as_str().len() + 2 * value.len() + 64).sum();
    let mut text = Zeroizing::new(String::with_capacity(size));
    for (key, value) in values {
        yaml::scalar(&mut text, key.as_str());
        text.push(':');
        match std::str::from_utf8(value.expose()) {
            Err(_) => binary(&mut text, value),
            Ok(value) if is_block(value) => block(&mut text, value),
            Ok(value) => {
                text.push(' ');
                match !value.is_ascii() && value.chars().all(is_printable) {
                    true => yaml::single_quoted(&mut text, value),
                    false => yaml::scalar(&mut text, value),
                }
            }
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    text
}

fn binary(text: &mut String, value: &SecretValue) {
    let base64 = Zeroizing::new(BASE64_STANDARD.encode(value.expose()));
    text.push_str(" !!binary |\n");
    for line in base64.as_bytes().chunks(LINE) {
        let line = std::str::from_utf8(line).expect("base64 is ASCII");
        writeln!(text, "  {line}").expect("a String");
    }
}

/// Whether every reader of YAML accepts the character unchanged.
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}' | '\u{fffe}'..='\u{ffff}')
}

/// Whether the value has several lines that can be written as a block (`|`).
fn is_block(value: &str) -> bool {
    // Editors often remove spaces at the end of a line and empty lines at the end of a text.
    value.strip_suffix('\n').unwrap_or(value).contains('\n')
        && !value.starts_with([' ', '\n', '\t'])
        && !value.ends_with("\n\n")
        && !value.split('\n').any(|line| line.ends_with([' ', '\t']))
        && value.chars().all(|c| is_printable(c) || matches!(c, '\n' | '\t'))
}

fn block(text: &mut String, value: &str) {
    text.push_str(if value.ends_with('\n') { " |\n" } else { " |-\n" });
    for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
        if !line.is_empty() {
            text.push_str("  ");
            text.push_str(line);
        }
        text.push('\n');
    }
}

/// Reads an edited text.
///
/// Every value is text: nothing becomes a number or a boolean. Nothing is lost silently: a value
/// that YAML would cut off at a comment is an error.
///
/// # Errors
/// Returns a [`DraftError`] with the line.
pub fn read_draft(text: &str) -> Result<BTreeMap<Key, SecretValue>, DraftError> {
    let mut reader = Reader { text, values: BTreeMap::new(), key: None };
    let mut depth = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| DraftError {
            line: error.marker().line(),
            wrong:
                "it is not valid YAML: put the value in quotes, or use a block (`|`) below the key"
                    .into(),
        })?;
        match event {
            Event::Scalar(value, style, anchor, tag) if depth == 1 && anchor == 0 => {
                reader.scalar(&value, style, tag.as_ref(), span)?;
            }
            Event::MappingStart(0, None) if depth == 0 && reader.values.is_empty() => depth = 1,
            Event::MappingEnd => depth = 0,
            Event::Scalar(..)
            | Event::Alias(_)
            | Event::MappingStart(..)
            | Event::SequenceStart(..) => {
                return Err(wrong(
                    span,
                    "it must have the form `KEY: VALUE`: put the value in quotes",
                ));
            }
            _ => {}
        }
    }
    Ok(reader.values)
}

struct Reader<'t> {
    text: &'t str,
    values: BTreeMap<Key, SecretValue>,
    /// The key whose value comes next, and its position.
    key: Option<(Key, Span)>,
}

impl Reader<'_> {
    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Cow<'_, Tag>>,
        span: Span,
    ) -> Result<(), DraftError> {
        let Some((key, key_span)) = self.key.take() else {
            let key: Key =
                text.parse().map_err(|_| wrong(span, "its key is not a valid key for a Secret"))?;
            if self.values.contains_key(&key) {
                return Err(wrong(span, "its key is already defined"));
            }
            self.key = Some((key, span));
            return Ok(());
        };
        let is_binary = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "binary");
        let value = match is_binary {
            true => {
                let base64 = Zeroizing::new(text.replace([' ', '\n', '\r', '\t'], ""));
                BASE64_STANDARD
                    .decode(&*base64)
                    .map_err(|_| wrong(span, "its value is not valid base64"))?
            }
            false if tag.is_some() || !self.is_whole(text, style, key_span, span) => {
                return Err(wrong(
                    span,
                    "a part of its value would be lost: put the value in quotes",
                ));
            }
            false => text.as_bytes().to_vec(),
        };
        self.values.insert(key, SecretValue::new(value));
        Ok(())
    }

    /// Whether YAML read the whole value.
    ///
    /// Without quotes, the value must be everything after the colon. With quotes, a comment may
    /// follow.
    fn is_whole(&self, value: &str, style: ScalarStyle, key: Span, span: Span) -> bool {
        let behind = |at: Marker| {
            let line = self.text.lines().nth(at.line() - 1).unwrap_or("");
            Zeroizing::new(line.chars().skip(at.col()).collect::<String>())
        };
        match style {
            // An empty value has the position of its key.
            ScalarStyle::Plain if value.is_empty() => behind(key.end)
                .trim_start()
                .strip_prefix(':')
                .is_none_or(|rest| rest.trim().is_empty()),
            ScalarStyle::Plain => behind(span.start).trim_end() == value,
            _ => true,
        }
    }
}

fn wrong(span: Span, wrong: &str) -> DraftError {
    DraftError { line: span.start.line(), wrong: wrong.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, Vec<u8>)>, DraftError> {
        let values = read_draft(text)?;
        Ok(values.into_iter().map(|(k, v)| (k.to_string(), v.expose().to_vec())).collect())
    }

    fn written(value: &[u8]) -> Zeroizing<String> {
        draft(&[("k".parse().expect("a key"), SecretValue::new(value.to_vec()))].into())
    }

    #[test]
    fn values_are_readable() {
        for (value, expected) in [
            (&b"hunter2"[..], "k: hunter2\n"),
            (b"", "k: ''\n"),
            (b"5432", "k: '5432'\n"),
            (b"a #b: c", "k: 'a #b: c'\n"),
            (b"x\n", "k: \"x\\n\"\n"),
            ("größe".as_bytes(), "k: 'größe'\n"),
            (b"one\n\n  two", "k: |-\n  one\n\n    two\n"),
            (b"one\ntwo\n", "k: |\n  one\n  two\n"),
            (b"one\ntwo\n\n", "k: \"one\\ntwo\\n\\n\"\n"),
            (b"one \ntwo", "k: \"one \\ntwo\"\n"),
            (b"one\r\ntwo", "k: \"one\\r\\ntwo\"\n"),
            (b"\xff\x00", "k: !!binary |\n  /wA=\n"),
        ] {
            let text = written(value);
            assert_eq!(*text, expected);
            assert_eq!(read(&text), Ok(vec![("k".to_owned(), value.to_vec())]), "{expected}");
        }
    }

    #[test]
    fn what_a_person_types_is_taken_as_it_stands_or_not_at_all() {
        for (text, value) in [
            ("yes", "yes"),
            ("1.10", "1.10"),
            ("~", "~"),
            ("", ""),
            ("0x1f  ", "0x1f"),
            ("'it''s' # c", "it's"),
        ] {
            assert_eq!(read(&format!("# c\nk: {text}\n")), Ok(vec![("k".into(), value.into())]));
        }
        for (text, line) in [
            ("a: 1\nk: pass #word", 2),
            ("k: #pass", 1),
            ("a: 1\nk:   # c", 2),
            ("k: &a b", 1),
            ("k: !x b", 1),
            ("k: *a", 1),
            ("k: [a]", 1),
            ("k: {a: b}", 1),
            ("k:\n  a: b", 2),
            ("k: a: b", 1),
            ("k: 'a", 1),
            ("k: a\n  b", 1),
            ("a b: c", 1),
            ("k: a\nk: b", 2),
            ("hunter2", 1),
            ("k: !!binary x", 1),
            ("- a", 1),
            ("k: a\n---\nl: b", 3),
        ] {
            let error = read(text).expect_err(text);
            assert_eq!(error.line, line, "{text}: {error}");
            assert!(!error.to_string().contains("hunter2"));
        }
    }

    proptest! {
        #[test]
        fn any_value_comes_back(value in prop_oneof![
            any::<String>().prop_map(String::into_bytes),
            any::<Vec<u8>>(),
            "[ -~\n\t]{0,40}".prop_map(String::into_bytes),
        ]) {
            prop_assert_eq!(read(&written(&value)), Ok(vec![("k".to_owned(), value)]));
        }
    }
}
