//! In-process: sealing and opening a Secret at the size limit, and the steps of
//! reading one. `cargo bench --bench envelope`

use std::collections::BTreeMap;

use envcrypt_core::envelope::{Deks, Scope, SealCheck, SealedSecret, Sealer};
use envcrypt_core::kek::{DataKey, WrappedKey};
use envcrypt_core::manifest::{self, Document, Format, sealed_object};
use envcrypt_core::secret::{Meta, Place, PlainSecret, SecretType, SecretValue};

/// Bytes of plaintext that come to just under 1 MiB once sealed.
const LARGEST: usize = 780_000;

fn main() {
    divan::main();
}

fn key() -> DataKey {
    DataKey::from_slice(&[7; 32]).expect("32 bytes")
}

fn plain(size: usize) -> PlainSecret {
    let place =
        Place { namespace: "prod".parse().expect("valid"), name: "db".parse().expect("valid") };
    let meta = Meta {
        place,
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let value = SecretValue::new(vec![7; size]);
    PlainSecret { meta, values: BTreeMap::from([("key".parse().expect("valid"), value)]) }
}

fn seal(plain: PlainSecret) -> SealedSecret {
    let kek = "awskms:///alias/bench".parse().expect("a KEK");
    let recipients = vec![WrappedKey { kek, bytes: vec![1; 200] }];
    let sealer = Sealer::from_parts(plain.meta.place.clone(), Scope::Strict, key(), recipients);
    sealer.seal(plain, 1_700_000_000).expect("it fits")
}

fn yaml(size: usize) -> String {
    manifest::write(&[sealed_object(&seal(plain(size)))], Format::Yaml).to_string()
}

#[divan::bench(args = [30, LARGEST])]
fn seal_a_secret(bencher: divan::Bencher<'_, '_>, size: usize) {
    bencher.with_inputs(|| plain(size)).bench_values(seal);
}

#[divan::bench(args = [30, LARGEST])]
fn open_a_secret(bencher: divan::Bencher<'_, '_>, size: usize) {
    let sealed = seal(plain(size));
    bencher.bench(|| sealed.open(&Deks::from_keys([key()]), SealCheck::Required).is_ok());
}

#[divan::bench(args = [30, LARGEST])]
fn write_yaml(bencher: divan::Bencher<'_, '_>, size: usize) {
    let sealed = seal(plain(size));
    bencher.bench(|| manifest::write(&[sealed_object(&sealed)], Format::Yaml));
}

#[divan::bench(args = [30, LARGEST])]
fn parse_yaml(bencher: divan::Bencher<'_, '_>, size: usize) {
    let yaml = yaml(size);
    bencher.bench(|| manifest::parse(yaml.as_bytes()).map(|documents| documents.len()));
}

#[divan::bench(args = [30, LARGEST])]
fn read_sealed_values(bencher: divan::Bencher<'_, '_>, size: usize) {
    let documents = manifest::parse(yaml(size).as_bytes()).expect("it reads back");
    let Document::Secret(object) = &documents[0] else { panic!("it is a Secret") };
    let namespace = "prod".parse().expect("valid");
    bencher.bench(|| object.sealed(&namespace, SealCheck::Required).is_ok());
}
