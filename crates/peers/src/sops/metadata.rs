//! The `sops` metadata: the master keys, the data key under each of them, and the MAC.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use envcrypt_core::kek::KekUri;
use envcrypt_core::manifest::tree::Node;

use super::error::MetadataError;
use super::meta::Meta;
use super::path::Rule;

/// The most master keys of one file, and the most groups.
const MAX_KEYS: usize = 256;

/// What the metadata of a SOPS file says.
#[derive(Debug, Clone)]
pub struct Metadata {
    /// The master keys. With one group, any key of it opens the file. With several, each group has
    /// one share of the data key.
    pub groups: Vec<Group>,
    /// How many groups are needed.
    pub threshold: usize,
    /// The encrypted MAC.
    pub(super) mac: String,
    /// `lastmodified`, as it is authenticated with the MAC.
    pub(super) last_modified: String,
    pub(super) mac_only_encrypted: bool,
    pub(super) rule: Rule,
}

/// Master keys, any of which opens the same share of the data key, or the whole data key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The keys, in the order of the file.
    pub keys: Vec<MasterKey>,
}

/// A master key, and what it encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKey {
    /// The kind of the key.
    pub kind: KeyKind,
    /// The name that SOPS gives the key: a recipient, an ARN, a fingerprint.
    pub name: String,
    /// The encrypted data key, as it stands in the file.
    pub(super) enc: String,
    /// The encryption context of AWS KMS.
    pub context: BTreeMap<String, String>,
    /// The address of Vault that the file names.
    pub address: Option<String>,
    /// Whether the file names a role or a profile of AWS. Neither is ever used.
    pub names_login: bool,
}

/// The kinds of master keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// An age or SSH recipient.
    Age,
    /// A key of AWS KMS.
    Aws,
    /// A key of Google Cloud KMS.
    Gcp,
    /// A key of Azure Key Vault.
    Azure,
    /// A key of the transit engine of Vault.
    Vault,
    /// A PGP key.
    Pgp,
    /// A key of Huawei Cloud KMS.
    Huawei,
}

/// Why a master key is not a KEK here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoKek {
    /// PGP has no KEK here.
    Pgp,
    /// There is no KEK of this kind.
    Unsupported,
    /// The name of the key is not valid.
    Name,
}

/// The lists of master keys, by their names in the metadata.
const LISTS: [(&str, KeyKind); 7] = [
    ("kms", KeyKind::Aws),
    ("gcp_kms", KeyKind::Gcp),
    ("hckms", KeyKind::Huawei),
    ("azure_kv", KeyKind::Azure),
    ("hc_vault", KeyKind::Vault),
    ("age", KeyKind::Age),
    ("pgp", KeyKind::Pgp),
];

impl Metadata {
    /// Returns the time when SOPS last changed the file, in RFC 3339. The MAC authenticates it.
    #[must_use]
    pub fn last_modified(&self) -> &str {
        &self.last_modified
    }

    /// Reads the mapping `sops` of a document.
    ///
    /// # Errors
    /// Returns a [`MetadataError`] if a member is missing or has another form.
    pub fn of_node(node: &Node) -> Result<Self, MetadataError> {
        Self::of(&Meta::of_node(node).ok_or(MetadataError::Member("sops"))?)
    }

    pub(super) fn of(meta: &Meta) -> Result<Self, MetadataError> {
        let member = |name| move || MetadataError::Member(name);
        let text = |name| meta.text(name).ok_or_else(member(name));
        let groups = groups(meta)?;
        let threshold = match text("shamir_threshold")? {
            "" | "0" => groups.len(),
            number => number.parse().map_err(|_| MetadataError::Member("shamir_threshold"))?,
        };
        let all: usize = groups.iter().map(|group| group.keys.len()).sum();
        if all == 0 || all > MAX_KEYS {
            return Err(MetadataError::Member("key_groups"));
        }
        if threshold == 0 || threshold > groups.len() {
            return Err(MetadataError::Member("shamir_threshold"));
        }
        let mac = text("mac")?.to_owned();
        if mac.is_empty() {
            return Err(MetadataError::Member("mac"));
        }
        let last_modified = text("lastmodified")?;
        Ok(Self {
            groups,
            threshold,
            mac,
            last_modified: rfc3339(last_modified).ok_or_else(member("lastmodified"))?,
            mac_only_encrypted: flag(text("mac_only_encrypted")?)
                .ok_or_else(member("mac_only_encrypted"))?,
            rule: Rule::of(meta)?,
        })
    }

