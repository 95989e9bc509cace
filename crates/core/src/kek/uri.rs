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

/// Where Vault's transit engine is mounted, unless a URI names another place.
const DEFAULT_MOUNT: &str = "transit";

/// The longest name of a KEK, in bytes. A post-quantum age recipient has about 2,000.
const MAX_LENGTH: usize = 4096;

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
        match self {
            Self::Age => cfg!(feature = "age"),
            Self::Aws => cfg!(feature = "aws"),
            Self::Gcp => cfg!(feature = "gcp"),
            Self::Azure => cfg!(feature = "azure"),
            Self::Vault => cfg!(feature = "vault"),
            Self::K8s => cfg!(feature = "k8skms"),
        }
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

    /// The key itself, whichever version of it is meant: what is trusted, and
    /// what tells whether two URIs name the same key.
    #[must_use]
    pub fn key(&self) -> Self {
        let end = match self.scheme {
            Scheme::Azure => self.text.match_indices('/').nth(3).map(|(index, _)| index),
            _ => None,
        };
        let text = self.text[..end.unwrap_or(self.text.len())].to_owned();
        Self { scheme: self.scheme, text }
    }

    /// Whether it is public-key cryptography that a quantum computer breaks: what was
    /// sealed to it and kept can be opened then. A KMS with symmetric keys is not.
    #[must_use]
    pub fn is_classical_public_key(&self) -> bool {
        self.scheme == Scheme::Azure || (self.scheme == Scheme::Age && !self.is_post_quantum())
    }

    /// Whether it is a post-quantum age recipient.
    #[must_use]
    pub fn is_post_quantum(&self) -> bool {
        self.scheme == Scheme::Age && self.rest().starts_with("age1pq1")
    }

    /// Whether only the KMS knows which key it names: an alias, or a key id without
    /// account and region.
    #[must_use]
    pub fn is_alias(&self) -> bool {
        self.is_bare() || (self.scheme == Scheme::Aws && !self.text.contains(":key/"))
    }

    /// Whether it names a key without account and region: which one it is depends on who
    /// asks.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.scheme == Scheme::Aws && !self.rest().starts_with("arn:")
    }

    /// Whether `key`, named in full, may be the one that this names, as far as can be
    /// told offline: an alias's ARN stands for keys of its own account and region, a
    /// bare alias for none.
    #[must_use]
    pub fn may_name(&self, key: &Self) -> bool {
        if self.key() == key.key() {
            return true;
        }
        let split = |uri: &'_ Self| {
            let (place, name) = uri.rest().rsplit_once(':')?;
            Some((place.to_owned(), name.to_owned()))
        };
        let (Some((place, name)), Some((key_place, key_name))) = (split(self), split(key)) else {
            return false;
        };
        self.scheme == Scheme::Aws
            && key.scheme == Scheme::Aws
            && place == key_place
            && name.starts_with("alias/")
            && key_name.starts_with("key/")
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
        if text.len() > MAX_LENGTH {
            return Err(UriError::TooLong);
        }
        let form = |wrong| UriError::Form { uri: text.escape_default().to_string(), wrong };
        if !text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
            return Err(form("it has characters that no KEK has"));
        }
        let (scheme, rest) = SCHEMES
            .into_iter()
            .find_map(parts)
            .ok_or_else(|| UriError::Scheme(text.escape_default().to_string()))?;
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
            Scheme::Gcp if !is_gcp_key(rest) => {
                return Err(form(
                    "`projects/P/locations/L/keyRings/R/cryptoKeys/K` must follow `gcpkms://`, without a version",
                ));
            }
            Scheme::Azure if !is_azure_key(rest) => {
                return Err(form(
                    "a vault's host name in one of Azure's domains, as `NAME.vault.azure.net`, then `/KEY` or `/KEY/VERSION` must follow `azurekms://`",
                ));
            }
            Scheme::Vault if !rest.split('/').all(is_vault_segment) => {
                return Err(form("`KEY` or `MOUNT/KEY` must follow `hashivault://`"));
            }
            // One name for one key: else it would have to be trusted under both.
            Scheme::Vault if !rest.contains('/') => {
                text = format!("hashivault://{DEFAULT_MOUNT}/{rest}");
            }
            Scheme::K8s if !rest.split('/').all(is_path_segment) => {
                return Err(form("the absolute path of a socket must follow `k8skms://`"));
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
    let first = words.next().filter(|word| is_plain(word))?;
    if first.starts_with("ssh-") {
        let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
        let key = words.next().filter(|word| word.bytes().all(is_base64))?;
        return Some(format!("{first} {key}"));
    }
    (first.starts_with("age1") && words.next().is_none()).then(|| first.to_owned())
}

/// `arn:PARTITION:kms:REGION:ACCOUNT:key/ID`, the same of an alias, or either alone.
fn is_aws_key(text: &str) -> bool {
    let key = match text.split(':').collect::<Vec<_>>()[..] {
        ["arn", partition, "kms", region, account, key] => {
            let is_lower = |text: &str| {
                !text.is_empty()
                    && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            };
            let is_account = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
            let is_known = key.starts_with("key/") || key.starts_with("alias/");
            let is_partition =
                partition == "aws" || partition.strip_prefix("aws-").is_some_and(is_lower);
            if !is_partition || !is_lower(region) || !is_account || !is_known {
                return false;
            }
            key
        }
        [key] => key,
        _ => return false,
    };
    let name = key.strip_prefix("key/").or_else(|| key.strip_prefix("alias/")).unwrap_or(key);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'/');
    // AWS's own bound on names is 256, and on an ARN 2,048.
    text.len() <= 2048
        && !name.is_empty()
        && name.bytes().all(plain)
        && (key != name || !key.contains('/'))
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// `projects/P/locations/L/keyRings/R/cryptoKeys/K`; a domain-scoped project
/// has a colon and dots in its name.
fn is_gcp_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key] =
        parts[..]
    else {
        return false;
    };
    is_path_segment(project) && [location, ring, key].iter().all(|part| is_plain(part))
}

/// Where Azure's key vaults and managed HSMs are: a token for them goes nowhere else.
const AZURE_DOMAINS: [&str; 6] = [
    ".vault.azure.net",
    ".vault.azure.cn",
    ".vault.usgovcloudapi.net",
    ".managedhsm.azure.net",
    ".managedhsm.azure.cn",
    ".managedhsm.usgovcloudapi.net",
];

/// `NAME.vault.azure.net/KEY` or `NAME.vault.azure.net/KEY/VERSION`.
fn is_azure_key(text: &str) -> bool {
    let mut parts = text.split('/');
    let host = parts.next().unwrap_or("");
    let vault = AZURE_DOMAINS.iter().find_map(|domain| host.strip_suffix(domain));
    let parts: Vec<&str> = parts.collect();
    vault.is_some_and(is_plain)
        && host == host.to_ascii_lowercase()
        && matches!(parts.len(), 1 | 2)
        && parts.into_iter().all(is_plain)
}

/// A part of a mount's path, or a key's name.
fn is_vault_segment(text: &str) -> bool {
    is_path_segment(text) && !text.contains([':', '@', '+'])
}

/// A part of a path that leads nowhere else, and that a shell takes as it is:
/// hints show these names in commands.
fn is_path_segment(text: &str) -> bool {
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
        assert_eq!(version.key().as_str(), "azurekms://team.vault.azure.net/key");
        assert_eq!(version.key().key(), version.key());
        let arn = KekUri::aws("alias/a/b").expect("an alias");
        assert_eq!(arn.key(), arn);
    }
}
