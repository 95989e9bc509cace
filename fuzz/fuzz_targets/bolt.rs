//! A file of etcd is read to its end, whatever is in it, and what is found is in the file.
//!
//! The checksums of the meta pages are made valid first: no change to a meta page would be read.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use envcrypt_at_rest::bolt::{self, Database, Origin, ReadAt, View};
use envcrypt_at_rest::etcd::{self, Error};
use envcrypt_at_rest::residue::{self, Finding, Place};
use envcrypt_at_rest::stored::{EtcdKey, Stored};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut file = input.to_vec();
    sign(&mut file, 0);
    for power in 9..=16 {
        sign(&mut file, 1 << power);
    }
    let Ok(database) = Database::open(&file[..], Origin::DataDirectory) else { return };
    let result = database.view(|view| {
        check_order(view)?;
        check_latest(view)?;
        check_residue(view, file.len())
    });
    assert!(!matches!(result, Err(Error::Bolt(bolt::Error::Busy))), "nobody writes to it");
});

/// Makes the checksum of a meta page valid.
fn sign(file: &mut [u8], at: usize) {
    let Some(meta) = file.get_mut(at + 16..at + 80) else { return };
    if meta.starts_with(&0xED0C_DAED_u32.to_le_bytes()) {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let sum = meta[..56].iter().fold(0xcbf2_9ce4_8422_2325, mix);
        meta[56..].copy_from_slice(&sum.to_le_bytes());
    }
}

fn check_order<R: ReadAt>(view: &View<'_, R>) -> Result<(), Error> {
    let mut last = Vec::new();
    view.walk("key", |key, _| {
        assert!(key > &last[..], "each key comes once, in order");
        last = key.to_vec();
        Ok(())
    })
}

/// Compares the last revisions with those that all revisions give.
fn check_latest<R: ReadAt>(view: &View<'_, R>) -> Result<(), Error> {
    let mut expected = BTreeMap::new();
    etcd::records(view, |record| {
        expected.insert(record.key.to_vec(), (!record.is_tombstone).then_some(record.revision));
        Ok(())
    })?;
    expected.retain(|_, revision| revision.is_some());
    let latest = etcd::latest(view, b"", |record| {
        check_value(record.key, record.value);
        Some(record.revision)
    })?;
    assert_eq!(latest, expected);
    Ok(())
}

fn check_value(key: &[u8], value: &[u8]) {
    if let Some(key) = EtcdKey::parse("/registry", key) {
        assert!(!key.name.is_empty() && !key.name.contains('/'));
    }
    let stored = Stored::classify(value);
    assert_eq!(stored.is_plain(), !value.starts_with(b"k8s:enc:") && stored != Stored::Other);
    match stored {
        Stored::Local(local) => assert!(local.payload(local.key_name()).is_some()),
        Stored::KmsV2 { object, .. } => {
            assert!((1..=1024).contains(&object.key_id.len()));
            assert!(object.open(&[1; 32], key).is_err(), "nobody encrypted it with this key");
        }
        _ => {}
    }
}

fn check_residue<R: ReadAt>(view: &View<'_, R>, size: usize) -> Result<(), Error> {
    let mut old = BTreeSet::new();
    let check = |finding: Finding| {
        match finding.place {
            Place::OldRevision(revision) => assert!(old.insert(revision), "found once"),
            Place::FreePage(page) | Place::PageTail(page) => assert!(page <= size as u64 / 512),
        }
        for name in [finding.object.name, finding.object.namespace].into_iter().flatten() {
            // These are shown.
            assert!(!name.is_empty() && !name.contains(char::is_control));
        }
    };
    residue::find(view, |object| !object.kind.is_empty(), check)?;
    let latest = etcd::latest(view, b"", |record| record.revision)?;
    assert!(latest.values().all(|revision| !old.contains(revision)));
    Ok(())
}
