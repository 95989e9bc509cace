//! The meaning of scalars, and the conversion of nodes to serde values.

use std::collections::HashSet;
use std::slice;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_yaml::{Mapping, Value};

use super::{Data, ErrorKind, Node, Style, TreeError};

pub(super) const CORE: &str = "tag:yaml.org,2002:";

/// Decodes base64 as Go does: extra bits at the end are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Returns the text of a scalar. `!!binary` is decoded if the result is text.
pub(super) fn decoded(text: String, tag: Option<&str>) -> String {
    if tag.and_then(|tag| tag.strip_prefix(CORE)) != Some("binary") {
        return text;
    }
    let bytes = BASE64.decode(text.replace(['\n', '\r'], "")).ok();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or(text)
}

impl Node {
    /// Returns whether the node is a null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        let Data::Scalar { text, style } = &self.data else { return false };
        match self.core_tag() {
            Some("null") => true,
            Some(_) => false,
            None => {
                *style == Style::Plain
                    && matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
        }
    }

    /// Returns the value as `kubectl` applies it with strict validation.
    ///
    /// # Errors
    /// Returns a [`TreeError`] for a duplicate key and for a key that is not a scalar. The same holds
    /// for a merge of something that is not a mapping.
    pub(crate) fn to_value(&self) -> Result<Value, TreeError> {
        Ok(match &self.data {
            Data::Scalar { text, .. } => {
                self.resolved().unwrap_or_else(|| Value::String(text.clone()))
            }
            Data::Sequence(items) => {
                Value::Sequence(items.iter().map(Self::to_value).collect::<Result<_, _>>()?)
            }
            Data::Mapping(entries) => Value::Mapping(mapping(entries)?),
        })
    }

    /// The value of a scalar, or `None` if it is a string.
    fn resolved(&self) -> Option<Value> {
        let Data::Scalar { text, style } = &self.data else { return None };
        match self.core_tag() {
            None if *style == Style::Plain => plain(text),
            Some("null") => Some(Value::Null),
            Some("bool" | "int" | "float") => plain(text).filter(|value| !value.is_null()),
            _ => None,
        }
    }

    /// The name of a core tag. It is empty for other tags.
    pub(super) fn core_tag(&self) -> Option<&str> {
        self.tag.as_deref().map(|tag| tag.strip_prefix(CORE).unwrap_or_default())
    }
}

/// Converts the entries of a mapping.
///
/// A merge that would replace an earlier entry is an error. Go's reader replaces the entry, but the
/// specification keeps it.
fn mapping(entries: &[(Node, Node)]) -> Result<Mapping, TreeError> {
    let (mut mapping, mut explicit) = (Mapping::new(), HashSet::new());
    for (key, value) in entries {
        if !matches!(key.data, Data::Scalar { .. }) {
            return Err(key.start.error(ErrorKind::NotPlain));
        }
        let duplicate = key.start.error(ErrorKind::DuplicateKey);
        if !key.is_merge() {
            let name = key.to_value()?;
            if !explicit.insert(name.clone()) {
                return Err(duplicate);
            }
            mapping.insert(name, value.to_value()?);
            continue;
        }
        let sources = value.as_sequence().unwrap_or(slice::from_ref(value));
        let mut merged = Mapping::new();
        for source in sources {
            let Value::Mapping(source) = source.to_value()? else {
                return Err(source.start.error(ErrorKind::NotPlain));
            };
            for (name, value) in source {
                merged.entry(name).or_insert(value);
            }
        }
        for (name, value) in merged {
            if mapping.insert(name, value).is_some() {
                return Err(duplicate);
            }
        }
    }
    Ok(mapping)
}

