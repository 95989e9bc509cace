//! The URIs of KEKs, for example `awskms:///ARN` and `age:RECIPIENT`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::provider::{PROVIDERS, Provider};

/// The maximum size of a URI, in bytes. A post-quantum age recipient has about 2,000.
const MAX_LENGTH: usize = 4096;

/// Why a text is not a valid URI of a KEK.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum UriError {
    /// The scheme is unknown. The text is the URI, escaped.
    #[error(
        "`{0}` is not a valid KEK: start with `local`, `age:`, `awskms:///`, `gcpkms://`, `azurekms://`, `hashivault://` or `k8skms:///`"
    )]
    Scheme(String),
    /// The text contains an age identity. The error does not quote it, because it is secret.
    #[error("an age identity is a secret key and not a valid KEK: use its recipient, `age:age1…`")]
    Identity,
    /// The text is longer than 4096 bytes.
    #[error("the name of a KEK must have at most {MAX_LENGTH} bytes")]
    TooLong,
    /// The text has a character that is not allowed, or the part after the prefix is not valid.
    #[error("`{uri}` is not a valid KEK: {wrong}")]
    Form {
        /// The text, escaped.
        uri: String,
        /// Why it is not valid.
        wrong: &'static str,
    },
}

/// The URI of a KEK. `FromStr` parses it, and `Display` writes it.
///
/// It contains only printable ASCII, so it is safe to show.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekUri {
    /// The index of its kind in [`PROVIDERS`].
    kind: u8,
    text: String,
}

/// The identity of a KEK: its URI without a version.
///
/// All versions of one key have the same id. A machine trusts an id, so it trusts every version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(KekUri);

impl KekId {
    /// Returns the URI without a version.
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

    /// Returns the scheme, for example `awskms`. It is the `alg` of a recipient in the sealed
    /// format.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        let prefix = self.provider().prefix();
        prefix.split(':').next().unwrap_or(prefix)
    }

    /// Returns whether this build supports this kind of KEK.
    #[must_use]
    pub fn is_built_in(&self) -> bool {
        self.provider().is_built_in()
    }

    /// Returns whether the KEK is an age recipient. Anyone can seal to it, and it opens offline.
    #[must_use]
    pub fn is_age(&self) -> bool {
        self.scheme() == super::age::SCHEME
    }

    /// Returns whether the KEK wraps with a public key. Whoever knows it can seal a whole new Secret,
    /// and needs no right for that.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.is_age() || self.scheme() == "azurekms"
    }

    /// Returns the whole URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the part after the prefix, for example an ARN or an age recipient.
    #[must_use]
    pub fn rest(&self) -> &str {
        &self.text[self.provider().prefix().len()..]
    }

    /// Returns the id of the key, which has no version.
    #[must_use]
    pub fn id(&self) -> KekId {
        let provider = self.provider();
        let text = format!("{}{}", provider.prefix(), provider.without_version(self.rest()));
        KekId(Self { kind: self.kind, text })
    }

    /// Returns whether the KEK is a public key that a quantum computer can break: an RSA key of
    /// Azure, or a recipient of age that is not post-quantum.
    ///
    /// The recipient of an age plugin counts as one, because nobody knows what the plugin does.
    ///
    /// A quantum computer could then open Secrets that were sealed today. The symmetric keys of a
    /// KMS do not have this problem.
    #[must_use]
    pub fn is_classical_public_key(&self) -> bool {
        self.provider().is_classical_public_key(self.rest())
    }

    /// Returns whether the KEK is a post-quantum age recipient.
    #[must_use]
    pub fn is_post_quantum(&self) -> bool {
        self.provider().is_post_quantum(self.rest())
    }

    /// Returns the name of the age plugin that seals to this KEK, for example `yubikey`. It is
    /// `None` if no plugin is needed to seal.
    #[must_use]
    pub fn plugin(&self) -> Option<&str> {
        Some(self.rest()).filter(|_| self.is_age()).and_then(super::age::plugin_of)
    }

    /// Returns whether only an age plugin can open for this KEK: a recipient of a plugin, or a
    /// tagged recipient.
    #[must_use]
    pub fn opens_with_plugin(&self) -> bool {
        let is_tagged = |name| matches!(name, Some("tag" | "tagpq"));
        self.plugin().is_some() || self.is_age() && is_tagged(super::age::name_of(self.rest()))
    }

    /// Returns whether only the KMS knows which key the URI names.
    ///
    /// This applies to an AWS alias, and to an AWS key id without account and region.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        self.provider().is_alias(self.rest())
    }

    /// Returns whether the URI names an AWS key without account and region. Then the key depends on
    /// the login.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.provider().is_bare(self.rest())
    }

    /// Returns whether this URI may name `key`, as far as this is known offline.
    ///
    /// The ARN of an AWS alias may name every key of its account and region. An alias without
    /// account and region never matches, because its key depends on the login. `key` must be a full
    /// name, not an alias.
    #[must_use]
    pub fn may_name(&self, key: &Self) -> bool {
        self.id() == key.id()
            || self.kind == key.kind && self.provider().may_name(self.rest(), key.rest())
    }

    /// Makes the URI of an age recipient. The comment of an SSH key is left out.
    ///
    /// # Errors
    /// Returns [`UriError::Form`] if the text is not an age recipient or an SSH public key. Returns
    /// [`UriError::Identity`] for an age identity, and [`UriError::TooLong`] for a long text.
    pub fn age(recipient: &str) -> Result<Self, UriError> {
        format!("age:{recipient}").parse()
    }

    /// Makes the URI of an AWS key from an ARN, `alias/NAME` or a key id.
    ///
    /// # Errors
    /// Returns [`UriError::Form`] if the text is not one of these, and [`UriError::TooLong`] for a
    /// long text.
    pub fn aws(key: &str) -> Result<Self, UriError> {
        format!("awskms:///{key}").parse()
    }
}

