//! Env files, as `kubectl create secret --from-env-file` reads them: no quotes, no
//! interpolation, and the first `=` separates the key from the value.

use std::collections::BTreeSet;

use thiserror::Error;

use super::Key;

/// One line of an env file. It can hold a plaintext value, so it does not implement `Debug`.
pub struct EnvLine<'a> {
    /// The key.
    pub key: Key,
    /// The value; without a `=` in the line, it comes from the environment.
    pub value: Option<&'a str>,
}

/// Why an env file was refused. Names the line, never its content.
#[derive(Debug, Error)]
pub enum EnvFileError {
    /// It is not UTF-8 text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// A line with an invalid key.
    #[error("line {line}: the text before `=` is not a valid key")]
    Key {
        /// Counted from 1.
        line: usize,
    },
    /// A second line with the same key.
    #[error("line {line}: the key `{key}` occurs twice")]
    Duplicate {
        /// Counted from 1.
        line: usize,
        /// The key.
        key: Key,
    },
}

/// Parses an env file. It ignores a byte order mark, leading blanks, empty lines and lines
/// with `#`. Lines may end in CRLF.
///
/// # Errors
/// [`EnvFileError`] names the line.
pub fn parse_env_file(bytes: &[u8]) -> Result<Vec<EnvLine<'_>>, EnvFileError> {
    let text = std::str::from_utf8(bytes).map_err(|_| EnvFileError::NotText)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut seen = BTreeSet::new();
    let mut parsed = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        // As the scanner of kubectl: also at the end of a text without a last line feed.
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let number = index + 1;
        let (key, value) = line.split_once('=').map_or((line, None), |(k, v)| (k, Some(v)));
        // The error of the name would quote the text, which may be part of a value.
        let key: Key = key.parse().map_err(|_| EnvFileError::Key { line: number })?;
        if !seen.insert(key.clone()) {
            return Err(EnvFileError::Duplicate { line: number, key });
        }
        parsed.push(EnvLine { key, value });
    }
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<(String, Option<&str>)>, String> {
        parse_env_file(text.as_bytes())
            .map(|lines| lines.into_iter().map(|l| (l.key.to_string(), l.value)).collect())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn reads_as_kubectl_does() {
        let lines = parse("\u{feff}A=1\r\n\n  # note\n  B==x y \nC=\nD\n").expect("valid");
        let expected = [("A", Some("1")), ("B", Some("=x y ")), ("C", Some("")), ("D", None)];
        assert_eq!(lines, expected.map(|(k, v)| (k.to_owned(), v)));
    }

    #[test]
    fn a_carriage_return_at_the_end_of_the_text_ends_its_last_line() {
        assert_eq!(parse("A=1\r").expect("valid"), [("A".to_owned(), Some("1"))]);
        assert_eq!(parse("A=1\r\r").expect("valid"), [("A".to_owned(), Some("1\r"))]);
    }

    #[test]
    fn a_line_over_64_kib_is_read_whole() {
        let long = "x".repeat(100_000);
        assert_eq!(parse(&format!("A={long}\nB=2")).expect("valid").len(), 2);
    }

    #[test]
    fn errors_name_the_line_and_never_its_text() {
        let error = parse("A=1\nhunter two=x").expect_err("a blank in the key");
        assert_eq!(error, "line 2: the text before `=` is not a valid key");
        assert_eq!(parse("A=1\nA=2").expect_err("twice"), "line 2: the key `A` occurs twice");
        assert!(parse_env_file(b"A=\xff").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in proptest::prelude::any::<String>()) {
            let _ = parse_env_file(text.as_bytes());
        }
    }
}
