//! Writes YAML that readers of YAML 1.1 and 1.2 read in the same way.
//!
//! serde_yaml writes `yes`, `on` or `1_0` without quotes, and kubectl does not read these as text.
//! A Secret has few fields, so this module writes them itself.

use std::collections::BTreeMap;

use super::Object;
use super::resource::{DeletionPolicy, Spec};

/// Writes one object as a YAML document.
pub(super) fn write(object: &Object, out: &mut String) {
    field(out, 0, "apiVersion", &object.api_version);
    field(out, 0, "kind", &object.kind);
    out.push_str("metadata:\n");
    let metadata = &object.metadata;
    for (name, value) in [("name", &metadata.name), ("namespace", &metadata.namespace)] {
        if let Some(value) = value {
            field(out, 2, name, value);
        }
    }
    for (name, map) in [("labels", &metadata.labels), ("annotations", &metadata.annotations)] {
        if let Some(map) = map {
            mapping(out, 2, name, map.iter().map(|(k, v)| (k, v.as_str())));
        }
    }
    other(out, &metadata.other);
    if let Some(kind) = &object.r#type {
        field(out, 0, "type", kind);
    }
    if let Some(data) = &object.data {
        mapping(out, 0, "data", data.iter().map(|(k, v)| (k, v.as_deref().unwrap_or(""))));
    }
    if let Some(immutable) = object.immutable {
        out.push_str(if immutable { "immutable: true\n" } else { "immutable: false\n" });
    }
    if let Some(spec) = &object.spec {
        self::spec(out, spec);
    }
    if let Some(status) = &object.status {
        out.push_str("status: ");
        json(out, status);
    }
}

/// Writes the `spec` of an `EnvcryptSecret`.
fn spec(out: &mut String, spec: &Spec) {
    let Spec { sealed, template, deletion_policy, suspend } = spec;
    out.push_str("spec:\n  sealed:\n");
    if let Some(kind) = &sealed.r#type {
        field(out, 4, "type", kind);
    }
    if sealed.immutable {
        out.push_str("    immutable: true\n");
    }
    mapping(out, 4, "values", sealed.values.iter().map(|(k, v)| (k, v.as_str())));
    if let Some(seal) = &sealed.seal {
        field(out, 4, "seal", seal);
    }
    let maps = [("labels", &template.labels), ("annotations", &template.annotations)];
    let mut maps = maps.into_iter().filter(|(_, map)| !map.is_empty()).peekable();
    if maps.peek().is_some() {
        out.push_str("  template:\n");
    }
    for (name, map) in maps {
        mapping(out, 4, name, map.iter().map(|(k, v)| (k, v.as_str())));
    }
    if *deletion_policy == DeletionPolicy::Retain {
        out.push_str("  deletionPolicy: Retain\n");
    }
    if *suspend {
        out.push_str("  suspend: true\n");
    }
}

/// Writes the other fields of the metadata.
fn other(out: &mut String, other: &BTreeMap<String, serde_json::Value>) {
    for (name, value) in other {
        out.push_str("  ");
        scalar(out, name);
        out.push_str(": ");
        json(out, value);
    }
}

/// Writes JSON, which is also YAML if it is ASCII: YAML ends lines at more characters, and forbids
/// some.
pub(super) fn json(out: &mut String, value: &serde_json::Value) {
    // Only a string contains other characters, and it has double quotes.
    for c in value.to_string().chars() {
        match c {
            ' '..='~' => out.push(c),
            c => escaped(out, c),
        }
    }
    out.push('\n');
}

fn mapping<'a>(
    out: &mut String,
    indent: usize,
    name: &str,
    entries: impl Iterator<Item = (&'a String, &'a str)>,
) {
    let mut entries = entries.peekable();
    out.extend(std::iter::repeat_n(' ', indent));
    out.push_str(name);
    out.push_str(if entries.peek().is_some() { ":\n" } else { ": {}\n" });
    for (name, value) in entries {
        field(out, indent + 2, name, value);
    }
}

fn field(out: &mut String, indent: usize, name: &str, value: &str) {
    out.extend(std::iter::repeat_n(' ', indent));
    scalar(out, name);
    out.push_str(": ");
    scalar(out, value);
    out.push('\n');
}

/// Writes a text as a scalar.
///
/// The text has no quotes if every reader reads it as text. It has single quotes if it is printable
/// ASCII. Otherwise it has double quotes and escapes.
pub(super) fn scalar(out: &mut String, text: &str) {
    if is_plain(text) {
        out.push_str(text);
    } else if text.chars().all(|c| matches!(c, ' '..='~')) {
        single_quoted(out, text);
    } else {
        double_quoted(out, text);
    }
}

/// Writes a printable text in single quotes, with its own single quotes doubled.
pub(super) fn single_quoted(out: &mut String, text: &str) {
    out.push('\'');
    for part in text.split_inclusive('\'') {
        out.push_str(part);
        if part.ends_with('\'') {
            out.push('\'');
        }
    }
    out.push('\'');
}

fn double_quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(c),
            c => escaped(out, c),
        }
    }
    out.push('"');
}

/// Writes a character as an escape, for a text in double quotes.
fn escaped(out: &mut String, c: char) {
    use std::fmt::Write;
    match u32::from(c) {
        code @ 0x10000.. => write!(out, "\\U{code:08x}"),
        code => write!(out, "\\u{code:04x}"),
    }
    .expect("a String");
}

/// Whether the text needs no quotes.
///
/// It starts with a letter, and has only characters of base64, names and label values. It is not a
/// special word of YAML 1.1.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan"];
    let safe =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b'+' | b'=');
    text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic())
        && text.bytes().all(safe)
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn quoted(text: &str) -> String {
        let mut out = String::new();
        scalar(&mut out, text);
        out
    }

    #[test]
    fn what_yaml_1_1_takes_for_something_else_is_quoted() {
        for word in [
            "yes",
            "No",
            "on",
            "OFF",
            "y",
            "N",
            "true",
            "Null",
            "~",
            "",
            "1",
            "1e3",
            "0x1f",
            "0b1",
            "1_0",
            ".inf",
            "12:30",
            "-",
            "=",
            "<<",
            "a: b",
            "# c",
            "2026-11-22",
        ] {
            assert_eq!(quoted(word), format!("'{word}'"), "{word}");
        }
        for word in ["v1", "Secret", "app.kubernetes.io/name", "cGFzcw==", "a/b+c"] {
            assert_eq!(quoted(word), word);
        }
        assert_eq!(quoted("it's"), "'it''s'");
        assert_eq!(quoted("a\nb\u{7f}\u{1f511}"), "\"a\\nb\\u007f\\U0001f511\"");
    }

    #[test]
    fn other_fields_keep_every_character() {
        let json = "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"a\",\"x\":\"\u{7f}\u{85}\u{2028}\u{feff}\u{1f511}\"}}";
        let object: Object = serde_json::from_str(json).expect("a Secret");
        let mut text = String::new();
        write(&object, &mut text);
        assert!(text.contains(r#"  x: "\u007f\u0085\u2028\ufeff\U0001f511""#), "{text}");
        let read: Object = serde_yaml::from_str(&text).expect("YAML");
        assert!(read == object);
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let read: String = serde_yaml::from_str(&quoted(&text)).expect("YAML");
            prop_assert_eq!(read, text);
        }
    }
}
