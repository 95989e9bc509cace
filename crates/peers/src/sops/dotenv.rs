//! The dotenv store of SOPS: lines `KEY=VALUE`, and the metadata in lines `sops_…`.

use std::collections::BTreeMap;

use envcrypt_core::kek::DataKey;
use zeroize::Zeroizing;

use super::error::SopsError;
use super::mac::Mac;
use super::meta::Meta;
use super::metadata::Metadata;
use super::path::aad;
use super::value::Encrypted;

/// Opened values, by key, in the order of the file.
pub type Values = Vec<(String, Zeroizing<Vec<u8>>)>;

/// The longest name of the metadata, in bytes. Each level of the tree adds to it.
const MAX_NAME: usize = 256;

/// A dotenv file under SOPS.
pub struct Dotenv<'t> {
    /// What the metadata says.
    pub metadata: Metadata,
    lines: Vec<(usize, &'t str, &'t str)>,
}

/// Returns whether a text is a dotenv file under SOPS.
#[must_use]
pub fn is_dotenv(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("sops_mac="))
}

impl<'t> Dotenv<'t> {
    /// Reads a file.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if a line or the metadata cannot be read.
    pub fn read(text: &'t str) -> Result<Self, SopsError> {
        let (mut lines, mut flat) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (key, value) = line.split_once('=').ok_or(SopsError::Line { line: index + 1 })?;
            match key.strip_prefix("sops_") {
                Some(name) => flat.push((name, value.replace("\\n", "\n"))),
                None => lines.push((index + 1, key, value)),
            }
        }
        let metadata = |source| SopsError::Metadata { document: 1, source };
        let meta = nested(flat).ok_or(SopsError::Line { line: 1 })?;
        Ok(Self { metadata: Metadata::of(&meta).map_err(metadata)?, lines })
    }

    /// Decrypts the values. A line break in a value is a `\n` of two characters in the file.
    ///
    /// # Errors
    /// Returns a [`SopsError`] if a value or the MAC does not match, or if a value is in plaintext.
    pub fn open(&self, key: &DataKey, ignore_mac: bool) -> Result<Values, SopsError> {
        let mut mac = Mac::new(self.metadata.mac_only_encrypted);
        let mut values = Vec::with_capacity(self.lines.len());
        let mut plain = Vec::new();
        for (line, name, text) in &self.lines {
            let line = u32::try_from(*line).unwrap_or(u32::MAX);
            let path = || name.escape_default().to_string();
            let is_encrypted = self.metadata.rule.encrypts(&[name]);
            let value = match *text {
                "" => Zeroizing::new(Vec::new()),
                text if !is_encrypted => {
                    plain.push((line, path()));
                    Zeroizing::new(text.replace("\\n", "\n").into_bytes())
                }
                text => {
                    let value = Encrypted::parse(text)
                        .ok_or_else(|| SopsError::NotEncrypted { line, path: path() })?;
                    let opened = value.open(key, &aad(&[name]));
                    opened.ok_or_else(|| SopsError::Value { line, path: path() })?
                }
            };
            mac.take(&value, is_encrypted);
            values.push(((*name).to_owned(), value));
        }
        // The rule that says so is not authenticated.
        if let Some((line, _)) = plain.first() {
            let line = *line;
            let paths = plain.into_iter().map(|(_, path)| path).collect();
            return Err(SopsError::Plain { line, paths });
        }
        if !ignore_mac {
            mac.check(&self.metadata, key)?;
        }
        Ok(values)
    }
}

/// The tree of flat names: `age__list_0__map_enc` is the member `enc` of the first item of `age`.
fn nested(flat: Vec<(&str, String)>) -> Option<Meta> {
    let mut map = BTreeMap::new();
    for (name, value) in flat {
        if name.len() > MAX_NAME {
            return None;
        }
        insert(&mut map, name, value)?;
    }
    Some(Meta::Map(map))
}

fn insert(map: &mut BTreeMap<String, Meta>, name: &str, value: String) -> Option<()> {
    // The first separator of either kind ends the name of the member.
    let list = name.find("__list_");
    let inner = name.find("__map_");
    match (list, inner) {
        (Some(at), inner) if inner.is_none_or(|inner| at < inner) => {
            let rest = &name[at + "__list_".len()..];
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let index: usize = rest[..digits].parse().ok()?;
            let entry = map.entry(name[..at].to_owned()).or_insert(Meta::List(Vec::new()));
            let Meta::List(items) = entry else { return None };
            // The lines are sorted as texts, so the tenth item comes before the second.
            if index > 255 {
                return None;
            }
            while items.len() <= index {
                items.push(Meta::Null);
            }
            match rest[digits..].strip_prefix("__map_") {
                None if rest[digits..].is_empty() => items[index] = Meta::Text(value),
                None => return None,
                Some(member) => {
                    if items[index] == Meta::Null {
                        items[index] = Meta::Map(BTreeMap::new());
                    }
                    let Meta::Map(inner) = &mut items[index] else { return None };
                    insert(inner, member, value)?;
                }
            }
            Some(())
        }
        (_, Some(at)) => {
            let member = &name[at + "__map_".len()..];
            match map.entry(name[..at].to_owned()).or_insert(Meta::Map(BTreeMap::new())) {
                Meta::Map(inner) => insert(inner, member, value),
                _ => None,
            }
        }
        _ => map.insert(name.to_owned(), Meta::Text(value)).is_none().then_some(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names_are_a_tree() {
        let meta = nested(vec![
            ("age__list_1__map_enc", "b".to_owned()),
            ("age__list_0__map_enc", "a".to_owned()),
            ("kms__list_0__map_context__map_team", "x".to_owned()),
            ("mac", "m".to_owned()),
        ])
        .expect("a tree");
        let enc: Vec<_> = meta.list("age").expect("a list").iter().map(|i| i.text("enc")).collect();
        assert_eq!(enc, [Some("a"), Some("b")]);
        assert_eq!(
            meta.list("kms").expect("a list")[0].pairs("context").expect("a map")["team"],
            "x"
        );
        let deep = "a__map_".repeat(100_000);
        assert!(nested(vec![(&deep, String::new())]).is_none());
        for bad in ["a__list_x__map_b", "a__list_999__map_b", "a__list_0x"] {
            assert!(nested(vec![(bad, String::new())]).is_none(), "{bad}");
        }
        assert!(nested(vec![("a", String::new()), ("a", String::new())]).is_none());
        assert!(nested(vec![("a", String::new()), ("a__map_b", String::new())]).is_none());
    }

    #[test]
    fn a_plaintext_value_is_refused_and_named() {
        let text = "A_unencrypted=hi\nEMPTY_unencrypted=\nsops_mac=x\nsops_lastmodified=2026-11-27T20:53:12Z\nsops_age__list_0__map_recipient=age1abc\nsops_age__list_0__map_enc=x\n";
        let file = Dotenv::read(text).expect("a dotenv file");
        let error =
            file.open(&DataKey::generate(), true).map(drop).expect_err("refused").to_string();
        assert_eq!(
            error,
            "line 1: values of the Secret are not encrypted, so anyone may have put them there: A_unencrypted"
        );
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(sops_[a-z_0-9]*=.*\n|.*\n)*") {
            let _ = Dotenv::read(&text);
        }
    }
}
