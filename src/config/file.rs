//! Reads a configuration file that someone else may have written.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::Deserialize;

use super::ConfigError;

/// The maximum size of a configuration, in bytes.
pub const MAX_SIZE: u64 = 64 << 10;
/// How many brackets may be open at once: a parser needs the square of their number.
const MAX_OPEN: usize = 64;

/// What the parts of a file must be: the name of a field, and the form for a message. The last name
/// is empty, for everything else.
pub type Forms = &'static [(&'static str, &'static str)];

/// Parses the text of a file, which has this path.
pub fn parse_yaml<T: for<'de> Deserialize<'de>>(
    path: &Path,
    text: &str,
    forms: Forms,
) -> Result<T, ConfigError> {
    let wrong = |line, column, message: &str| ConfigError::Parse {
        path: path.to_owned(),
        line,
        column,
        form: form(forms, message),
    };
    // The parser takes it for the start of a document.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_deep(text) {
        return Err(wrong(1, 1, ""));
    }
    serde_yaml::from_str(text).map_err(|error| {
        let at = error.location();
        wrong(
            at.as_ref().map_or(1, serde_yaml::Location::line),
            at.as_ref().map_or(1, serde_yaml::Location::column),
            &error.to_string(),
        )
    })
}

/// The form of the part that a message of the parser begins with, as in `rules[0].keks: …`.
fn form(forms: Forms, message: &str) -> &'static str {
    let is_part = |name: &str| {
        let rest = message.strip_prefix(name);
        name.is_empty() || rest.is_some_and(|rest| rest.starts_with(['[', ':', '.']))
    };
    forms.iter().find(|(name, _)| is_part(name)).map_or("valid", |(_, form)| form)
}

/// Reads the text of a file; `None` if it does not exist. It must be a regular file. If `within` names a
/// directory, a link must not lead out of it.
pub fn read_text(path: &Path, within: Option<&Path>) -> Result<Option<String>, ConfigError> {
    let error = |source| ConfigError::Read { path: path.to_owned(), source };
    let not_own = |wrong| ConfigError::NotOwnFile { path: path.to_owned(), wrong };
    match path.symlink_metadata() {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(error(source)),
        Ok(_) => {}
    }
    let real = path.canonicalize().map_err(error)?;
    if let Some(root) = within {
        let root = root.canonicalize().map_err(error)?;
        if !real.starts_with(&root) {
            return Err(not_own("it is a link that leads out of the repository"));
        }
    }
    // Checked before it is opened: opening a pipe would block.
    if !real.metadata().map_err(error)?.is_file() {
        return Err(not_own("it is not a regular file"));
    }
    let mut text = String::new();
    let read = File::open(&real).and_then(|file| file.take(MAX_SIZE + 1).read_to_string(&mut text));
    match read {
        Err(e) if e.kind() == io::ErrorKind::InvalidData => Err(not_own("it is not UTF-8 text")),
        Err(source) => Err(error(source)),
        Ok(size) if size as u64 > MAX_SIZE => Err(not_own("it is larger than 64 KiB")),
        Ok(_) => Ok(Some(text)),
    }
}

fn is_deep(text: &str) -> bool {
    let mut open = 0_usize;
    text.bytes().any(|byte| {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > MAX_OPEN
    })
}
