//! Labels and annotations, checked as the API server checks them.

use thiserror::Error;

use super::name::is_subdomain;

/// The annotation in which client-side apply stores the whole manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The maximum length of the name in a key, and of the value of a label, in bytes.
const MAX_NAME: usize = 63;
/// The maximum size of all annotations of an object together, in bytes: 256 KiB.
///
/// The API server enforces this limit (`TotalAnnotationSizeLimitB`).
pub const MAX_ANNOTATIONS: usize = 256 << 10;

/// The annotation that names who replaces the values: a person or a team, any text.
pub const OWNER_ANNOTATION: &str = "envcrypt.dev/owner";
/// The annotation with the date, `YYYY-MM-DD`, by which the values must be replaced.
pub const ROTATE_BY_ANNOTATION: &str = "envcrypt.dev/rotate-by";
/// The annotation with keys whose values may have any age, comma-separated.
pub const NEVER_STALE_ANNOTATION: &str = "envcrypt.dev/never-stale";

/// Returns whether an annotation of this project is written by people, for people. No program acts
/// on it, and it stays when a Secret is sealed, unwrapped or converted.
#[must_use]
pub fn is_note(name: &str) -> bool {
    [OWNER_ANNOTATION, ROTATE_BY_ANNOTATION, NEVER_STALE_ANNOTATION].contains(&name)
}

/// Why a label or an annotation is not valid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LabelError {
    /// The text does not have the form `KEY=VALUE`.
    #[error("`{0}` must have the form KEY=VALUE")]
    Form(String),
    /// The key is not valid.
    #[error(
        "`{0}` is not a valid key for a label or annotation: use [PREFIX/]NAME with letters, digits, `-`, `_` and `.`"
    )]
    Key(String),
    /// The value of a label is not valid.
    #[error(
        "`{0}` is not a valid value for a label: use at most 63 letters, digits, `-`, `_` and `.`"
    )]
    Value(String),
    /// All annotations together are larger than [`MAX_ANNOTATIONS`].
    #[error("the annotations have more than {MAX_ANNOTATIONS} bytes in total")]
    TooLarge,
    /// The sealed format or client-side apply uses this key.
    #[error("`{0}` is reserved: it cannot be set")]
    Reserved(String),
}

/// Parses a label from `KEY=VALUE` and checks it.
///
/// # Errors
/// Returns a [`LabelError`] if the form, the key or the value is not valid. It also does so if
/// the key is reserved.
pub fn parse_label(text: &str) -> Result<(String, String), LabelError> {
    let (key, value) = split(text)?;
    if is_reserved(key) {
        return Err(LabelError::Reserved(key.to_owned()));
    }
    if !value.is_empty() && !is_name(value) {
        return Err(LabelError::Value(value.to_owned()));
    }
    Ok((key.to_owned(), value.to_owned()))
}

/// Parses an annotation from `KEY=VALUE` and checks it. The value can be any text.
///
/// # Errors
/// Returns a [`LabelError`] if the form or the key is not valid, or if the key is reserved. It
/// also does so if the value is larger than [`MAX_ANNOTATIONS`].
pub fn parse_annotation(text: &str) -> Result<(String, String), LabelError> {
    let (key, value) = split(text)?;
    if is_reserved(key) && !is_note(key) {
        return Err(LabelError::Reserved(key.to_owned()));
    }
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
    Ok((key, value))
}

fn is_reserved(key: &str) -> bool {
    key.starts_with("envcrypt.dev/") || key == LAST_APPLIED
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
