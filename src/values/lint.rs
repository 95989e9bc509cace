//! Likely mistakes in values, found before the values are sealed. They are warnings only,
//! because each of them can be intended.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use memchr::memmem;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use zeroize::Zeroizing;

use envcrypt_core::secret::{Key, SecretValue, TypeError, tls_pair};

/// How long before its expiry a certificate causes a warning: 30 days, in seconds.
const SOON: u64 = 30 * 24 * 60 * 60;

/// A likely mistake in a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lint {
    /// One line of text that ends with a line break, as `echo` makes it.
    TrailingNewline,
    /// Text that starts or ends with a blank.
    Blank,
    /// Text with Windows line breaks.
    Crlf,
    /// Text that is the base64 form of other text.
    Base64,
    /// A value that this program, or another one, has encrypted already.
    Sealed,
    /// Text that still has the quotes of a shell or an env file around it.
    Quotes,
    /// A private key that does not match its certificate.
    KeyPair,
    /// A certificate that has expired, or expires within 30 days.
    Expiry,
    /// A private key whose name is that of a public key.
    PrivateKey,
    /// Text that is not JSON, under a key that is named like JSON.
    Json,
    /// An empty value.
    Empty,
    /// A placeholder such as `changeme`.
    Placeholder,
}

impl Lint {
    pub const ALL: [Self; 12] = [
        Self::TrailingNewline,
        Self::Blank,
        Self::Crlf,
        Self::Base64,
        Self::Sealed,
        Self::Quotes,
        Self::KeyPair,
        Self::Expiry,
        Self::PrivateKey,
        Self::Json,
        Self::Empty,
        Self::Placeholder,
    ];

    /// The name, as `--allow` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TrailingNewline => "trailing-newline",
            Self::Blank => "blank",
            Self::Crlf => "crlf",
            Self::Base64 => "base64",
            Self::Sealed => "sealed",
            Self::Quotes => "quotes",
            Self::KeyPair => "key-pair",
            Self::Expiry => "expiry",
            Self::PrivateKey => "private-key",
            Self::Json => "json",
            Self::Empty => "empty",
            Self::Placeholder => "placeholder",
        }
    }

    /// The warning, to print after the name of the key.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TrailingNewline => {
                "ends with a line break, which is kept (`printf %s` writes none, `echo` does)"
            }
            Self::Blank => "starts or ends with a blank, which is kept",
            Self::Crlf => "has Windows line breaks (CRLF), which are kept",
            Self::Base64 => {
                "is base64 already: a program that reads it gets the base64, not the decoded value"
            }
            Self::Sealed => "is encrypted already: a program that opens it gets an encrypted value",
            Self::Quotes => "has quotes around it, which are kept",
            Self::KeyPair => "is a private key that does not match its certificate",
            Self::Expiry => "is a certificate that has expired or expires within 30 days",
            Self::PrivateKey => "is a private key, but is named like a public one",
            Self::Json => "is not valid JSON, but is named like JSON",
            Self::Empty => "is empty",
            Self::Placeholder => "looks like a placeholder for the real value",
        }
    }
}

/// Finds likely mistakes in values; `now` is in seconds since 1970.
#[must_use]
pub fn lints(values: &BTreeMap<Key, SecretValue>, now: u64) -> Vec<(&Key, Lint)> {
    let mut found = Vec::new();
    for (key, value) in values {
        let name = key.as_str();
        let bytes = value.expose();
        let text = std::str::from_utf8(bytes).ok();
        let holds = |lint| match lint {
            Lint::Empty => bytes.is_empty(),
            Lint::KeyPair => is_no_pair(values, name, value),
            Lint::Expiry => ends_soon(bytes, now),
            Lint::PrivateKey => names_public(name) && has_private_key(bytes),
            _ => text.is_some_and(|text| !text.is_empty() && of_text(lint, name, text)),
        };
        found.extend(Lint::ALL.into_iter().filter(|c| holds(*c)).map(|c| (key, c)));
    }
    found
}

