//! Writes a Secret as `sops encrypt` would.

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use envcrypt_core::kek::{DataKey, KekUri};
use envcrypt_core::secret::PlainSecret;
use zeroize::Zeroizing;

use super::VERSION;
use super::mac::Mac;
use super::path::aad;
use super::value::encrypt;

/// The keys below which every value is encrypted.
const VALUES: [&str; 2] = ["data", "stringData"];

/// A KEK, and the data key that it wrapped.
pub struct Recipient {
    /// The KEK.
    pub kek: KekUri,
    /// The wrapped data key, as the KEK gave it.
    pub wrapped: Vec<u8>,
    /// The encryption context of AWS KMS.
    pub context: BTreeMap<String, String>,
    /// The address of Vault.
    pub address: Option<String>,
}

/// Writes a Secret as a YAML document under SOPS. `now` is the time in RFC 3339, in UTC and in whole
/// seconds.
///
/// # Errors
/// Returns a KEK of which SOPS has no kind of master key.
pub fn write(
    secret: &PlainSecret,
    key: &DataKey,
    recipients: &[Recipient],
    now: &str,
) -> Result<String, KekUri> {
    let mut out = Writer { text: String::new(), mac: Mac::new(false) };
    let meta = &secret.meta;
    out.field(0, "apiVersion", "v1");
    out.field(0, "kind", "Secret");
    out.text.push_str("metadata:\n");
    out.field(4, "name", meta.place.name.as_str());
    out.field(4, "namespace", meta.place.namespace.as_str());
    for (name, map) in [("labels", &meta.labels), ("annotations", &meta.annotations)] {
        if !map.is_empty() {
            let _ = writeln!(out.text, "    {name}:");
            for (key_of, value) in map {
                // SOPS tests its rule against every key of a path.
                match VALUES.contains(&key_of.as_str()) {
                    true => out.secret(key, 8, &["metadata", name, key_of], value),
                    false => out.field(8, key_of, value),
                }
            }
        }
    }
    out.field(0, "type", meta.kind.as_str());
    if meta.immutable {
        out.text.push_str("immutable: true\n");
        out.mac.take(b"True", false);
    }
    out.text.push_str(if secret.values.is_empty() { "data: {}\n" } else { "data:\n" });
    for (name, value) in &secret.values {
        let base64 = Zeroizing::new(BASE64_STANDARD.encode(value.expose()));
        out.secret(key, 4, &["data", name.as_str()], &base64);
    }
    let Writer { mut text, mac } = out;
    text.push_str("sops:\n");
    text.push_str(&master_keys(recipients, now)?);
    let mac = mac.encrypted(now, key);
    let _ = write!(
        text,
        "    lastmodified: \"{now}\"\n    mac: {mac}\n    encrypted_regex: ^({})$\n    version: {VERSION}\n",
        VALUES.join("|")
    );
    Ok(text)
}

struct Writer {
    text: String,
    mac: Mac,
}

impl Writer {
    /// A plain text, which counts in the MAC.
    fn field(&mut self, indent: usize, name: &str, value: &str) {
        self.mac.take(value.as_bytes(), false);
        self.line(indent, name, value);
    }

    /// An encrypted text.
    fn secret(&mut self, key: &DataKey, indent: usize, path: &[&str], value: &str) {
        self.mac.take(value.as_bytes(), true);
        let encrypted = encrypt(key, &aad(path), value.as_bytes());
        self.line(indent, path.last().copied().unwrap_or_default(), &encrypted);
    }

    fn line(&mut self, indent: usize, name: &str, value: &str) {
        let _ = writeln!(self.text, "{:indent$}{}: {}", "", quoted(name), quoted(value));
    }
}

/// A text in double quotes. JSON is YAML, if everything else than ASCII is escaped.
fn quoted(text: &str) -> String {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/.-_".contains(&b);
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let is_word = words.contains(&text.to_ascii_lowercase().as_str());
    let begins = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if begins && !is_word && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            c if u32::from(c) < 0x1_0000 => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
    out
}

fn master_keys(recipients: &[Recipient], now: &str) -> Result<String, KekUri> {
    let mut lists: BTreeMap<&str, String> = BTreeMap::new();
    for recipient in recipients {
        let (list, members) = master_key(recipient, now).ok_or_else(|| recipient.kek.clone())?;
        let text = lists.entry(list).or_default();
        for (index, (name, value)) in members.iter().enumerate() {
            let dash = if index == 0 { "- " } else { "  " };
            let _ = writeln!(text, "        {dash}{name}: {value}");
        }
    }
    Ok(lists.into_iter().map(|(list, text)| format!("    {list}:\n{text}")).collect())
}

type Members = Vec<(&'static str, String)>;

fn master_key(recipient: &Recipient, now: &str) -> Option<(&'static str, Members)> {
    let base64 = || BASE64_STANDARD.encode(&recipient.wrapped);
    let name = recipient.kek.rest();
    let text = |text: &str| format!("{text:?}");
    let created = ("created_at", text(now));
    Some(match recipient.kek.scheme() {
        "age" => {
            let armored = armored(&recipient.wrapped);
            ("age", vec![("recipient", text(name)), ("enc", text(&armored))])
        }
        "awskms" => {
            let context = &recipient.context;
            let mut members = vec![("arn", text(name))];
            if !context.is_empty() {
                let pairs: Vec<_> = context.iter().map(|(k, v)| format!("{k:?}: {v:?}")).collect();
                members.push(("context", format!("{{{}}}", pairs.join(", "))));
            }
            members.extend([created, ("enc", base64()), ("aws_profile", text(""))]);
            ("kms", members)
        }
        "gcpkms" => ("gcp_kms", vec![("resource_id", text(name)), created, ("enc", base64())]),
        "azurekms" => {
            let mut parts = name.split('/');
            let (host, key, version) = (parts.next()?, parts.next()?, parts.next()?);
            let enc = BASE64_URL_SAFE_NO_PAD.encode(&recipient.wrapped);
            let url = text(&format!("https://{host}"));
            let key = [("vault_url", url), ("name", text(key)), ("version", text(version))];
            ("azure_kv", key.into_iter().chain([created, ("enc", enc)]).collect())
        }
        "hashivault" => {
            let (engine, key) = name.rsplit_once('/')?;
            let enc = String::from_utf8(recipient.wrapped.clone()).ok()?;
            let address = recipient.address.as_deref()?;
            let key = [("vault_address", address), ("engine_path", engine), ("key_name", key)];
            let key = key.map(|(name, value)| (name, text(value)));
            ("hc_vault", key.into_iter().chain([created, ("enc", text(&enc))]).collect())
        }
        _ => return None,
    })
}

fn armored(bytes: &[u8]) -> String {
    let base64 = BASE64_STANDARD.encode(bytes);
    let mut text = String::from("-----BEGIN AGE ENCRYPTED FILE-----\n");
    for line in base64.as_bytes().chunks(64) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    }
    text + "-----END AGE ENCRYPTED FILE-----\n"
}
