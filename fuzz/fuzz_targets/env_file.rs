//! What an env file says is what a second, simpler reader of its lines says, and no error has a
//! part of a value.

#![no_main]

use envcrypt_core::secret::{EnvFileError, parse_env_file};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    match parse_env_file(input) {
        Ok(lines) => {
            let text = std::str::from_utf8(input).expect("only text is accepted");
            let read: Vec<_> = lines.iter().map(|line| (line.key.as_str(), line.value)).collect();
            assert_eq!(read, expected(text), "another reader reads something else");
            comes_back(&read);
        }
        Err(error) => hides_values(input, &error),
    }
});

/// The lines by the rules of `kubectl create secret --from-env-file`.
fn expected(text: &str) -> Vec<(&str, Option<&str>)> {
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).split('\n');
    let lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line).trim_start());
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.find('=') {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        })
        .collect()
}

/// Written with other blanks, comments and line ends, it says the same.
fn comes_back(read: &[(&str, Option<&str>)]) {
    let mut text = String::from("\u{feff}# again\r\n\n");
    for (key, value) in read {
        // A carriage return at the end would now be a part of the line end.
        if value.is_some_and(|value| value.ends_with('\r')) {
            return;
        }
        text.push_str("\t ");
        text.push_str(key);
        if let Some(value) = value {
            text.push('=');
            text.push_str(value);
        }
        text.push_str("\r\n");
    }
    let again = parse_env_file(text.as_bytes()).expect("what was read is written");
    let again: Vec<_> = again.iter().map(|line| (line.key.as_str(), line.value)).collect();
    assert_eq!(again, read);
}

fn hides_values(input: &[u8], error: &EnvFileError) {
    let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
    let (line, key) = match error {
        EnvFileError::NotText => {
            assert!(std::str::from_utf8(input).is_err());
            return;
        }
        EnvFileError::Key { line } => (line, None),
        EnvFileError::Duplicate { line, key } => (line, Some(key.as_str())),
    };
    assert!((1..=lines).contains(line));
    // All of the message is known: it has no other part of the text.
    let expected = match key {
        None => format!("line {line}: the text before `=` is not a valid key"),
        Some(key) => format!("line {line}: the key `{key}` occurs twice"),
    };
    assert_eq!(error.to_string(), expected);
}