fn of_text(lint: Lint, name: &str, text: &str) -> bool {
    let blank = [' ', '\t'];
    match lint {
        Lint::TrailingNewline => text.strip_suffix('\n').is_some_and(|line| !line.contains('\n')),
        Lint::Blank => text.starts_with(blank) || text.ends_with(blank),
        Lint::Crlf => text.trim_end().contains("\r\n"),
        Lint::Base64 => is_base64_of_text(text),
        Lint::Sealed => is_encrypted(text),
        Lint::Quotes => {
            let text = text.trim_end();
            ['"', '\''].iter().any(|q| text.len() > 1 && text.starts_with(*q) && text.ends_with(*q))
        }
        Lint::Json => is_json_name(name) && !is_json(text),
        Lint::Placeholder => is_placeholder(text.trim()),
        _ => false,
    }
}

/// Whether the private key `name` has a certificate next to it that does not match.
fn is_no_pair(values: &BTreeMap<Key, SecretValue>, name: &str, key: &SecretValue) -> bool {
    let Some(stem) = name.strip_suffix(".key") else { return false };
    let beside = [format!("{stem}.crt"), format!("{stem}.pem"), format!("{stem}.cert")];
    let mut certificates =
        values.iter().filter(|(other, _)| beside.iter().any(|name| name == other.as_str()));
    certificates.any(|(_, certificate)| tls_pair(certificate, key) == Err(TypeError::NoPair))
}

/// Whether one of its PEM certificates has expired or expires soon.
fn ends_soon(bytes: &[u8], now: u64) -> bool {
    has_pem(bytes) && certificate_end(bytes).is_some_and(|end| end < now.saturating_add(SOON))
}

/// When the first of the certificates in a value expires, in seconds since 1970.
#[must_use]
pub fn certificate_end(bytes: &[u8]) -> Option<u64> {
    let ends = |der: CertificateDer<'_>| {
        let certificate = Certificate::from_der(&der).ok()?;
        Some(certificate.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
    };
    CertificateDer::pem_slice_iter(bytes).filter_map(Result::ok).filter_map(ends).min()
}

fn has_pem(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"-----BEGIN ").is_some()
}

fn has_private_key(bytes: &[u8]) -> bool {
    has_pem(bytes) && memmem::find(bytes, b"PRIVATE KEY-----").is_some()
}

fn names_public(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".crt", ".cer", ".cert", ".pub"].iter().any(|end| name.ends_with(end))
        || name.contains("public")
}

/// Random letters and digits can be valid base64 too, so the decoded bytes must be text.
fn is_base64_of_text(text: &str) -> bool {
    let Ok(bytes) = BASE64_STANDARD.decode(text.trim_end()) else { return false };
    let bytes = Zeroizing::new(bytes);
    let printable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    bytes.len() >= 4 && std::str::from_utf8(&bytes).is_ok_and(|text| text.chars().all(printable))
}

/// Encrypted by this program (JSON, or its base64), SOPS, age, PGP or Vault.
fn is_encrypted(text: &str) -> bool {
    const MARKS: [&str; 6] = [
        "{\"protected\":\"",
        "eyJwcm90ZWN0ZWQiOi",
        "ENC[AES256_GCM,",
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "-----BEGIN PGP MESSAGE-----",
        "vault:v",
    ];
    MARKS.iter().any(|mark| text.starts_with(mark))
}

