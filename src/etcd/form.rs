//! The ways in which an object can be stored.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use envcrypt_at_rest::stored::{EncryptedObject, Stored};
use envcrypt_core::seed::{Ciphertext, MORE_ANNOTATION, is_part};

/// How an object is stored. Names and key ids are escaped: they come from etcd.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// Not encrypted.
    Plain,
    /// With a key of the EncryptionConfiguration.
    Local { provider: &'static str, key: String },
    /// With a KMS plugin, version 1.
    KmsV1 { name: String },
    /// With a KMS plugin, version 2.
    KmsV2 { name: String, key_id: String },
    /// In a way that this version does not know.
    Unknown(String),
}

/// What a value of `envcrypt-kms` tells without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ours {
    pub cluster: String,
    /// The versions of the KEKs, or `-` where the KMS reports none.
    pub keks: Vec<String>,
}

impl Form {
    /// How this value is stored.
    pub fn of(stored: &Stored<'_>) -> Self {
        let text = |text: &str| text.escape_debug().to_string();
        match stored {
            Stored::Plain { .. } => Self::Plain,
            Stored::Local(local) => {
                Self::Local { provider: local.provider.as_str(), key: text(local.key_name()) }
            }
            Stored::KmsV1 { name, .. } => Self::KmsV1 { name: text(name) },
            Stored::KmsV2 { name, object } => {
                Self::KmsV2 { name: text(name), key_id: text(object.key_id) }
            }
            Stored::UnknownProvider { prefix } => {
                Self::Unknown(format!("unknown provider `{}`", text(prefix)))
            }
            Stored::Damaged { prefix, reason } => Self::Unknown(format!("`{prefix}`: {reason}")),
            Stored::Other => Self::Unknown("neither an object nor encrypted".to_owned()),
        }
    }

    /// What is wrong with it, if anything is.
    pub fn problem(&self, is_expected: bool) -> Option<&'static str> {
        match self {
            Self::Plain => Some("plain"),
            Self::Unknown(_) => Some("unknown"),
            // One of the KEKs had not answered: it cannot open the object.
            Self::KmsV2 { key_id, .. } if is_part(key_id) => Some("incomplete"),
            _ => (!is_expected).then_some("stale"),
        }
    }

    pub fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain => f.write_str("plain"),
            Self::Local { provider, key } => write!(f, "{provider}, key `{key}`"),
            Self::KmsV1 { name } => write!(f, "kms v1 `{name}`"),
            Self::KmsV2 { name, key_id } => write!(f, "kms v2 `{name}`, key id {key_id}"),
            Self::Unknown(what) => f.write_str(what),
        }
    }
}

/// What `envcrypt-kms` wrote beside the object.
pub fn ours(object: &EncryptedObject<'_>) -> Option<Ours> {
    let more = object.annotations.get(MORE_ANNOTATION).copied();
    let sealed = Ciphertext::read_parts(object.encrypted_dek_source, more).ok()?;
    let version = |version: &str| match version {
        "" => "-".to_owned(),
        version => version.escape_debug().to_string(),
    };
    Some(Ours {
        cluster: sealed.cluster().escape_debug().to_string(),
        keks: sealed.copies().iter().map(|copy| version(copy.version())).collect(),
    })
}

/// The provider that must encrypt: its kind, and its name if that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    kind: &'static str,
    name: Option<String>,
}

impl FromStr for Expected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = match text.split_once(':') {
            Some((kind, name)) => (kind, Some(name.to_owned())),
            None => (text, None),
        };
        let known = ["kms", "secretbox", "aesgcm", "aescbc"].into_iter().find(|k| *k == kind);
        let kind = known.ok_or("use kms:NAME, secretbox:KEY, aesgcm:KEY or aescbc:KEY")?;
        Ok(Self { kind, name })
    }
}

impl Expected {
    /// A local key of this name, of any kind.
    pub fn key(name: &str) -> Self {
        Self { kind: "", name: Some(name.to_owned()) }
    }

    pub fn is(&self, form: &Form) -> bool {
        let (kind, found) = match form {
            Form::Local { provider, key } => (*provider, key),
            Form::KmsV2 { name, .. } => ("kms", name),
            _ => return false,
        };
        let is_kind = match self.kind {
            "" => kind != "kms",
            expected => expected == kind,
        };
        is_kind && self.name.as_ref().is_none_or(|name| name == found)
    }
}

/// Numbers for forms, so that each key of etcd keeps only a number in memory.
#[derive(Default)]
pub struct Forms {
    numbers: BTreeMap<Form, usize>,
    ours: BTreeMap<usize, Ours>,
}

impl Forms {
    /// The number of a form.
    pub fn number(&mut self, stored: &Stored<'_>) -> usize {
        let next = self.numbers.len();
        let number = *self.numbers.entry(Form::of(stored)).or_insert(next);
        if let Stored::KmsV2 { object, .. } = stored
            && !self.ours.contains_key(&number)
            && let Some(ours) = ours(object)
        {
            self.ours.insert(number, ours);
        }
        number
    }

    /// The forms by their numbers.
    pub fn list(self) -> Vec<(Form, Option<Ours>)> {
        let Self { numbers, mut ours } = self;
        let mut list: Vec<_> = numbers.into_iter().map(|(form, number)| (number, form)).collect();
        list.sort_by_key(|(number, _)| *number);
        list.into_iter().map(|(number, form)| (form, ours.remove(&number))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expectation_is_a_kind_and_perhaps_a_name() {
        let kms = Form::KmsV2 { name: "envcrypt".to_owned(), key_id: "1".to_owned() };
        let local = Form::Local { provider: "secretbox", key: "key1".to_owned() };
        for (text, is_kms, is_local) in [
            ("kms", true, false),
            ("kms:envcrypt", true, false),
            ("kms:other", false, false),
            ("secretbox", false, true),
            ("secretbox:key1", false, true),
            ("aescbc:key1", false, false),
        ] {
            let expected: Expected = text.parse().expect("valid");
            assert_eq!((expected.is(&kms), expected.is(&local)), (is_kms, is_local), "{text}");
            assert!(!expected.is(&Form::Plain));
        }
        assert!("identity".parse::<Expected>().is_err());
    }
}