    /// Returns all master keys, group by group.
    pub fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        self.groups.iter().flat_map(|group| &group.keys)
    }

    /// Returns the KEKs of the master keys that have one.
    pub fn keks(&self) -> impl Iterator<Item = KekUri> {
        self.keys().filter_map(|key| key.kek().ok())
    }

    /// Returns whether each group has only a share of the data key.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.groups.len() > 1
    }

    /// Returns whether both belong to one file: SOPS writes the same metadata to every document.
    #[must_use]
    pub fn is_of_same_file(&self, other: &Self) -> bool {
        self.mac == other.mac
    }
}

impl MasterKey {
    /// Returns the KEK that this key is.
    ///
    /// # Errors
    /// Returns [`NoKek`] if there is no such KEK, or if the name of the key is not valid.
    pub fn kek(&self) -> Result<KekUri, NoKek> {
        let uri = match self.kind {
            KeyKind::Age => format!("age:{}", self.name),
            KeyKind::Aws => format!("awskms:///{}", self.name),
            KeyKind::Gcp => format!("gcpkms://{}", self.name),
            KeyKind::Azure => format!("azurekms://{}", self.name),
            KeyKind::Vault => format!("hashivault://{}", self.name),
            KeyKind::Pgp => return Err(NoKek::Pgp),
            KeyKind::Huawei => return Err(NoKek::Unsupported),
        };
        uri.parse().map_err(|_| NoKek::Name)
    }

    /// Returns the bytes that the key encrypted, as its KMS or program takes them. For PGP, this is
    /// an armored message. Returns `None` if they are not valid.
    #[must_use]
    pub fn wrapped(&self) -> Option<Vec<u8>> {
        let enc = self.enc.trim();
        match self.kind {
            KeyKind::Age => dearmored(enc),
            KeyKind::Aws | KeyKind::Gcp => BASE64_STANDARD.decode(enc).ok(),
            KeyKind::Azure => BASE64_URL_SAFE_NO_PAD.decode(enc).ok(),
            KeyKind::Vault | KeyKind::Pgp | KeyKind::Huawei => Some(enc.as_bytes().to_vec()),
        }
        .filter(|bytes| !bytes.is_empty())
    }

    fn of(kind: KeyKind, meta: &Meta) -> Result<Self, MetadataError> {
        let text = |name| meta.text(name).ok_or(MetadataError::Member(name));
        let (mut address, mut names_login) = (None, false);
        let name = match kind {
            KeyKind::Age => text("recipient")?.to_owned(),
            KeyKind::Aws => {
                names_login = !text("role")?.is_empty() || !text("aws_profile")?.is_empty();
                text("arn")?.to_owned()
            }
            KeyKind::Gcp => text("resource_id")?.to_owned(),
            KeyKind::Azure => {
                let url = text("vault_url")?;
                let host = url.strip_prefix("https://").unwrap_or(url).trim_end_matches('/');
                [host, text("name")?, text("version")?].join("/")
            }
            KeyKind::Vault => {
                address = Some(text("vault_address")?.trim_end_matches('/').to_owned());
                format!("{}/{}", text("engine_path")?.trim_matches('/'), text("key_name")?)
            }
            KeyKind::Pgp => text("fp")?.to_owned(),
            KeyKind::Huawei => text("key_id")?.to_owned(),
        };
        Ok(Self {
            kind,
            name,
            enc: text("enc")?.to_owned(),
            context: meta.pairs("context").ok_or(MetadataError::Member("context"))?,
            address,
            names_login,
        })
    }
}

