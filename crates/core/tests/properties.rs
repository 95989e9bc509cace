//! Property tests: what is true for every Secret. They call the library directly.

use std::collections::BTreeMap;

use envcrypt_core::envelope::{Deks, Scope, SealCheck, Sealer};
use envcrypt_core::kek::{DataKey, KekUri, WrappedKey};
use envcrypt_core::manifest::{self, Document, Format};
use envcrypt_core::secret::{Key, Meta, Place, PlainSecret, SecretType, SecretValue};
use proptest::prelude::*;

fn key() -> impl Strategy<Value = Key> {
    "[-_a-zA-Z0-9][-._a-zA-Z0-9]{0,20}".prop_filter_map("no key", |text| text.parse().ok())
}

fn meta() -> impl Strategy<Value = Meta> {
    let name = "[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?";
    let map = || prop::collection::btree_map("[a-z]{1,8}", any::<String>(), 0..4);
    (name, name, "[!-~]{1,30}", any::<bool>(), map(), map()).prop_filter_map(
        "no Secret",
        |(namespace, name, kind, immutable, labels, annotations)| {
            let place = Place { namespace: namespace.parse().ok()?, name: name.parse().ok()? };
            let kind: SecretType = kind.parse().ok()?;
            Some(Meta { place, kind, immutable, labels, annotations })
        },
    )
}

fn values() -> impl Strategy<Value = BTreeMap<Key, Vec<u8>>> {
    prop::collection::btree_map(key(), prop::collection::vec(any::<u8>(), 0..200), 0..5)
}

fn scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(vec![Scope::Strict, Scope::Namespace, Scope::Cluster])
}

fn plain(meta: &Meta, values: &BTreeMap<Key, Vec<u8>>) -> PlainSecret {
    let values = values.iter().map(|(k, v)| (k.clone(), SecretValue::new(v.clone()))).collect();
    PlainSecret { meta: meta.clone(), values }
}

proptest! {
    /// A Secret that is sealed, written, read and opened is the same Secret.
    #[test]
    fn any_secret_comes_back(meta in meta(), values in values(), scope in scope(), json in any::<bool>()) {
        let dek = [7u8; 32];
        let dek = || DataKey::from_slice(&dek).expect("32 bytes");
        let kek: KekUri = "awskms:///alias/test".parse().expect("a KEK");
        let recipients = vec![WrappedKey { kek, bytes: vec![1, 2, 3] }];
        let sealer = Sealer::from_parts(meta.place.clone(), scope, dek(), recipients);
        let sealed = sealer.seal(plain(&meta, &values), 1_700_000_000).expect("it fits");
        let format = if json { Format::Json } else { Format::Yaml };
        let text = manifest::write(&[manifest::sealed_object(&sealed)], format);
        let documents = manifest::parse(text.as_bytes()).expect("it reads back");
        let Document::Secret(object) = &documents[0] else { panic!("it is a Secret") };
        let elsewhere = "elsewhere".parse().expect("a namespace");
        let read = object.sealed(&elsewhere, SealCheck::Required).expect("it is sealed");
        prop_assert_eq!(&read, &sealed);
        let opened = read.open(&Deks::from_keys([dek()]), SealCheck::Required).expect("it opens");
        prop_assert_eq!(&opened.meta, &meta);
        let same = opened.values.iter().all(|(k, v)| values.get(k).is_some_and(|w| v.expose() == w));
        prop_assert!(same && opened.values.len() == values.len());
        for value in values.values().filter(|value| value.len() >= 8) {
            prop_assert!(!text.as_bytes().windows(value.len()).any(|window| window == value));
        }
    }

    /// No input makes a reader panic.
    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        let _ = manifest::parse(text.as_bytes());
        let _ = envcrypt_core::envelope::Jwe::parse(envcrypt_core::envelope::Kind::Value, text.as_bytes());
        let _ = text.parse::<KekUri>();
    }
}
