//! A damaged database gives an error or a result: it never panics, and it always ends.

use envcrypt_at_rest::bolt::{self, Database, Origin};
use envcrypt_at_rest::etcd::{self, Error};
use envcrypt_at_rest::residue;
use proptest::prelude::*;

const SNAPSHOT: &[u8] = include_bytes!("fixtures/snapshot.db");
const PAGE: usize = 4096;

/// One change of the file.
#[derive(Debug, Clone)]
enum Damage {
    /// Changes one byte.
    Flip(prop::sample::Index, u8),
    /// Overwrites a number in the first bytes of a page, where its header and elements are.
    Header(prop::sample::Index, usize, u32),
    /// Copies a page over another one, with its number or without it.
    Copy(prop::sample::Index, prop::sample::Index, bool),
    /// Cuts off the end.
    Cut(prop::sample::Index),
    /// Inserts bytes.
    Insert(prop::sample::Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    let index = any::<prop::sample::Index>;
    let number = prop_oneof![0..64_u32, Just(u32::MAX), Just(1 << 31), any::<u32>()];
    prop_oneof![
        4 => (index(), 1..=255_u8).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        8 => (index(), 0..200_usize, number).prop_map(|(page, at, n)| Damage::Header(page, at, n)),
        4 => (index(), index(), any::<bool>()).prop_map(|(a, b, c)| Damage::Copy(a, b, c)),
        1 => index().prop_map(Damage::Cut),
        1 => (index(), prop::collection::vec(any::<u8>(), 1..600))
            .prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

fn apply(file: &mut Vec<u8>, damage: &Damage) {
    if file.len() < 2 * PAGE {
        return;
    }
    let pages = file.len() / PAGE;
    match damage {
        Damage::Flip(at, bits) => {
            let at = at.index(file.len());
            file[at] ^= bits;
        }
        Damage::Header(page, at, number) => {
            let at = page.index(pages) * PAGE + at;
            file[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        Damage::Copy(from, to, with_number) => {
            let skip = if *with_number { 0 } else { 8 };
            let from = from.index(pages) * PAGE;
            file.copy_within(from + skip..from + PAGE, to.index(pages) * PAGE + skip);
        }
        Damage::Cut(at) => file.truncate(at.index(file.len())),
        Damage::Insert(at, bytes) => {
            let at = at.index(file.len());
            file.splice(at..at, bytes.iter().copied());
        }
    }
}

/// Makes the checksums of the meta pages valid.
fn sign(file: &mut [u8]) {
    for at in [0, PAGE] {
        let Some(meta) = file.get_mut(at + 16..at + 80) else { return };
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
        let sum = meta[..56].iter().fold(0xcbf2_9ce4_8422_2325, mix);
        meta[56..].copy_from_slice(&sum.to_le_bytes());
    }
}

fn read(file: &[u8]) -> Result<usize, Error> {
    let database = Database::open(file, Origin::DataDirectory)?;
    database.view(|view| {
        for bucket in ["key", "meta", "members"] {
            let mut last = Vec::new();
            let walked = view.walk(bucket, |key, _| {
                assert!(key > &last[..], "the keys are in order");
                last = key.to_vec();
                Ok::<_, bolt::Error>(())
            });
            drop(walked);
        }
        let keys = etcd::latest(view, b"", |record| record.value.len());
        let mut found = 0;
        residue::find(view, |_| true, |_| found += 1)?;
        Ok(keys?.len() + found)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn a_damaged_database_gives_an_error_or_a_result(
        damages in prop::collection::vec(damage(), 1..6),
        with_checksums in any::<bool>(),
    ) {
        let mut file = SNAPSHOT[..SNAPSHOT.len() - 32].to_vec();
        damages.iter().for_each(|damage| apply(&mut file, damage));
        if with_checksums {
            sign(&mut file);
        }
        let _ = read(&file);
    }

    #[test]
    fn any_bytes_give_an_error(bytes in prop::collection::vec(any::<u8>(), 0..5000)) {
        prop_assert!(read(&bytes).is_err());
    }
}

#[test]
fn the_undamaged_database_gives_a_result() {
    assert!(read(&SNAPSHOT[..SNAPSHOT.len() - 32]).is_ok_and(|count| count > 90));
}
