//! KEK URIs: `awskms:///ARN`, `age:RECIPIENT`, and those of the other kinds.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::provider::{PROVIDERS, Provider};

/// The longest name of a KEK, in bytes. A post-quantum age recipient has about 2,000.
const MAX_LENGTH: usize = 4096;

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
    /// Longer than any name of a key.
    #[error("a name of over {MAX_LENGTH} bytes names no KEK")]
    TooLong,
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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekUri {
    /// The place of its kind in [`PROVIDERS`].
    kind: u8,
    text: String,
}

/// A KEK, whichever version of it: what is trusted, and what two URIs of the same key
/// have in common.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(KekUri);

impl KekId {
    /// The key as a URI without a version.
    #[must_use]
    pub fn uri(&self) -> &KekUri {
        &self.0
    }
}

impl From<KekId> for KekUri {
    fn from(id: KekId) -> Self {
        id.0
    }
}

impl KekUri {
    pub(super) fn kind(&self) -> usize {
        self.kind.into()
    }

    fn provider(&self) -> &'static dyn Provider {
        PROVIDERS[self.kind()]
    }

    /// The kind of KEK: the `alg` of a recipient in the sealed format.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        let prefix = self.provider().prefix();
        prefix.split(':').next().unwrap_or(prefix)
    }

    /// Whether this build can use it.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.provider().is_built_in()
    }

    /// Whether it is an age recipient: anyone can seal to it, and it opens offline.
    #[must_use]
    pub fn is_age(&self) -> bool {
        self.scheme() == super::age::SCHEME
    }

    /// The whole URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What follows the prefix: an ARN, a recipient.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.text[self.provider().prefix().len()..]
    }

    /// The key itself, whichever version of it is meant.
    #[must_use]
    pub fn id(&self) -> KekId {
        let provider = self.provider();
        let text = format!("{}{}", provider.prefix(), provider.without_version(self.rest()));
        KekId(Self { kind: self.kind, text })
    }

    /// Whether it is public-key cryptography that a quantum computer breaks: what was
    /// sealed to it and kept can be opened then. A KMS with symmetric keys is not.
    #[must_use]
    pub fn is_classical_public_key(&self) -> bool {
        self.provider().is_classical_public_key(self.rest())
    }

    /// Whether it is a post-quantum age recipient.
    #[must_use]
    pub fn is_post_quantum(&self) -> bool {
        self.is_age() && !self.is_classical_public_key()
    }

    /// Whether only the KMS knows which key it names: an alias, or a key id without
    /// account and region.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        self.provider().is_alias(self.rest())
    }

    /// Whether it names a key without account and region: which one it is depends on who
    /// asks.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.provider().is_bare(self.rest())
    }

    /// Whether `key`, named in full, may be the one that this names, as far as can be
    /// known offline: an alias's ARN stands for keys of its own account and region, a
    /// bare alias for none.
    #[must_use]
    pub fn may_name(&self, key: &Self) -> bool {
        self.id() == key.id()
            || self.kind == key.kind && self.provider().may_name(self.rest(), key.rest())
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
        if text.len() > MAX_LENGTH {
            return Err(UriError::TooLong);
        }
        let form = |wrong| UriError::Form { uri: text.escape_default().to_string(), wrong };
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(form("it has characters that no KEK has"));
        }
        let mut kinds = PROVIDERS.iter().zip(0..);
        let (provider, kind, name) = kinds
            .find_map(|(kek, kind)| Some((kek, kind, text.strip_prefix(kek.prefix())?)))
            .ok_or_else(|| UriError::Scheme(text.escape_default().to_string()))?;
        if name.is_empty() {
            return Err(form("it names no key"));
        }
        let name = provider.parse(name).map_err(form)?;
        Ok(Self { kind, text: format!("{}{name}", provider.prefix()) })
    }
}