fn is_json_name(name: &str) -> bool {
    name.ends_with(".json") || name == ".dockerconfigjson" || name == ".dockercfg"
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn is_placeholder(text: &str) -> bool {
    const WORDS: [&str; 16] = [
        "changeit",
        "changeme",
        "dummy",
        "example",
        "fixme",
        "foobar",
        "insertpasswordhere",
        "mypassword",
        "mysecret",
        "password",
        "placeholder",
        "redacted",
        "replaceme",
        "secret",
        "tbd",
        "todo",
    ];
    let one_line = text.len() <= 64 && !text.contains('\n');
    let between = |open: &str, close: &str| text.starts_with(open) && text.ends_with(close);
    let word: String =
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    let word = Zeroizing::new(word);
    one_line
        && (WORDS.contains(&word.as_str())
            || (word.starts_with("your") && word.ends_with("here"))
            || (word.len() >= 3 && word.bytes().all(|b| b == b'x'))
            || between("<", ">")
            || between("${", "}")
            || between("{{", "}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-01
    const NOW: u64 = 1_767_225_600;

    fn found(values: &[(&str, &str)]) -> Vec<String> {
        let values = values
            .iter()
            .map(|(k, v)| (k.parse().expect("a key"), SecretValue::new(v.as_bytes().to_vec())))
            .collect();
        let found = lints(&values, NOW);
        found.into_iter().map(|(key, lint)| format!("{key} {}", lint.name())).collect()
    }

    #[test]
    fn what_is_likely_a_mistake_is_pointed_out() {
        for (value, expected) in [
            ("", &["empty"][..]),
            ("hunter2\n", &["trailing-newline"]),
            ("hunter2\r\n", &["trailing-newline"]),
            ("two\nlines\n", &[]),
            ("two\r\nlines\r\n", &["crlf"]),
            ("hunter2 ", &["blank"]),
            ("\thunter2", &["blank"]),
            ("aHVudGVyMg==", &["base64"]),
            ("LS0tLS1CRUdJTg==\n", &["trailing-newline", "base64"]),
            // Random text, and words that are valid base64 by chance.
            ("Zk3vQ9xT7mB2nL5wR8cY1dF4gH6jK0pS", &[]),
            ("longpass", &[]),
            ("{\"protected\":\"x\"}", &["sealed"]),
            ("eyJwcm90ZWN0ZWQiOiJ4In0=", &["base64", "sealed"]),
            ("'hunter2'", &["quotes"]),
            ("\"hunter2\"\n", &["trailing-newline", "quotes"]),
            ("'", &[]),
            ("CHANGE_ME", &["placeholder"]),
            ("<your password>", &["placeholder"]),
            ("${DB_PASSWORD}", &["placeholder"]),
            ("xxxx", &["placeholder"]),
            ("password1", &[]),
        ] {
            let expected: Vec<_> = expected.iter().map(|name| format!("k {name}")).collect();
            assert_eq!(found(&[("k", value)]), expected, "{value:?}");
        }
        assert!(
            lints(
                &[("k".parse().expect("a key"), SecretValue::new(b"\xff\n".to_vec()))].into(),
                NOW
            )
            .is_empty()
        );
    }

    #[test]
    fn names_tell_what_is_meant() {
        let pair = rcgen::generate_simple_self_signed(["a.example".to_owned()]).expect("a pair");
        let key = pair.signing_key.serialize_pem();
        for (values, expected) in [
            (
                &[("config.json", "{"), (".dockercfg", "{}"), ("json", "{")][..],
                &["config.json json"][..],
            ),
            (
                &[("id.pub", &key), ("public-key", &key), ("id", &key)],
                &["id.pub private-key", "public-key private-key"],
            ),
        ] {
            assert_eq!(found(values), expected);
        }
    }

    #[test]
    fn certificates_end_and_belong_to_their_keys() {
        let certificate = |year| {
            let mut params =
                rcgen::CertificateParams::new(["a.example".to_owned()]).expect("a name");
            params.not_after = rcgen::date_time_ymd(year, 1, 20);
            let key = rcgen::KeyPair::generate().expect("a key");
            (params.self_signed(&key).expect("signed").pem(), key.serialize_pem())
        };
        let ((good, key), (soon, other)) = (certificate(2036), certificate(2026));
        assert_eq!(found(&[("tls.crt", &good), ("tls.key", &key)]), [""; 0]);
        assert_eq!(found(&[("tls.crt", &good), ("tls.key", &other)]), ["tls.key key-pair"]);
        assert_eq!(found(&[("ca", &format!("{good}{soon}"))]), ["ca expiry"]);
    }
}
