//! Values that are written for an editor are read back, also by the reader of manifests.

#![no_main]

use std::collections::BTreeMap;

use envcrypt_core::manifest::{self, Document};
use envcrypt_core::secret::{Key, SecretValue};
use libfuzzer_sys::fuzz_target;

type Values = BTreeMap<Key, SecretValue>;

fuzz_target!(|input: &[u8]| {
    // As a text that a user edited.
    if let Ok(text) = std::str::from_utf8(input) {
        match manifest::read_draft(text) {
            Ok(values) => come_back(&values),
            Err(error) => {
                let breaks = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'];
                // The reader counts one more line at the end of a text.
                let lines = text.matches(breaks).count() + 2;
                assert!((1..=lines).contains(&error.line), "{error}");
            }
        }
    }
    // As values, with a zero between them.
    let key = |index: usize| format!("k{index}").parse().expect("a key");
    let values = input.split(|byte| *byte == 0).enumerate();
    come_back(&values.map(|(i, value)| (key(i), SecretValue::new(value.to_vec()))).collect());
});

fn come_back(values: &Values) {
    let text = manifest::draft(values);
    let read = manifest::read_draft(&text).unwrap_or_else(|error| panic!("{error}: {}", *text));
    assert_eq!(read.len(), values.len());
    let is_same = |(key, value): (&Key, &SecretValue)| read[key].same_as(value);
    assert!(values.iter().all(is_same), "other values: {}", *text);
    agree(&text, values);
}

/// Another reader of YAML reads the same values.
fn agree(text: &str, values: &Values) {
    if values.is_empty() {
        return;
    }
    let mut manifest =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n".to_owned();
    for line in text.split_inclusive('\n') {
        manifest.push_str(if line == "\n" { "" } else { "  " });
        manifest.push_str(line);
    }
    let documents = manifest::parse(manifest.as_bytes());
    let documents = documents.unwrap_or_else(|error| panic!("{error}: {manifest}"));
    let Some(Document::Secret(object)) = documents.into_iter().next() else { panic!("a Secret") };
    let read = object.string_data.unwrap_or_default();
    assert_eq!(read.len(), values.len());
    for (key, value) in values {
        // Only text can be in `stringData`.
        let Ok(value) = std::str::from_utf8(value.expose()) else { continue };
        assert_eq!(read[key.as_str()].as_deref(), Some(value), "{manifest}");
    }
}