impl fmt::Display for KekUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for KekUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A part of a path that leads nowhere else, and that a shell takes as it is:
/// hints show these names in commands.
pub(super) fn is_path_segment(text: &str) -> bool {
    is_plain(&text.replace(['.', ':', '@', '+'], "-")) && !matches!(text, "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alias_may_name_any_key_of_its_account_and_region() {
        let key = "arn:aws:kms:eu-west-1:1:key/abc";
        let uri = |text: &str| KekUri::aws(text).expect(text);
        for (name, may) in [
            (key, true),
            ("abc", false),
            ("alias/prod", false),
            ("arn:aws:kms:eu-west-1:1:alias/prod", true),
            ("arn:aws:kms:eu-west-1:2:alias/prod", false),
            ("arn:aws-cn:kms:eu-west-1:1:alias/prod", false),
            ("arn:aws:kms:eu-west-2:1:alias/prod", false),
            ("arn:aws:kms:eu-west-2:1:key/abc", false),
            ("arn:aws:kms:eu-west-1:1:key/abd", false),
        ] {
            assert_eq!(uri(name).may_name(&uri(key)), may, "{name}");
        }
        let other = |text: &str| text.parse::<KekUri>().expect(text);
        let version = other("azurekms://v.vault.azure.net/k/0123456789abcdef0123456789abcdef");
        assert!(other("azurekms://v.vault.azure.net/k").may_name(&version));
        assert!(!other("hashivault://k").may_name(&version));
    }

    #[test]
    fn aws_names() {
        let arn =
            "awskms:///arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        let uri: KekUri = arn.parse().expect("an ARN");
        assert_eq!((uri.scheme(), uri.as_str()), ("awskms", arn));
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
            "arn:aws:kms:eu';touch${IFS}x;':1:key/x",
            "arn:aws:kms:eu:1;x:key/x",
            "arn:aws$x:kms:eu:1:key/x",
            "arn::kms:eu:1:key/x",
            "arn:aws:kms:EU:1:key/x",
            "arn:aws:kms:eu.example.com/:1:key/x",
            "arn:aws:kms:eu@host:1:key/x",
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

    #[test]
    fn the_other_clouds_names() {
        for good in [
            "gcpkms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
            "gcpkms://projects/example.com:p/locations/europe-west1/keyRings/r/cryptoKeys/k_1",
            "azurekms://team.vault.azure.net/key",
            "azurekms://team.vault.azure.net/key/0123456789abcdef0123456789abcdef",
            "azurekms://hsm.managedhsm.azure.net/key",
            "hashivault://team/transit/key-1.2",
            "k8skms:///run/kms/plugin.sock",
        ] {
            assert_eq!(good.parse::<KekUri>().map(|uri| uri.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/",
            "gcpkms://projects/../locations/l/keyRings/r/cryptoKeys/k?x",
            "azurekms://team.vault.azure.net",
            "azurekms://team.vault.azure.net/",
            "azurekms://team.vault.azure.net/key/1/2",
            "azurekms://team.vault.azure.net.example/key",
            "azurekms://evil/team.vault.azure.net/key",
            "azurekms://user@team.vault.azure.net/key",
            "azurekms://Team.vault.azure.net/key",
            "azurekms://localhost/key",
            "hashivault://",
            "hashivault:///key",
            "hashivault://transit/../sys/key",
            "hashivault://transit/key?x",
            "k8skms://plugin.sock",
            "k8skms:///run/../plugin.sock",
            "k8skms:///run//plugin.sock",
            "k8skms:///run/a';curl${IFS}x|sh;'",
            "gcpkms://projects/../locations/l/keyRings/r/cryptoKeys/k",
            "age:ssh-ed25519 AAAA';x",
        ] {
            assert!(bad.parse::<KekUri>().is_err(), "{bad}");
        }
    }

    #[test]
    fn one_key_has_one_name() {
        let uri: KekUri = "hashivault://key".parse().expect("a key");
        assert_eq!(uri.as_str(), "hashivault://transit/key");
        let version: KekUri = "azurekms://team.vault.azure.net/key/1".parse().expect("a version");
        assert_eq!(version.id().to_string(), "azurekms://team.vault.azure.net/key");
        assert_eq!(version.id().uri().id(), version.id());
        let arn = KekUri::aws("alias/a/b").expect("an alias");
        assert_eq!(arn.id().uri(), &arn);
    }
}
