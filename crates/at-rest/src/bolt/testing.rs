//! Writes small databases, also damaged ones, in the format of bbolt.

use sha2::{Digest, Sha256};

use super::meta::fnv1a;

/// A database: two meta pages, a page 2 that names the buckets, then `pages` from page 3 on.
pub(crate) struct Builder {
    pub page_size: usize,
    pub txid: u64,
    pub root: Option<u64>,
    pub freelist: Option<u64>,
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    pub pages: Vec<Vec<u8>>,
}

impl Builder {
    /// The bucket `key` starts at page 3, if there are pages.
    pub(crate) fn new(pages: Vec<Vec<u8>>) -> Self {
        let new =
            Self { page_size: 512, txid: 2, root: None, freelist: None, entries: vec![], pages };
        if new.pages.is_empty() { new } else { new.entry(b"key", &bucket(3, &[])) }
    }

    pub(crate) fn with_keys(keys: &[&[u8]]) -> Self {
        let entries: Vec<_> = keys.iter().map(|key| (*key, &b"value"[..])).collect();
        Self::new(vec![leaf(&entries)])
    }

    /// Replaces the buckets by one.
    pub(crate) fn entry(mut self, name: &[u8], description: &[u8]) -> Self {
        self.entries = vec![(name.to_vec(), description.to_vec())];
        self
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let entries: Vec<_> = self.entries.iter().map(|(k, v)| (1, &k[..], &v[..])).collect();
        let mut body = Vec::new();
        for page in [&leaf_of(&entries)].into_iter().chain(&self.pages) {
            let size = page.len().next_multiple_of(self.page_size);
            let number = 2 + (body.len() / self.page_size) as u64;
            let overflow = (size / self.page_size - 1) as u32;
            let start = body.len();
            body.extend_from_slice(page);
            body.resize(start + size, 0);
            body[start..start + 8].copy_from_slice(&number.to_le_bytes());
            body[start + 12..start + 16].copy_from_slice(&overflow.to_le_bytes());
        }
        let pages = 2 + (body.len() / self.page_size) as u64;
        let [even, odd] = [self.txid & !1, (self.txid - 1) | 1];
        [self.meta(0, even, pages), self.meta(1, odd, pages), body].concat()
    }

    fn meta(&self, page: u64, txid: u64, pages: u64) -> Vec<u8> {
        let mut meta = header(4, 0);
        meta[..8].copy_from_slice(&page.to_le_bytes());
        for number in [0xED0C_DAED, 2, self.page_size as u32, 0] {
            meta.extend(number.to_le_bytes());
        }
        let freelist = self.freelist.unwrap_or(u64::MAX);
        for number in [self.root.unwrap_or(2), 0, freelist, pages, txid, 0] {
            meta.extend(number.to_le_bytes());
        }
        sign(&mut meta);
        meta.resize(self.page_size, 0);
        meta
    }
}

/// Writes the checksum of a meta page.
pub(crate) fn sign(meta: &mut [u8]) {
    let sum = fnv1a(&meta[16..72]);
    meta[72..80].copy_from_slice(&sum.to_le_bytes());
}

/// Adds the checksum of a snapshot.
pub(crate) fn snapshot(database: &[u8]) -> Vec<u8> {
    [database, &Sha256::digest(database)].concat()
}

/// The description of a bucket.
pub(crate) fn bucket(root: u64, inline: &[u8]) -> Vec<u8> {
    [&root.to_le_bytes()[..], &[0; 8], inline].concat()
}

pub(crate) fn leaf(entries: &[(&[u8], &[u8])]) -> Vec<u8> {
    let entries: Vec<_> = entries.iter().map(|(key, value)| (0, *key, *value)).collect();
    leaf_of(&entries)
}

/// A leaf with flags, keys and values.
pub(crate) fn leaf_of(entries: &[(u32, &[u8], &[u8])]) -> Vec<u8> {
    let mut page = header(2, entries.len() as u16);
    let mut position = 16 * entries.len();
    for (flags, key, value) in entries {
        for number in [*flags, position as u32, key.len() as u32, value.len() as u32] {
            page.extend(number.to_le_bytes());
        }
        position = position + key.len() + value.len() - 16;
    }
    entries.iter().for_each(|(_, key, value)| page.extend([*key, *value].concat()));
    page
}

pub(crate) fn branch(children: &[(&[u8], u64)]) -> Vec<u8> {
    let mut page = header(1, children.len() as u16);
    let mut position = 16 * children.len();
    for (key, child) in children {
        page.extend((position as u32).to_le_bytes());
        page.extend((key.len() as u32).to_le_bytes());
        page.extend(child.to_le_bytes());
        position = position + key.len() - 16;
    }
    children.iter().for_each(|(key, _)| page.extend_from_slice(key));
    page
}

pub(crate) fn freelist(count: u16, numbers: &[u64]) -> Vec<u8> {
    let mut page = header(0x10, count);
    numbers.iter().for_each(|number| page.extend(number.to_le_bytes()));
    page
}

fn header(flags: u16, count: u16) -> Vec<u8> {
    let mut header = vec![0; 16];
    header[8..10].copy_from_slice(&flags.to_le_bytes());
    header[10..12].copy_from_slice(&count.to_le_bytes());
    header
}
