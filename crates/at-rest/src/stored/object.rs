//! The type and the name of a plain object. Its content is not read.

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::proto::{self, Field, Fields};

/// How an object in protobuf starts.
pub(super) const PROTOBUF: &[u8] = b"k8s\0";
/// How an object in JSON starts.
pub(super) const JSON: &[u8] = b"{";

/// The maximum size of a name or a namespace, in bytes.
const MAX_NAME: usize = 253;
/// The maximum size of an API version or a kind, in bytes.
const MAX_TYPE: usize = 320;

/// What a plain object says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Object {
    /// Its API version, as in `v1` or `apps/v1`.
    pub api_version: String,
    /// Its kind, as in `Secret`.
    pub kind: String,
    /// Its namespace, if it has one.
    pub namespace: Option<String>,
    /// Its name, if it could be read.
    pub name: Option<String>,
}

impl Object {
    /// Reads the type and the name of an object, and the size of the object in bytes, or 0.
    ///
    /// The bytes may end inside the object, or go on after it.
    pub(crate) fn identify(bytes: &[u8]) -> Option<(Self, usize)> {
        let (object, size) = if let Some(message) = bytes.strip_prefix(PROTOBUF) {
            protobuf(message)?
        } else if bytes.starts_with(JSON) {
            (json(bytes), 0)
        } else {
            return None;
        };
        object.is_plausible().then_some((object, size))
    }

    fn is_plausible(&self) -> bool {
        let is_version = |c: u8| c.is_ascii_alphanumeric() || b"./-".contains(&c);
        let is_of = |text: &str, is_valid: fn(u8) -> bool| {
            (1..=MAX_TYPE).contains(&text.len()) && text.bytes().all(is_valid)
        };
        is_of(&self.api_version, is_version) && is_of(&self.kind, |c| c.is_ascii_alphanumeric())
    }
}

/// Reads a message `runtime.Unknown`: the type, then the object.
fn protobuf(message: &[u8]) -> Option<(Object, usize)> {
    let (size, rest) = proto::start(message, 1)?;
    let (type_meta, rest) = rest.split_at_checked(size)?;
    let mut object = Object::default();
    for field in Fields::new(type_meta) {
        match field.ok()? {
            (1, Field::Bytes(text)) => object.api_version = str::from_utf8(text).ok()?.to_owned(),
            (2, Field::Bytes(text)) => object.kind = str::from_utf8(text).ok()?.to_owned(),
            _ => return None,
        }
    }
    let (size, raw) = proto::start(rest, 2)?;
    let head = message.len() - raw.len();
    object_meta(raw.get(..size).unwrap_or(raw), &mut object);
    Some((object, PROTOBUF.len().saturating_add(head).saturating_add(size)))
}

/// Reads a message `ObjectMeta`, which is the first field of each object.
fn object_meta(raw: &[u8], object: &mut Object) {
    let Some((size, rest)) = proto::start(raw, 1) else { return };
    let fields = Fields::new(rest.get(..size).unwrap_or(rest)).map_while(Result::ok);
    for field in fields.take_while(|(number, _)| *number <= 3) {
        match field {
            (1, Field::Bytes(text)) => object.name = name(text),
            (3, Field::Bytes(text)) => object.namespace = name(text),
            _ => {}
        }
    }
}

fn name(text: &[u8]) -> Option<String> {
    let is_valid = (1..=MAX_NAME).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    is_valid.then(|| String::from_utf8_lossy(text).into_owned())
}

/// Reads the type and the name from JSON, as far as it goes.
fn json(bytes: &[u8]) -> Object {
    let mut object = Object::default();
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    // The end of the bytes is an error. What was read before it counts.
    let _ = Top(&mut object).deserialize(&mut reader);
    object
}

