//! KEK URIs: `awskms:///ARN`, `age:RECIPIENT` and their kin.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The kinds of KEK that the sealed format knows by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// An age recipient; opened offline, so asked first.
    Age,
    /// AWS KMS.
    Aws,
    /// Google Cloud KMS.
    Gcp,
    /// Azure Key Vault.
    Azure,
    /// HashiCorp Vault or OpenBao transit.
    Vault,
    /// A Kubernetes KMS v2 plugin.
    K8s,
}

const SCHEMES: [(Scheme, &str, &str); 6] = [
    (Scheme::Age, "age", ":"),
    (Scheme::Aws, "awskms", ":///"),
    (Scheme::Gcp, "gcpkms", "://"),
    (Scheme::Azure, "azurekms", "://"),
    (Scheme::Vault, "hashivault", "://"),
    (Scheme::K8s, "k8skms", ":///"),
];

impl Scheme {
    /// The `alg` of a recipient in the sealed format.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        SCHEMES[self as usize].1
    }

    /// Whether this build can use it.
    #[must_use]
    pub fn is_built_in(self) -> bool {
        (self == Self::Age && cfg!(feature = "age")) || (self == Self::Aws && cfg!(feature = "aws"))
    }
}

/// Why a text is no KEK URI.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UriError {
    /// No scheme that the format knows.
    #[error(
        "`{0}` names no KEK: start with `local`, `age:`, `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8skms:///`"
    )]
    Scheme(String),
    /// An age identity, which is secret: not quoted.
    #[error("an age identity is a secret key and names no KEK: name its recipient, `age:age1…`")]
    Identity,
    /// A known scheme with something else behind it than it takes.
    #[error("`{uri}` names no KEK: {wrong}")]
    Form {
        /// The text.
        uri: String,
        /// What is wrong with it.
        wrong: &'static str,
    },
}

/// The name of a KEK. Printable ASCII, so that it can be shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekUri {
    scheme: Scheme,
    text: String,
}

impl KekUri {
    /// What kind of KEK it is.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The whole URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands behind the scheme: an ARN, a recipient.
    #[must_use]
    pub fn rest(&self) -> &str {
        let (_, name, separator) = SCHEMES[self.scheme as usize];
        &self.text[name.len() + separator.len()..]
    }

    /// An age recipient as a URI; the comment of an SSH key is left out.
    ///
    /// # Errors
    /// [`UriError::Form`] when it has characters that no recipient has.
    pub fn age(recipient: &str) -> Result<Self, UriError> {
        format!("age:{recipient}").parse()
    }

    /// A key's ARN as a URI.
    ///
    /// # Errors
    /// [`UriError::Form`] when it is no ARN, alias or key id.
    pub fn aws(key: &str) -> Result<Self, UriError> {
        format!("awskms:///{key}").parse()
    }
}

impl FromStr for KekUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        if text.to_ascii_uppercase().contains("AGE-SECRET-KEY") {
            return Err(UriError::Identity);
        }
        let parts = |(scheme, name, separator): (Scheme, &str, &str)| {
            let rest = text.strip_prefix(name)?.strip_prefix(separator)?;
            Some((scheme, rest))
        };
        let form = |wrong| UriError::Form { uri: text.escape_default().to_string(), wrong };
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(form("it has characters that no KEK has"));
        }
        let (scheme, rest) =
            SCHEMES.into_iter().find_map(parts).ok_or_else(|| UriError::Scheme(text.to_owned()))?;
        let mut text = text.to_owned();
        match scheme {
            Scheme::Age => {
                text = format!(
                    "age:{}",
                    age_recipient(rest).ok_or_else(|| form("it holds no age recipient"))?
                )
            }
            _ if rest.is_empty() => return Err(form("it names no key")),
            _ if rest.contains(' ') => return Err(form("it has a blank")),
            Scheme::Aws if !is_aws_key(rest) => {
                return Err(form(
                    "an ARN of a key or alias, `alias/NAME` or a key id must follow `awskms:///`",
                ));
            }
            _ => {}
        }
        Ok(Self { scheme, text })
    }
}

impl fmt::Display for KekUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A native recipient is one word; an SSH one is two, and a comment may follow.
fn age_recipient(text: &str) -> Option<String> {
    let mut words = text.split(' ').filter(|word| !word.is_empty());
    let first = words.next()?;
    if first.starts_with("ssh-") {
        return Some(format!("{first} {}", words.next()?));
    }
    (first.starts_with("age1") && words.next().is_none()).then(|| first.to_owned())
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`, the same of an alias, or either alone.
fn is_aws_key(text: &str) -> bool {
    let key = match text.split(':').collect::<Vec<_>>()[..] {
        ["arn", _, "kms", region, account, key] if !region.is_empty() && !account.is_empty() => {
            if !key.starts_with("key/") && !key.starts_with("alias/") {
                return false;
            }
            key
        }
        [key] => key,
        _ => return false,
    };
    let name = key.strip_prefix("key/").or_else(|| key.strip_prefix("alias/")).unwrap_or(key);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    !name.is_empty() && name.bytes().all(plain) && (key != name || !key.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_stands_at_its_own_place() {
        for (index, (scheme, name, _)) in SCHEMES.into_iter().enumerate() {
            assert_eq!(scheme as usize, index);
            assert_eq!(scheme.as_str(), name);
        }
    }

    #[test]
    fn aws_names() {
        let arn =
            "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let uri: KekUri = arn.parse().expect("an ARN");
        assert_eq!((uri.scheme(), uri.as_str()), (Scheme::Aws, arn));
        assert!(uri.rest().starts_with("arn:aws:kms"));
        for good in ["alias/prod", "mrk-1234", "arn:aws-cn:kms:cn-north-1:1:alias/a/b"] {
            assert!(KekUri::aws(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "alias/",
            "a/b",
            "arn:aws:s3:::x",
            "arn:aws:kms::1:key/x",
            "arn:aws:kms:r:1:x",
            "a b",
        ] {
            assert!(KekUri::aws(bad).is_err(), "{bad}");
        }
        assert!("awskms://localhost/alias/x".parse::<KekUri>().is_err());
    }

    #[test]
    fn age_recipients_lose_their_comment_and_keep_their_key() {
        let uri = KekUri::age("ssh-ed25519 AAAAC3Nz  me@host").expect("an SSH key");
        assert_eq!(uri.as_str(), "age:ssh-ed25519 AAAAC3Nz");
        assert!(KekUri::age("age1abc").is_ok());
        for bad in ["", "AGE-SECRET-KEY-1X", "age1a b", "ssh-rsa", "age1\u{1b}[2J"] {
            assert!(KekUri::age(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_unknown_scheme_is_told_the_known_ones() {
        let error = "file:///x".parse::<KekUri>().expect_err("unknown");
        assert!(error.to_string().contains("`awskms:///`"), "{error}");
    }
}
