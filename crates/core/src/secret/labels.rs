//! Labels and annotations as the API server accepts them.

use thiserror::Error;

use super::name::is_subdomain;

/// Where client-side apply keeps the whole manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

const MAX_NAME: usize = 63;
/// The API server's bound on all annotations of an object together, in bytes.
pub const MAX_ANNOTATIONS: usize = 256 << 10;

/// Why a label or an annotation was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LabelError {
    /// Not `KEY=VALUE`.
    #[error("`{0}` is not of the form KEY=VALUE")]
    Form(String),
    /// The key is none.
    #[error(
        "`{0}` cannot be the key of a label or annotation: use [PREFIX/]NAME, of letters, digits, `-`, `_` and `.`"
    )]
    Key(String),
    /// The value of a label is none.
    #[error(
        "`{0}` cannot be the value of a label: use letters, digits, `-`, `_` and `.`, 63 at most"
    )]
    Value(String),
    /// The annotations are too large together.
    #[error("the annotations hold more than {MAX_ANNOTATIONS} bytes together")]
    TooLarge,
    /// It is the sealed format's own, or client-side apply's.
    #[error("`{0}` is not yours to set")]
    Reserved(String),
}

/// Parses and checks `KEY=VALUE` of a label.
///
/// # Errors
/// [`LabelError`]
pub fn parse_label(text: &str) -> Result<(String, String), LabelError> {
    let (key, value) = split(text)?;
    if !value.is_empty() && !is_name(value) {
        return Err(LabelError::Value(value.to_owned()));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Parses and checks `KEY=VALUE` of an annotation; the value may be any text.
///
/// # Errors
/// [`LabelError`]
pub fn parse_annotation(text: &str) -> Result<(String, String), LabelError> {
    let (key, value) = split(text)?;
    if value.len() > MAX_ANNOTATIONS {
        return Err(LabelError::TooLarge);
    }
    Ok((key.to_owned(), value.to_owned()))
}

fn split(text: &str) -> Result<(&str, &str), LabelError> {
    let (key, value) = text.split_once('=').ok_or_else(|| LabelError::Form(text.to_owned()))?;
    let (prefix, name) = key.split_once('/').map_or((None, key), |(p, n)| (Some(p), n));
    if !is_name(name) || !prefix.is_none_or(is_subdomain) {
        return Err(LabelError::Key(key.to_owned()));
    }
    if prefix == Some("envcrypt.dev") || key == LAST_APPLIED {
        return Err(LabelError::Reserved(key.to_owned()));
    }
    Ok((key, value))
}

fn is_name(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    bytes.len() <= MAX_NAME
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_those_of_the_api_server() {
        for good in ["app=web", "app.kubernetes.io/name=db", "empty=", "v=1.2_3-x"] {
            assert!(parse_label(good).is_ok(), "{good}");
        }
        let long = "x".repeat(64);
        for bad in [
            "app",
            "=x",
            "a b=c",
            "/a=b",
            "a/=b",
            "A.b/c/d=e",
            "a=-b",
            &format!("a={long}"),
            "envcrypt.dev/type=x",
        ] {
            assert!(parse_label(bad).is_err(), "{bad}");
        }
        assert_eq!(
            parse_annotation("note=any text = all"),
            Ok(("note".into(), "any text = all".into()))
        );
    }
}