impl FromStr for KekUri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Self, UriError> {
        let upper = text.to_ascii_uppercase();
        if ["AGE-SECRET-KEY", "AGE-PLUGIN-"].iter().any(|start| upper.contains(start)) {
            return Err(UriError::Identity);
        }
        if text.len() > MAX_LENGTH {
            return Err(UriError::TooLong);
        }
        let form = |wrong| UriError::Form { uri: text.escape_default().to_string(), wrong };
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(form("it must contain only printable ASCII characters"));
        }
        let mut kinds = PROVIDERS.iter().zip(0..);
        let (provider, kind, name) = kinds
            .find_map(|(kek, kind)| Some((kek, kind, text.strip_prefix(kek.prefix())?)))
            .ok_or_else(|| UriError::Scheme(text.escape_default().to_string()))?;
        if name.is_empty() {
            return Err(form("it does not name a key"));
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

/// Returns whether the text has only ASCII letters, digits, `-` and `_`, and is not empty.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Returns whether the text is one segment of a path that does not lead to another directory.
///
/// Hints show these names in commands, so a shell must need no quotes for them.
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
        for secret in ["AGE-PLUGIN-YUBIKEY-1QQQ", "x age-plugin-se-1qqq", "AGE-SECRET-KEY-PQ-1X"] {
            assert_eq!(KekUri::age(secret), Err(UriError::Identity));
        }
    }

    #[test]
    fn the_name_of_a_plugin_is_before_the_last_one() {
        for (recipient, plugin, is_post_quantum) in [
            ("age1yubikey1qfm", Some("yubikey"), false),
            ("age1fido2-hmac1q", Some("fido2-hmac"), false),
            ("age11p1q", Some("1p"), false),
            ("age1a+b.c_d1q", Some("a+b.c_d"), false),
            ("age1qqqqqq", None, false),
            ("age1pq1q", None, true),
            ("age1tag1q", None, false),
            ("age1tagpq1q", None, true),
            ("age1pqx1q", Some("pqx"), false),
            ("ssh-ed25519 AAAA1BBB1", None, false),
        ] {
            let uri = KekUri::age(recipient).expect(recipient);
            assert_eq!(uri.plugin(), plugin, "{recipient}");
            let is_tagged = recipient.starts_with("age1tag");
            assert_eq!(uri.opens_with_plugin(), plugin.is_some() || is_tagged, "{recipient}");
            assert_eq!(uri.is_post_quantum(), is_post_quantum, "{recipient}");
            assert_eq!(uri.is_classical_public_key(), !is_post_quantum, "{recipient}");
        }
        for bad in ["age1../../x1q", "age1a/b1q", "age1a;b1q", "age1a$b1q"] {
            assert!(KekUri::age(bad).is_err(), "{bad}");
        }
        assert_eq!(KekUri::aws("alias/age1x1q").expect("an alias").plugin(), None);
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