/// The value of a plain scalar that is a null, a boolean or a number.
fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    // Call the parser only for texts that can be numbers: it is slow.
    let may_be = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text.bytes().all(|b| b.is_ascii_hexdigit() || b"+-.xobeEINFNAinfna_".contains(&b));
    if !may_be {
        return None;
    }
    match serde_yaml::from_str::<Value>(text) {
        Ok(value) => Some(value).filter(Value::is_number),
        // An integer that is too large for the parser.
        Err(_) => text.parse::<f64>().ok().map(Value::from),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Mark, read};
    use super::*;

    fn value(text: &str) -> Result<Value, TreeError> {
        read(text).unwrap_or_else(|e| panic!("{text}: {e}"))[0].to_value()
    }

    #[test]
    fn plain_scalars_are_what_serde_takes_them_for() {
        for text in [
            "a",
            "1",
            "-1",
            "+1",
            "0x1f",
            "0o17",
            "0b1",
            "007",
            "1.5",
            "1e3",
            ".5",
            ".inf",
            "-.INF",
            ".nan",
            "1_000",
            "true",
            "True",
            "tRue",
            "yes",
            "null",
            "~",
            "''",
            "'1'",
            "\"true\"",
            "1.2.3",
            "-",
            "+",
            ".",
            "18446744073709551615",
            "2001-01-01",
            "{a: [1, b], c: }",
            "|\n  a\n  b\n",
            ">-\n  a\n  b\n",
            "null1",
            "-a",
            "--- a",
            "!!str 1",
            "!!int 1",
            "!!bool true",
            "1 2",
            "1e",
            "0x",
            "1.",
            "0.0",
            "-0",
        ] {
            let expected: Value = serde_yaml::from_str(text).expect(text);
            let is_nan = expected.as_f64().is_some_and(f64::is_nan);
            assert!(is_nan || value(text) == Ok(expected), "{text}");
        }
    }

    #[test]
    fn tags_are_honoured_or_ignored() {
        for (text, expected) in [
            ("!!binary U2VjcmV0", "Secret"),
            ("!<tag:yaml.org,2002:binary> U2VjcmV0", "Secret"),
            ("%TAG !b! tag:yaml.org,2002:bin\n--- !b!ary U2VjcmV0", "Secret"),
            ("!!bin%61ry |\n  U2Vj\n  cmV0\n", "Secret"),
            ("!!binary djF=", "v1"),
            ("!!binary _", "_"),
            ("!!str true", "true"),
            ("!x 5", "5"),
            ("! 5", "5"),
            ("\"\\x53ecret\"", "Secret"),
        ] {
            assert_eq!(value(text), Ok(expected.into()), "{text}");
        }
    }

    #[test]
    fn merges_are_applied_and_doubled_keys_refused() {
        let json = |text: &str| {
            serde_json::to_string(&value(text)?)
                .map_err(|_| Mark::default().error(ErrorKind::Syntax))
        };
        let at = |line, column, kind| Err(TreeError { kind, line, column });
        for (text, expected) in [
            ("{<<: {a: 1, b: 2}, b: 3}", Ok(r#"{"a":1,"b":3}"#.to_owned())),
            ("{<<: [{a: 1}, {a: 2, b: 3}]}", Ok(r#"{"a":1,"b":3}"#.to_owned())),
            ("x: &x {a: 1}\ny: {<<: *x}", Ok(r#"{"x":{"a":1},"y":{"a":1}}"#.to_owned())),
            ("{'<<': {a: 1}}", Ok(r#"{"<<":{"a":1}}"#.to_owned())),
            ("a: 1\nb: {c: 1,\n  c: 2}", at(3, 3, ErrorKind::DuplicateKey)),
            ("a: 1\n<<: {a: 2}", at(2, 1, ErrorKind::DuplicateKey)),
            ("<<: {a: 2}\n<<: {a: 2}", at(2, 1, ErrorKind::DuplicateKey)),
            ("<<: a", at(1, 5, ErrorKind::NotPlain)),
            ("? [a]\n: b", at(1, 3, ErrorKind::NotPlain)),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }
}
