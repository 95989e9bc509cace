//! Names, checked as the API server checks them.
//!
//! A name is checked when it is parsed. A value of one of these types is always valid.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The maximum length of a key and of the name of a Secret, in bytes.
const MAX_SUBDOMAIN: usize = 253;
/// The maximum length of a namespace, in bytes (an RFC 1123 label).
const MAX_LABEL: usize = 63;

/// Why a name is not valid.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// The name of a Secret must be a DNS subdomain (RFC 1123).
    #[error(
        "`{0}` is not a valid name for a Secret: use at most 253 lower-case letters, digits, `-` and `.`, and start and end with a letter or digit"
    )]
    Secret(String),
    /// A namespace must be a DNS label (RFC 1123).
    #[error(
        "`{0}` is not a valid namespace: use at most 63 lower-case letters, digits and `-`, and start and end with a letter or digit"
    )]
    Namespace(String),
    /// The key of a Secret contains other characters, is too long, is `.`, or starts with `..`.
    #[error(
        "`{0}` is not a valid key: use at most 253 letters, digits, `-`, `_` and `.`; the key must not be `.` or start with `..`"
    )]
    Key(String),
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if $check(text) { Ok(Self(text.to_owned())) } else { Err($error(text.to_owned())) }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a Secret: a DNS subdomain (RFC 1123) of at most 253 bytes.
    SecretName,
    is_subdomain,
    NameError::Secret
);
name_type!(
    /// The name of a namespace: a DNS label (RFC 1123) of at most 63 bytes.
    Namespace,
    is_label,
    NameError::Namespace
);
name_type!(
    /// A key of a Secret: `[-._a-zA-Z0-9]+`, at most 253 bytes, not `.`, and not starting with
    /// `..`.
    Key,
    is_key,
    NameError::Key
);

fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = text.as_bytes();
    bytes.len() <= MAX_LABEL
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| inner(*b))
}

pub(super) fn is_subdomain(text: &str) -> bool {
    // Kubernetes limits the length of the whole name, but not of each label.
    let label = |part: &str| {
        let bytes = part.as_bytes();
        let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
    };
    text.len() <= MAX_SUBDOMAIN && text.split('.').all(label)
}

fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= MAX_SUBDOMAIN
        && text != "."
        && !text.starts_with("..")
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api_server() {
        for good in ["db", "a.b-c.d", "0", &"a".repeat(253)] {
            assert!(good.parse::<SecretName>().is_ok(), "{good}");
        }
        for bad in ["", "Db", "-a", "a-", "a..b", ".a", "a_b", "a b", &"a".repeat(254)] {
            assert!(bad.parse::<SecretName>().is_err(), "{bad}");
        }
        assert!("a.b".parse::<Namespace>().is_err());
        assert!("a".repeat(64).parse::<Namespace>().is_err());
        assert!("prod".parse::<Namespace>().is_ok());
    }

    #[test]
    fn keys_are_those_of_the_api_server() {
        for good in ["a", "A.b_c-d", ".dockerconfigjson", "1", "...".trim_start_matches("..")] {
            assert_eq!(good.parse::<Key>().is_ok(), good != ".", "{good}");
        }
        for bad in ["", ".", "..", "..a", "a/b", "a b", "é", &"k".repeat(254)] {
            assert!(bad.parse::<Key>().is_err(), "{bad}");
        }
    }
}
