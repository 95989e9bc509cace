//! The two meta pages. bbolt writes one of them with each transaction.

use std::ops::RangeInclusive;

use super::{Error, ReadAt};

/// The size of a page's header, in bytes.
pub(super) const HEADER: usize = 16;
/// The size of a meta page up to its last field, in bytes.
pub(super) const META: usize = HEADER + 64;
/// Where the checksum of a meta page is.
const CHECKSUM: usize = META - 8;

const MAGIC: u32 = 0xED0C_DAED;
const VERSION: u32 = 2;
/// The number of a freelist that is not in the file. etcd does not write its freelist.
const NO_FREELIST: u64 = u64::MAX;
/// The page sizes that the reader supports, as powers of two: 512 bytes to 64 KiB.
const PAGE_SIZES: RangeInclusive<u32> = 9..=16;

/// A valid meta page.
pub(super) struct Meta {
    /// The size of a page, in bytes.
    pub page_size: u64,
    /// The page at the root of the tree of buckets.
    pub root: u64,
    /// The page with the freelist, if the file has one.
    pub freelist: Option<u64>,
    /// The number of pages. Pages after these were never in use.
    pub pages: u64,
    /// The transaction that wrote it.
    pub txid: u64,
}

impl Meta {
    /// Returns the valid meta page of the last transaction.
    pub(super) fn newest(file: &impl ReadAt, size: u64) -> Result<Self, Error> {
        let first = read(file, size, 0)?;
        let mut is_bolt = first.as_ref().is_some_and(has_magic);
        let mut newest = first.as_ref().and_then(Self::parse);
        let page_sizes = match &newest {
            Some(meta) => vec![meta.page_size],
            None => PAGE_SIZES.map(|power| 1 << power).collect(),
        };
        for page_size in page_sizes {
            let Some(second) = read(file, size, page_size)? else { continue };
            is_bolt |= has_magic(&second);
            let second = Self::parse(&second).filter(|meta| meta.page_size == page_size);
            newest = newest.into_iter().chain(second).max_by_key(|meta| meta.txid);
        }
        let newest = newest.ok_or(if is_bolt { Error::Meta } else { Error::NotBolt })?;
        newest.check(size)?;
        Ok(newest)
    }

    /// Reads a meta page. Returns `None` if it is not valid.
    fn parse(page: &[u8; META]) -> Option<Self> {
        let page_size = u32_at(page, 24)?;
        let is_supported = page_size.is_power_of_two() && PAGE_SIZES.contains(&page_size.ilog2());
        let is_valid = has_magic(page)
            && u32_at(page, 20)? == VERSION
            && is_supported
            && u64_at(page, CHECKSUM)? == fnv1a(&page[HEADER..CHECKSUM]);
        if !is_valid {
            return None;
        }
        Some(Self {
            page_size: page_size.into(),
            root: u64_at(page, 32)?,
            freelist: Some(u64_at(page, 48)?).filter(|page| *page != NO_FREELIST),
            pages: u64_at(page, 56)?,
            txid: u64_at(page, 64)?,
        })
    }

    fn check(&self, size: u64) -> Result<(), Error> {
        let needed = self.pages.saturating_mul(self.page_size);
        if needed > size {
            return Err(Error::Truncated { size, needed });
        }
        let is_inside = |page: u64| (2..self.pages).contains(&page);
        if is_inside(self.root) && self.freelist.is_none_or(is_inside) {
            Ok(())
        } else {
            Err(Error::Meta)
        }
    }
}

fn read(file: &impl ReadAt, size: u64, offset: u64) -> Result<Option<[u8; META]>, Error> {
    let mut page = [0; META];
    if offset + META as u64 > size {
        return Ok(None);
    }
    file.read_exact_at(&mut page, offset)?;
    Ok(Some(page))
}

fn has_magic(page: &[u8; META]) -> bool {
    u32_at(page, HEADER) == Some(MAGIC)
}

/// Reads a number in the byte order of the machines that etcd supports: little-endian.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

/// Reads a number as [`u16_at`] does.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}

/// Reads a number as [`u16_at`] does.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().copied().map(u64::from_le_bytes)
}

/// Computes the checksum of a meta page: 64-bit FNV-1a.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, sign};
    use super::*;

    fn newest(file: &[u8]) -> Result<Meta, Error> {
        Meta::newest(&file, file.len() as u64)
    }

    #[test]
    fn the_checksum_is_fnv_1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn the_last_transaction_counts_and_the_other_meta_page_replaces_it() {
        for page_size in [512, 4096, 65536] {
            let mut file = Builder { page_size, txid: 8, ..Builder::with_keys(&[]) }.build();
            let is = |file: &[u8], txid| {
                newest(file).is_ok_and(|m| m.txid == txid && m.page_size == page_size as u64)
            };
            assert!(is(&file, 8));
            file[40] ^= 1; // Transaction 8 wrote page 0.
            assert!(is(&file, 7));
            file[page_size + 40] ^= 1;
            assert!(matches!(newest(&file), Err(Error::Meta)));
        }
    }

    #[test]
    fn a_page_size_that_bbolt_does_not_use_is_refused() {
        for page_size in [0_u32, 256, 1000, 4095, 1 << 17, u32::MAX] {
            let mut file = Builder::with_keys(&[]).build();
            for at in [0, 512] {
                file[at + 24..at + 28].copy_from_slice(&page_size.to_le_bytes());
                sign(&mut file[at..]);
            }
            assert!(matches!(newest(&file), Err(Error::Meta)), "{page_size}");
        }
    }

    #[test]
    fn another_version_is_refused() {
        let mut file = Builder::with_keys(&[]).build();
        for at in [0, 512] {
            file[at + 20] = 3;
            sign(&mut file[at..]);
        }
        assert!(matches!(newest(&file), Err(Error::Meta)));
    }

    #[test]
    fn a_file_that_ends_too_early_is_truncated() {
        let file = Builder::with_keys(&[b"a"]).build();
        let size = file.len() as u64;
        let error = newest(&file[..file.len() - 1]).err();
        assert!(matches!(error, Some(Error::Truncated { needed, .. }) if needed == size));
    }

    #[test]
    fn a_root_that_is_not_in_the_file_is_refused() {
        for root in [0, 1, 1000, u64::MAX] {
            let file = Builder { root: Some(root), ..Builder::with_keys(&[]) }.build();
            assert!(matches!(newest(&file), Err(Error::Meta)), "{root}");
        }
    }
}
