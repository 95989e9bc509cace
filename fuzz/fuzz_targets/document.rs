//! The objects of a file that is read are the same after they are written and read again.

#![no_main]

use envcrypt_core::envelope::SealCheck;
use envcrypt_core::manifest::{self, Document, Format, Object};
use envcrypt_core::secret::Namespace;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let Some(mut objects) = secrets(input) else { return };
    objects.retain(|object| !has_long_key(object));
    for object in &mut objects {
        as_sealed(object);
        as_plain(object);
        // `stringData` is not written, and YAML has no null in `data`.
        object.string_data = None;
        for value in object.data.iter_mut().flat_map(|data| data.values_mut()) {
            value.get_or_insert_default();
        }
        same(std::slice::from_ref(object), Format::Json);
        same(std::slice::from_ref(object), Format::Yaml);
    }
    same(&objects, Format::Yaml);
});

fn secrets(bytes: &[u8]) -> Option<Vec<Object>> {
    let secret = |document| match document {
        Document::Secret(object) => Some(*object),
        Document::Other(_) => None,
    };
    Some(manifest::parse(bytes).ok()?.into_iter().filter_map(secret).collect())
}

/// Whether a key is too long for a line of YAML: 1024 characters. Kubernetes has no such keys.
fn has_long_key(object: &Object) -> bool {
    // An escape has up to ten characters.
    let is_long = |key: &String| {
        2 + key.chars().map(|c| if c.is_ascii_graphic() { 2 } else { 10 }).sum::<usize>() > 1024
    };
    let metadata = &object.metadata;
    let maps = [&metadata.labels, &metadata.annotations].into_iter().flatten();
    let template = object.spec.iter().map(|spec| &spec.template);
    let maps = maps.chain(template.flat_map(|template| [&template.labels, &template.annotations]));
    let values = object.spec.iter().flat_map(|spec| spec.sealed.values.keys());
    let keys = maps.flat_map(|map| map.keys()).chain(object.data.iter().flat_map(|map| map.keys()));
    keys.chain(values).chain(metadata.other.keys()).any(is_long)
        || metadata.other.values().chain(&object.status).any(|v| has_long_name(v, &is_long))
}

fn has_long_name(value: &Value, is_long: &impl Fn(&String) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| has_long_name(item, is_long)),
        Value::Object(map) => {
            map.iter().any(|(key, value)| is_long(key) || has_long_name(value, is_long))
        }
        _ => false,
    }
}

fn same(objects: &[Object], format: Format) {
    let text = manifest::write(objects, format);
    let read = secrets(text.as_bytes()).unwrap_or_else(|| panic!("unreadable: {}", *text));
    assert!(read == objects, "other objects: {}", *text);
}

/// Writes an object and reads it again.
fn again(object: Object) -> Object {
    let text = manifest::write(&[object], Format::Yaml);
    let read = secrets(text.as_bytes()).unwrap_or_else(|| panic!("unreadable: {}", *text));
    read.into_iter().next().expect("one Secret")
}

fn as_sealed(object: &Object) {
    let default = namespace();
    let Ok(secret) = object.sealed(&default, SealCheck::Required) else { return };
    let read = again(manifest::sealed_object(&secret)).sealed(&default, SealCheck::Required);
    assert_eq!(read.expect("sealed"), secret);
    let unchecked = object.sealed(&default, SealCheck::Skipped).expect("sealed");
    assert_eq!((unchecked.meta, unchecked.values), (secret.meta, secret.values));
}

fn as_plain(object: &Object) {
    let default = namespace();
    let Ok(secret) = object.plain(&default) else { return };
    let read = again(manifest::plain_object(&secret)).plain(&default);
    let read = read.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.meta, secret.meta);
    assert_eq!(read.values.len(), secret.values.len());
    assert!(secret.values.iter().all(|(key, value)| read.holds(key, value)), "other values");
}

fn namespace() -> Namespace {
    "prod".parse().expect("a namespace")
}