/// The object itself.
struct Top<'o>(&'o mut Object);
/// Its `metadata`.
struct Metadata<'o>(&'o mut Object);

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "apiVersion" => self.0.api_version = map.next_value()?,
                "kind" => self.0.kind = map.next_value()?,
                "metadata" => map.next_value_seed(Metadata(self.0))?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
            let Object { api_version, kind, name, .. } = &self.0;
            if name.is_some() && !api_version.is_empty() && !kind.is_empty() {
                return Err(A::Error::custom("the rest does not matter"));
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Metadata<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Metadata<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("metadata")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "name" => self.0.name = name(map.next_value::<String>()?.as_bytes()),
                "namespace" => self.0.namespace = name(map.next_value::<String>()?.as_bytes()),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) mod testing {
    /// A field of a message with up to 127 bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, u8::try_from(bytes.len()).unwrap()], bytes].concat()
    }

    pub(crate) fn protobuf(api_version: &str, kind: &str, namespace: &str, name: &str) -> Vec<u8> {
        let of = |first: &str, number, second: &str| {
            [field(1, first.as_bytes()), field(number, second.as_bytes())].concat()
        };
        let type_meta = field(1, &of(api_version, 2, kind));
        let raw = [field(1, &of(name, 3, namespace)), field(2, b"plaintext")].concat();
        [b"k8s\0", &type_meta[..], &field(2, &raw)].concat()
    }

    pub(crate) fn json(api_version: &str, kind: &str, namespace: &str, name: &str) -> Vec<u8> {
        let metadata = format!(r#"{{"name":"{name}","namespace":"{namespace}"}}"#);
        let json = format!(
            r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{metadata},"data":{{}}}}"#
        );
        json.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{json, protobuf};
    use super::*;

    fn expected() -> Object {
        Object {
            api_version: "v1".to_owned(),
            kind: "Secret".to_owned(),
            namespace: Some("ns".to_owned()),
            name: Some("db".to_owned()),
        }
    }

    #[test]
    fn an_object_has_its_type_and_name_whatever_follows_it() {
        let message = protobuf("v1", "Secret", "ns", "db");
        let size = message.len();
        let followed = [&message[..], &[0xff; 100]].concat();
        assert_eq!(Object::identify(&message), Some((expected(), size)));
        assert_eq!(Object::identify(&followed), Some((expected(), size)));
        let json = [&json("v1", "Secret", "ns", "db")[..], &[0xff; 100]].concat();
        assert_eq!(Object::identify(&json), Some((expected(), 0)));
    }

    #[test]
    fn an_object_that_is_cut_has_what_is_left_of_it() {
        for object in [protobuf("v1", "Secret", "ns", "db"), json("v1", "Secret", "ns", "db")] {
            let found = (0..object.len()).map(|end| Object::identify(&object[..end]));
            let found: Vec<_> = found.flatten().map(|(object, _)| object).collect();
            assert!(found.iter().all(|object| object.kind == "Secret"));
            assert_eq!(found.first().unwrap().name, None);
            assert!(found.iter().any(|o| o.name.is_some() && o.namespace.is_none()));
            assert_eq!(found.last(), Some(&expected()));
        }
    }

    #[test]
    fn a_custom_resource_has_its_name_after_other_metadata() {
        let json = br#"{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"annotations":
            {"name":"x"},"name":"gear"},"spec":{"name":"y"}}"#;
        let (object, _) = Object::identify(json).unwrap();
        assert_eq!((object.kind.as_str(), object.name.as_deref()), ("Widget", Some("gear")));
        assert_eq!(object.namespace, None);
    }

    #[test]
    fn what_is_not_an_object_is_none() {
        let mut not_text = protobuf("v1", "Secret", "ns", "db");
        not_text[9] = 0xff;
        let values: [&[u8]; 8] = [
            b"",
            b"k8s\0",
            b"k8s\0\x0a\x0c\x0a\x02v1",
            b"k8s:enc:",
            b"{\"kind\":\"Secret\"}",
            b"{\"kind\":{},\"apiVersion\":\"v1\"}",
            b"{\"kind\":\"\",\"apiVersion\":\"v1\"}",
            &not_text,
        ];
        for value in values {
            assert_eq!(Object::identify(value), None, "{value:?}");
        }
        let spaced = protobuf("v1", "a kind", "ns", "db");
        assert_eq!(Object::identify(&spaced), None);
    }

    #[test]
    fn a_name_that_cannot_be_shown_is_left_out() {
        for name in ["", "a\u{1b}[2J", "\u{fe}"] {
            let (object, _) = Object::identify(&protobuf("v1", "Secret", "ns", name)).unwrap();
            assert_eq!((object.name, object.namespace.as_deref()), (None, Some("ns")));
        }
    }
}