/// The groups: those of `key_groups`, otherwise one of the lists at the top.
fn groups(meta: &Meta) -> Result<Vec<Group>, MetadataError> {
    let groups = meta.list("key_groups").ok_or(MetadataError::Member("key_groups"))?;
    match groups {
        [] => Ok(vec![group(meta)?]),
        groups if groups.len() > MAX_KEYS => Err(MetadataError::Member("key_groups")),
        groups => groups.iter().map(group).collect(),
    }
}

fn group(meta: &Meta) -> Result<Group, MetadataError> {
    let mut keys = Vec::new();
    for (name, kind) in LISTS {
        for key in meta.list(name).ok_or(MetadataError::Member(name))? {
            keys.push(MasterKey::of(kind, key)?);
        }
    }
    Ok(Group { keys })
}

/// A boolean, as Go's `ParseBool` reads it. It is false if it is left out.
fn flag(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// The bytes of an armored age file.
fn dearmored(text: &str) -> Option<Vec<u8>> {
    let rest = text.strip_prefix("-----BEGIN AGE ENCRYPTED FILE-----")?;
    let body = rest.trim_end().strip_suffix("-----END AGE ENCRYPTED FILE-----")?;
    let body: String = body.split_whitespace().collect();
    BASE64_STANDARD.decode(body).ok()
}

/// A time of RFC 3339, as Go writes it again: without fractions of a second, and `Z` for UTC.
fn rfc3339(text: &str) -> Option<String> {
    let (date, rest) = text.split_at_checked(19)?;
    let is_form = date.bytes().zip(*b"0000-00-00T00:00:00").all(|(found, form)| match form {
        b'0' => found.is_ascii_digit(),
        form => found == form,
    });
    let zone = match rest.strip_prefix('.') {
        None => rest,
        Some(rest) => rest.trim_start_matches(|c: char| c.is_ascii_digit()),
    };
    let is_offset = || {
        let bytes = zone.as_bytes();
        bytes.len() == 6
            && matches!(bytes[0], b'+' | b'-')
            && bytes[3] == b':'
            && [1, 2, 4, 5].iter().all(|at| bytes[*at].is_ascii_digit())
    };
    match zone {
        "Z" | "+00:00" | "-00:00" if is_form => Some(format!("{date}Z")),
        _ if is_form && is_offset() => Some(format!("{date}{zone}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use envcrypt_core::manifest::tree;

    fn read(text: &str) -> Result<Metadata, MetadataError> {
        Metadata::of_node(&tree::read(text).expect("YAML")[0])
    }

    const REST: &str = "lastmodified: '2026-11-27T20:53:12Z'\nmac: ENC[x]\n";

    #[test]
    fn each_kind_of_key_is_a_kek_with_its_bytes() {
        let text = format!(
            "kms: [{{arn: 'arn:aws:kms:eu-west-1:1:key/a', enc: AQI=, context: {{a: b}}, role: r}}]\n\
             gcp_kms: [{{resource_id: projects/p/locations/l/keyRings/r/cryptoKeys/k, enc: AQI=}}]\n\
             azure_kv: [{{vault_url: 'https://team.vault.azure.net', name: k, version: 0f, enc: AQI}}]\n\
             hc_vault: [{{vault_address: 'https://v:8200/', engine_path: transit, key_name: k, enc: 'vault:v1:x'}}]\n\
             age: [{{recipient: age1abc, enc: \"-----BEGIN AGE ENCRYPTED FILE-----\\nAQI=\\n-----END AGE ENCRYPTED FILE-----\\n\"}}]\n\
             pgp: [{{fp: ABCD, enc: '-----BEGIN'}}]\nhckms: [{{key_id: 'r:k', enc: x}}]\n{REST}"
        );
        let metadata = read(&text).expect("metadata");
        let keks: Vec<_> = metadata.keks().map(|kek| kek.to_string()).collect();
        assert_eq!(
            keks,
            [
                "awskms:///arn:aws:kms:eu-west-1:1:key/a",
                "gcpkms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
                "azurekms://team.vault.azure.net/k/0f",
                "hashivault://transit/k",
                "age:age1abc"
            ]
        );
        let bytes =
            |kind| metadata.keys().find(|key| key.kind == kind).and_then(MasterKey::wrapped);
        for kind in [KeyKind::Aws, KeyKind::Gcp, KeyKind::Azure, KeyKind::Age] {
            assert_eq!(bytes(kind), Some(vec![1, 2]), "{kind:?}");
        }
        assert_eq!(bytes(KeyKind::Vault).as_deref(), Some(&b"vault:v1:x"[..]));
        let key = |kind| metadata.keys().find(|key| key.kind == kind).expect("a key");
        assert!(key(KeyKind::Aws).names_login && key(KeyKind::Aws).context["a"] == "b");
        assert_eq!(key(KeyKind::Vault).address.as_deref(), Some("https://v:8200"));
        assert_eq!(key(KeyKind::Pgp).kek(), Err(NoKek::Pgp));
        assert_eq!(key(KeyKind::Huawei).kek(), Err(NoKek::Unsupported));
    }

    #[test]
    fn groups_have_a_threshold_and_one_group_has_none() {
        let group = |name: &str| format!("{{age: [{{recipient: {name}, enc: x}}]}}");
        let groups = format!("key_groups: [{}, {}]\n{REST}", group("age1a"), group("age1b"));
        assert_eq!(read(&groups).expect("two").threshold, 2);
        let with = |threshold: &str| format!("{groups}shamir_threshold: {threshold}\n");
        assert_eq!(read(&with("1")).expect("one").threshold, 1);
        assert_eq!(read(&with("'2'")).expect("a text").threshold, 2);
        for bad in ["3", "-1", "x", "[1]"] {
            let error = read(&with(bad)).expect_err(bad);
            assert_eq!(error, MetadataError::Member("shamir_threshold"));
        }
        let one = format!("age: [{{recipient: age1a, enc: x}}]\n{REST}");
        assert!(!read(&one).expect("one group").is_shared());
    }

    #[test]
    fn what_is_missing_or_of_another_form_is_named() {
        let age = "age: [{recipient: age1a, enc: x}]\n";
        let time = "lastmodified: '2026-11-27T20:53:12Z'\n";
        for (text, member) in [
            (REST.to_owned(), "key_groups"),
            (format!("{age}{time}"), "mac"),
            (format!("{age}mac: x\n"), "lastmodified"),
            (format!("{age}mac: x\nlastmodified: yesterday\n"), "lastmodified"),
            (format!("{age}{REST}mac_only_encrypted: perhaps\n"), "mac_only_encrypted"),
            (format!("age: hunter2\n{REST}"), "age"),
            (format!("age: [{{recipient: [hunter2]}}]\n{REST}"), "recipient"),
            (format!("{age}{REST}age: []\n"), "sops"),
        ] {
            let error = read(&text).expect_err(&text);
            assert_eq!(error, MetadataError::Member(member), "{text}");
        }
    }

    #[test]
    fn the_time_is_written_as_go_writes_it() {
        for (text, expected) in [
            ("2026-11-27T20:53:12Z", Some("2026-11-27T20:53:12Z")),
            ("2026-11-27T20:53:12.123Z", Some("2026-11-27T20:53:12Z")),
            ("2026-11-27T20:53:12+00:00", Some("2026-11-27T20:53:12Z")),
            ("2026-11-27T20:53:12+01:30", Some("2026-11-27T20:53:12+01:30")),
            ("2026-11-27 20:53:12Z", None),
            ("2026-11-27T20:53:12", None),
            ("", None),
        ] {
            assert_eq!(rfc3339(text).as_deref(), expected, "{text}");
        }
    }
}
