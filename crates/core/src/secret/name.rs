//! Names as the API server accepts them, checked once, when they are parsed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest key and the longest name, in bytes.
const MAX_SUBDOMAIN: usize = 253;
/// The longest namespace, in bytes (RFC 1123 label).
const MAX_LABEL: usize = 63;

/// Why a name was refused.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NameError {
    /// Not a DNS subdomain (RFC 1123).
    #[error(
        "`{0}` cannot name a Secret: use lower-case letters, digits, `-` and `.`, starting and ending with a letter or digit, 253 characters at most"
    )]
    Secret(String),
    /// Not a DNS label (RFC 1123).
    #[error(
        "`{0}` cannot name a namespace: use lower-case letters, digits and `-`, starting and ending with a letter or digit, 63 characters at most"
    )]
    Namespace(String),
    /// Not a Secret's key.
    #[error(
        "`{0}` cannot be a key: use letters, digits, `-`, `_` and `.`, 253 characters at most, not `.` and not starting with `..`"
    )]
    Key(String),
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $check:expr, $error:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
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
    /// The name of a Secret: a DNS subdomain (RFC 1123), 253 bytes at most.
    SecretName,
    is_subdomain,
    NameError::Secret
);
name_type!(
    /// The name of a namespace: a DNS label (RFC 1123), 63 bytes at most.
    Namespace,
    is_label,
    NameError::Namespace
);
name_type!(
    /// A key of a Secret: `[-._a-zA-Z0-9]+`, 253 bytes at most.
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
    // Kubernetes bounds the whole, not each label.
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
