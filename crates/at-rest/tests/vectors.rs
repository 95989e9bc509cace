//! Values that kube-apiserver's own code encrypted: see `fixtures/README.md`.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use envcrypt_at_rest::stored::open::{Error, LocalKey, Plaintext};
use envcrypt_at_rest::stored::{DekSource, Stored};
use serde::Deserialize;
use zeroize::Zeroizing;

const VECTORS: &str = include_str!("fixtures/vectors.json");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    provider: String,
    #[serde(default)]
    key_name: String,
    secret: String,
    etcd_key: String,
    value: String,
    plaintext: String,
}

impl Vector {
    fn open(&self, value: &[u8], secret: &[u8], etcd_key: &str) -> Result<Plaintext, Error> {
        match Stored::classify(value) {
            Stored::Local(local) => {
                let key = LocalKey::new(self.key_name.clone(), Zeroizing::new(secret.to_vec()));
                assert_eq!(local.provider.as_str(), self.provider);
                local.open(&key, etcd_key.as_bytes())
            }
            Stored::KmsV2 { object, .. } => object.open(secret, etcd_key.as_bytes()),
            _ => Err(Error::Refused),
        }
    }
}

fn decode(text: &str) -> Vec<u8> {
    BASE64_STANDARD.decode(text).expect("base64")
}

fn for_each(check: impl Fn(&Vector, Vec<u8>, Vec<u8>)) {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("JSON");
    assert_eq!(vectors.len(), 11);
    for vector in vectors {
        check(&vector, decode(&vector.value), decode(&vector.secret));
    }
}

#[test]
fn each_value_opens_with_its_key() {
    for_each(|vector, value, secret| {
        let opened = vector.open(&value, &secret, &vector.etcd_key).unwrap();
        assert_eq!(*opened, decode(&vector.plaintext), "{}", vector.provider);
    });
}

#[test]
fn another_key_or_a_key_of_another_size_is_refused() {
    for_each(|vector, value, mut secret| {
        for size in [0, 15, 17, 31] {
            let opened = vector.open(&value, &vec![1; size], &vector.etcd_key);
            assert!(matches!(opened, Err(Error::KeySize { size: s, .. }) if s == size), "{size}");
        }
        secret[3] ^= 1;
        let opened = vector.open(&value, &secret, &vector.etcd_key);
        assert_eq!(opened.err(), Some(Error::Refused), "{}", vector.provider);
    });
}

#[test]
fn a_key_with_another_name_is_refused() {
    for_each(|vector, value, secret| {
        if let Stored::Local(local) = Stored::classify(&value) {
            let key = LocalKey::new("other".to_owned(), Zeroizing::new(secret));
            let opened = local.open(&key, vector.etcd_key.as_bytes());
            assert_eq!(opened.err(), Some(Error::OtherKey(local.key_name().to_owned())));
        }
    });
}

#[test]
fn a_moved_value_is_refused_where_the_provider_binds_it() {
    for_each(|vector, value, secret| {
        let opened = vector.open(&value, &secret, "/registry/secrets/other/name");
        let is_bound = ["aesgcm", "kms"].contains(&vector.provider.as_str());
        assert_eq!(opened.is_err(), is_bound, "{}", vector.provider);
    });
}

#[test]
fn a_changed_or_cut_value_never_gives_the_plaintext() {
    for_each(|vector, value, secret| {
        let plaintext = decode(&vector.plaintext);
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 0x40;
            for value in [&changed[..], &value[..at]] {
                if let Ok(opened) = vector.open(value, &secret, &vector.etcd_key) {
                    // Only AES-CBC, and the names in a KMS value, are not authenticated.
                    assert!(vector.provider == "aescbc" || *opened == plaintext);
                    assert!(vector.provider == "kms" || *opened != plaintext);
                }
            }
        }
    });
}

#[test]
fn a_kms_value_says_what_the_plugin_needs() {
    let mut sources = std::cell::RefCell::new(Vec::new());
    for_each(|_, value, _| {
        let Stored::KmsV2 { name, object } = Stored::classify(&value) else { return };
        assert_eq!(name, "provider");
        assert_eq!((object.key_id, object.encrypted_dek_source), ("key-1", &b"wrapped"[..]));
        let expected = [("one.example.com", &b"1"[..]), ("two.example.com", &[0, 255])];
        assert_eq!(object.annotations, expected.into());
        sources.borrow_mut().push(object.dek_source);
    });
    assert_eq!(*sources.get_mut(), [DekSource::AesGcmKey, DekSource::HkdfSeed]);
}
