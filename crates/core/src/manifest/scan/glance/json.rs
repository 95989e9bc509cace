//! JSON in which nothing can be found, decided without making a tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::super::kustomize::TRANSFORMERS;
use super::super::{SEALED_JSON, SEALED_MARK};
use super::has;

/// Kinds that count only in an object with an `apiVersion`.
const OBJECTS: [&str; 4] = ["Secret", "SecretList", "EnvcryptSecret", "EnvcryptSecretList"];
/// Line breaks of YAML that JSON does not know.
const BREAKS: [&str; 3] = ["\u{85}", "\u{2028}", "\u{2029}"];

/// Whether a text is one value of JSON, not nested too deeply, in which nothing can be found.
pub(super) fn is_quiet(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
        && serde_json::from_slice::<Quiet>(bytes).is_ok()
        && !BREAKS.iter().any(|end| has(bytes, end))
}

/// A value in which nothing can be found. Anything else is an error. It says what a mapping has to
/// know of it.
enum Quiet {
    Kind,
    Object,
    Version,
    Generator,
    Transformer,
    Other,
}

impl<'de> Deserialize<'de> for Quiet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(QuietVisitor)
    }
}

struct QuietVisitor;

impl<'de> Visitor<'de> for QuietVisitor {
    type Value = Quiet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without Secrets")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Quiet, E> {
        Ok(match text {
            "kind" => Quiet::Kind,
            "apiVersion" => Quiet::Version,
            "secretGenerator" => Quiet::Generator,
            "SecretGenerator" => Quiet::Transformer,
            _ if OBJECTS.contains(&text) => Quiet::Object,
            _ if TRANSFORMERS.contains(&text) => Quiet::Transformer,
            _ if text.starts_with(SEALED_MARK) || text.starts_with(SEALED_JSON) => {
                return Err(E::custom("a sealed value"));
            }
            _ => Quiet::Other,
        })
    }

    fn visit_unit<E>(self) -> Result<Quiet, E> {
        Ok(Quiet::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Quiet, E> {
        Ok(Quiet::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Quiet, E> {
        Ok(Quiet::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Quiet, E> {
        Ok(Quiet::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Quiet, E> {
        Ok(Quiet::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Quiet, A::Error> {
        while items.next_element::<Quiet>()?.is_some() {}
        Ok(Quiet::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Quiet, A::Error> {
        let (mut has_kind, mut has_version) = (false, false);
        while let Some((key, value)) = entries.next_entry::<Quiet, Quiet>()? {
            match (key, value) {
                (Quiet::Generator, _) | (Quiet::Kind, Quiet::Transformer) => {
                    return Err(A::Error::custom("a file of Kustomize"));
                }
                (Quiet::Kind, Quiet::Object) => has_kind = true,
                (Quiet::Version, _) => has_version = true,
                _ => {}
            }
        }
        match has_kind && has_version {
            true => Err(A::Error::custom("an object")),
            false => Ok(Quiet::Other),
        }
    }
}
