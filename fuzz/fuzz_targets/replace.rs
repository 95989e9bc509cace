//! A Secret that is sealed in the text of a file changes, and nothing else.

#![no_main]

use std::collections::BTreeMap;

use envcrypt_core::envelope::{Scope, SealCheck, SealedSecret, Sealer};
use envcrypt_core::kek::{DataKey, KekUri, WrappedKey};
use envcrypt_core::manifest::{self, Document, ManifestError, Object};
use envcrypt_core::secret::{Key, Meta, Namespace, PlainSecret, SecretValue};
use libfuzzer_sys::fuzz_target;

/// Secrets by their number in the file.
type Secrets = BTreeMap<usize, SealedSecret>;

fuzz_target!(|text: &str| {
    let Ok(documents) = manifest::parse(text.as_bytes()) else { return };
    let objects = documents.into_iter().filter_map(|document| match document {
        Document::Secret(object) => Some(*object),
        Document::Other(_) => None,
    });
    let known: Vec<_> =
        objects.enumerate().filter_map(|(index, object)| Some((index, known(&object)?))).collect();
    if known.is_empty() {
        return;
    }
    check(text, &known);
    if known.len() > 1 {
        check(text, &known[known.len() - 1..]);
    }
});

fn check(text: &str, known: &[(usize, (Meta, Vec<Key>))]) {
    let sealed = |round: u8, with_values: bool| -> Secrets {
        let one = |(index, (meta, keys)): &(usize, (Meta, Vec<Key>))| {
            let keys = if with_values { &keys[..] } else { &[] };
            (*index, sealed(meta, keys, round))
        };
        known.iter().map(one).collect()
    };
    let (first, second, empty) = (sealed(0, true), sealed(1, true), sealed(2, false));
    let Some(new) = replaced(text, &first) else { return };
    // A file that already has these Secrets stays as it is.
    assert_eq!(replaced(&new, &first).as_deref(), Some(&*new));
    // A Secret that was sealed here can be sealed again, and only its sealed bytes change.
    let other = replaced(&new, &second).expect("sealed again");
    assert_eq!(replaced(&other, &first).as_deref(), Some(&*new));
    // Keys come and go.
    if let Some(none) = replaced(&new, &empty) {
        let _ = replaced(&none, &second);
    }
}

/// Replaces the Secrets, and compares the new text with the old one.
fn replaced(text: &str, secrets: &Secrets) -> Option<String> {
    let new = match manifest::replace(text, secrets) {
        Ok(new) => new,
        Err(ManifestError::InPlace) => return None,
        Err(error) => panic!("{error}"),
    };
    let read = |text: &str| manifest::parse(text.as_bytes()).expect("it can be read");
    let (old_documents, new_documents) = (read(text), read(&new));
    assert_eq!(old_documents.len(), new_documents.len());
    let mut index = 0;
    for documents in old_documents.into_iter().zip(new_documents) {
        match documents {
            (Document::Secret(mut old), Document::Secret(new)) => {
                if let Some(secret) = secrets.get(&index) {
                    manifest::put(&mut old, secret);
                    let read = new.sealed(&namespace(), SealCheck::Required).expect("sealed");
                    assert_eq!((&read.values, &read.seal), (&secret.values, &secret.seal));
                }
                assert!(old == new, "another field of Secret {index} changed");
                index += 1;
            }
            (Document::Other(old), Document::Other(new)) => assert_eq!(old, new),
            _ => panic!("a document has another kind"),
        }
    }
    // A document without such a Secret keeps every byte.
    let (old, new_documents) = (documents(text), documents(&new));
    assert_eq!(old.len(), new_documents.len());
    let changed = old.iter().zip(&new_documents).filter(|(old, new)| old != new).count();
    assert!(changed <= secrets.len(), "{changed} documents changed");
    Some(new)
}

/// The documents of a valid text. A line `---` can only be between two of them.
fn documents(text: &str) -> Vec<String> {
    let mut documents = vec![String::new()];
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix("---");
        if rest.is_some_and(|rest| rest.trim_start().len() < rest.len() || rest.is_empty()) {
            documents.push(String::new());
        }
        documents.last_mut().expect("one").push_str(line);
    }
    documents
}

/// What is known of a Secret without its values.
fn known(object: &Object) -> Option<(Meta, Vec<Key>)> {
    match object.is_sealed() {
        true => {
            let secret = object.sealed(&namespace(), SealCheck::Required).ok()?;
            Some((secret.meta, secret.values.into_keys().collect()))
        }
        false => {
            let secret = object.plain(&namespace()).ok()?;
            Some((secret.meta, secret.values.into_keys().collect()))
        }
    }
}

/// Seals a Secret: in each round with other bytes, and in each run with the same.
fn sealed(meta: &Meta, keys: &[Key], round: u8) -> SealedSecret {
    let kek: KekUri = "age:age1its".parse().expect("a recipient");
    let recipients = vec![WrappedKey { kek, bytes: vec![round] }];
    let dek = DataKey::from_slice(&[round; 32]).expect("32 bytes");
    let sealer = Sealer::from_parts(meta.place.clone(), Scope::Strict, dek, recipients);
    let values = keys.iter().map(|key| (key.clone(), SecretValue::new(vec![round])));
    let plain = PlainSecret { meta: meta.clone(), values: values.collect() };
    let mut number = 0_u64;
    let next_iv = || {
        number += 1;
        let mut iv = [0; 12];
        iv[4..].copy_from_slice(&number.to_be_bytes());
        iv
    };
    sealer.seal_with(plain, 1, |_| None, next_iv).expect("it fits")
}

fn namespace() -> Namespace {
    "prod".parse().expect("a namespace")
}
