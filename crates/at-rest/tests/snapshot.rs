//! A snapshot of a real etcd: see `fixtures/README.md`.

use std::collections::{BTreeMap, BTreeSet};

use envcrypt_at_rest::bolt::{self, Database, Origin};
use envcrypt_at_rest::etcd::{self, Error};
use envcrypt_at_rest::residue::{self, Finding, Place};
use envcrypt_at_rest::stored::{EtcdKey, Provider, Stored};
use sha2::{Digest, Sha256};

const SNAPSHOT: &[u8] = include_bytes!("fixtures/snapshot.db");
const KEYS: &str = include_str!("fixtures/snapshot.keys");

/// The database of a data directory: the snapshot without its checksum.
fn database() -> &'static [u8] {
    &SNAPSHOT[..SNAPSHOT.len() - 32]
}

fn latest<T>(prefix: &str, digest: impl Fn(&etcd::Record<'_>) -> T) -> BTreeMap<Vec<u8>, T> {
    let database = Database::open(SNAPSHOT, Origin::Detect).expect("a snapshot");
    assert!(database.is_snapshot());
    database.view(|view| etcd::latest(view, prefix.as_bytes(), &digest)).expect("keys")
}

fn residue() -> Vec<Finding> {
    let database = Database::open(database(), Origin::DataDirectory).expect("a database");
    let found = database.view(|view| {
        let mut found = Vec::new();
        residue::find(view, residue::is_secret, |finding| found.push(finding))?;
        Ok::<_, Error>(found)
    });
    found.expect("findings")
}

#[test]
fn the_keys_and_values_are_those_that_etcd_served() {
    let digest = |record: &etcd::Record<'_>| {
        let hash = Sha256::digest(record.value);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{} {hash}", record.revision.main)
    };
    let found = latest("", digest).into_iter();
    let found =
        found.map(|(key, digest)| format!("{digest} {}\n", String::from_utf8(key).unwrap()));
    assert_eq!(found.collect::<String>(), KEYS);
}

#[test]
fn each_secret_is_stored_as_it_was_written() {
    let class = |record: &etcd::Record<'_>| match Stored::classify(record.value) {
        Stored::Plain { object, .. } => {
            let (key, object) = (EtcdKey::parse("/registry", record.key).unwrap(), object.unwrap());
            assert_eq!(
                (key.name, key.namespace),
                (object.name.as_deref().unwrap(), object.namespace.as_deref())
            );
            "plain"
        }
        Stored::Local(local) => {
            assert_eq!(local.key_name(), "key1");
            local.provider.as_str()
        }
        Stored::KmsV2 { name: "provider", .. } => "kms",
        other => panic!("{other:?}"),
    };
    let mut counts = BTreeMap::new();
    for class in latest("/registry/secrets/", class).into_values() {
        *counts.entry(class).or_insert(0) += 1;
    }
    let aes = Provider::AesCbc.as_str();
    let expected = [("kms", 11), ("secretbox", 9), ("aesgcm", 9), (aes, 9), ("plain", 3)];
    assert_eq!(counts, expected.into());
}

#[test]
fn the_plaintext_of_each_place_is_found() {
    let count =
        |pattern: &[u8]| database().windows(pattern.len()).filter(|w| *w == pattern).count();
    let all = count(b"k8s\0\n\x0c\n\x02v1\x12\x06Secret") + count(b"{\"kind\":\"Secret\"");
    let live = latest("/registry/secrets/", |record| Stored::classify(record.value).is_plain());
    let live = live.into_values().filter(|is_plain| *is_plain).count();
    let found = residue();
    assert_eq!(found.len(), all - live);

    let in_old: Vec<_> = found
        .iter()
        .filter(|finding| matches!(finding.place, Place::OldRevision(_)))
        .map(|finding| finding.object.name.as_deref().unwrap())
        .collect();
    assert_eq!(in_old, ["late", "late", "gone", "back"]);
    let in_free: BTreeSet<_> = found
        .iter()
        .filter(|finding| matches!(finding.place, Place::FreePage(_)))
        .map(|finding| finding.object.name.as_deref().unwrap())
        .collect();
    assert!(in_free.contains("large") && in_free.len() > 20, "{in_free:?}");
    assert!(found.iter().all(|finding| finding.object.namespace.is_some()));
}

#[test]
fn any_kind_can_be_sought() {
    let database = Database::open(SNAPSHOT, Origin::Snapshot).unwrap();
    let found = database.view(|view| {
        let mut found = Vec::new();
        residue::find(view, |object| object.kind == "ConfigMap", |finding| found.push(finding))?;
        Ok::<_, Error>(found)
    });
    let old = |finding: &Finding| matches!(finding.place, Place::OldRevision(_));
    assert_eq!(found.unwrap().iter().filter(|finding| old(finding)).count(), 1);
}

#[test]
fn inline_buckets_are_read() {
    let database = Database::open(SNAPSHOT, Origin::Snapshot).unwrap();
    let mut keys = Vec::new();
    let walked = database.view(|view| {
        keys.clear();
        view.walk("meta", |key, _| {
            keys.push(String::from_utf8_lossy(key).into_owned());
            Ok::<_, bolt::Error>(())
        })
    });
    walked.unwrap();
    assert!(keys.contains(&"consistent_index".to_owned()), "{keys:?}");
}

#[test]
fn a_damaged_or_truncated_snapshot_is_refused() {
    let mut damaged = SNAPSHOT.to_vec();
    damaged[40_000] ^= 1;
    let opened = Database::open(&damaged[..], Origin::Detect);
    assert_eq!(
        opened.err().unwrap().to_string(),
        "the snapshot is damaged: its checksum does not match"
    );
    let cut = Database::open(&SNAPSHOT[..40_000], Origin::Detect);
    assert!(matches!(cut, Err(bolt::Error::Truncated { .. })));
    let cut = Database::open(&SNAPSHOT[..40_000], Origin::Snapshot);
    assert!(matches!(cut, Err(bolt::Error::NoChecksum)));
}
