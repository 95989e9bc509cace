//! The trees of pages: one for each bucket, and one that names the buckets.

use zeroize::Zeroizing;

use super::meta::{HEADER, u64_at};
use super::page::{Entry, Header};
use super::{Error, Page, PageSet, ReadAt, View};

/// The maximum size of a page with the pages that continue it, in bytes. The largest page of etcd
/// holds four values, and etcd warns about values of more than 10 MiB.
const MAX_PAGE: u64 = 128 << 20;
/// The maximum depth of a tree. With two children in a branch, a tree this deep fills any file.
const MAX_DEPTH: usize = 40;
/// The maximum number of buckets. etcd has ten.
const MAX_BUCKETS: usize = 1000;
/// The maximum size of an inline bucket, in bytes: bbolt allows a quarter of a page.
const MAX_INLINE: usize = 1 << 14;
/// The size of the description of a bucket, in bytes. The page of an inline bucket follows it.
const BUCKET: usize = 16;

/// A bucket, and where its keys are.
struct Bucket {
    name: Vec<u8>,
    root: Root,
}

enum Root {
    Page(u64),
    /// The page is in a value of the page `parent`.
    Inline {
        parent: u64,
        page: Zeroizing<Vec<u8>>,
    },
}

/// A buffer that is wiped, also when it grows.
#[derive(Default)]
struct Buffer(Zeroizing<Vec<u8>>);

impl Buffer {
    fn room(&mut self, size: usize) -> &mut [u8] {
        if self.0.len() < size {
            self.0 = Zeroizing::new(vec![0; size.next_power_of_two()]);
        }
        &mut self.0[..size]
    }
}

impl<R: ReadAt> View<'_, R> {
    /// Calls `visit` with each key and value of a bucket, in the order of the keys.
    ///
    /// # Errors
    /// Returns what `visit` returns, or an [`Error`] when the database is damaged.
    pub fn walk<E: From<Error>>(
        &self,
        bucket: &'static str,
        mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut used = self.meta_pages()?;
        let mut buckets = self.buckets(&mut used, |_| {})?.into_iter();
        let found = buckets.find(|other| other.name == bucket.as_bytes());
        let found = found.ok_or(Error::NoBucket(bucket))?;
        self.bucket(&found.root, &mut used, |page| {
            let mut values = page.entries().filter(|entry| !entry.is_bucket);
            values.try_for_each(|entry| visit(entry.key, entry.value))
        })
    }

    /// Calls `visit` with each page of each tree. Returns the pages in use, without the freelist.
    pub(crate) fn pages(&self, mut visit: impl FnMut(&Page<'_>)) -> Result<PageSet, Error> {
        let mut used = self.meta_pages()?;
        let mut buckets = self.buckets(&mut used, &mut visit)?;
        let mut count = buckets.len();
        while let Some(bucket) = buckets.pop() {
            let is_inline = matches!(bucket.root, Root::Inline { .. });
            self.bucket(&bucket.root, &mut used, |page| {
                if !is_inline {
                    visit(page);
                }
                for entry in page.entries().filter(|entry| entry.is_bucket) {
                    count += 1;
                    buckets.push(Bucket::parse(page.number(), &entry, count)?);
                }
                Ok::<_, Error>(())
            })?;
        }
        Ok(used)
    }

    /// Reads the tree that names the buckets.
    fn buckets(
        &self,
        used: &mut PageSet,
        mut visit: impl FnMut(&Page<'_>),
    ) -> Result<Vec<Bucket>, Error> {
        let mut buckets = Vec::new();
        self.tree(self.meta.root, used, |page| {
            visit(page);
            for entry in page.entries().filter(|entry| entry.is_bucket) {
                buckets.push(Bucket::parse(page.number(), &entry, buckets.len() + 1)?);
            }
            Ok::<_, Error>(())
        })?;
        Ok(buckets)
    }

    fn bucket<E: From<Error>>(
        &self,
        root: &Root,
        used: &mut PageSet,
        mut visit: impl FnMut(&Page<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        match root {
            Root::Page(number) => self.tree(*number, used, visit),
            Root::Inline { parent, page } => {
                let page = Page::parse(*parent, page)?;
                if !page.is_leaf() || page.entries().any(|entry| entry.is_bucket) {
                    return Err(damaged(*parent, "an inline bucket is more than a leaf").into());
                }
                visit(&page)
            }
        }
    }

    /// Calls `visit` with each page of a tree: a branch before the pages below it, and the leaves
    /// in the order of their keys.
    fn tree<E: From<Error>>(
        &self,
        root: u64,
        used: &mut PageSet,
        mut visit: impl FnMut(&Page<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut buffer = Buffer::default();
        let mut last = Vec::new();
        let mut stack = vec![vec![root].into_iter()];
        while let Some(level) = stack.last_mut() {
            let Some(number) = level.next() else {
                stack.pop();
                continue;
            };
            let page = self.page(number, used, &mut buffer)?;
            if page.entries().next().is_some_and(|first| first.key <= &last[..]) {
                return Err(damaged(number, "its keys belong before it").into());
            }
            if let Some(entry) = page.entries().next_back() {
                last = entry.key.to_vec();
            }
            if !page.is_leaf() {
                if stack.len() == MAX_DEPTH {
                    return Err(damaged(number, "the tree is too deep").into());
                }
                stack.push(page.children().into_iter());
            }
            visit(&page)?;
        }
        Ok(())
    }

    /// Reads one page of a tree, with the pages that continue it.
    fn page<'b>(
        &self,
        number: u64,
        used: &mut PageSet,
        buffer: &'b mut Buffer,
    ) -> Result<Page<'b>, Error> {
        let (_, size) = self.header(number, used)?;
        if size > MAX_PAGE {
            return Err(damaged(number, "it is too large"));
        }
        let bytes = buffer.room(size as usize);
        self.read(bytes, number * self.meta.page_size)?;
        Page::parse(number, bytes)
    }

    /// Reads the header of a page, and adds the page to those in use. Returns also its size, in
    /// bytes, with the pages that continue it.
    pub(super) fn header(&self, number: u64, used: &mut PageSet) -> Result<(Header, u64), Error> {
        if !(2..self.meta.pages).contains(&number) {
            return Err(damaged(number, "there is no such page"));
        }
        let mut bytes = [0; HEADER];
        self.read(&mut bytes, number * self.meta.page_size)?;
        let header = Header::parse(&bytes).ok_or(damaged(number, "it is too short"))?;
        if header.number != number {
            return Err(damaged(number, "it has the number of another page"));
        }
        let end = number + 1 + u64::from(header.overflow);
        if end > self.meta.pages {
            return Err(damaged(number, "it continues after the last page"));
        }
        if !used.insert(number..end) {
            return Err(damaged(number, "it is used twice"));
        }
        Ok((header, (end - number) * self.meta.page_size))
    }

    /// Returns the pages that are in use without being in a tree.
    fn meta_pages(&self) -> Result<PageSet, Error> {
        let mut used = PageSet::new(self.meta.pages);
        if used.insert(0..2) { Ok(used) } else { Err(Error::Meta) }
    }

    /// Fills the buffer with the bytes at `offset`.
    pub(crate) fn read(&self, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
        Ok(self.file.read_exact_at(buffer, offset)?)
    }
}

impl Bucket {
    /// Reads the description of the bucket with the number `count`.
    fn parse(page: u64, entry: &Entry<'_>, count: usize) -> Result<Self, Error> {
        if count > MAX_BUCKETS {
            return Err(Error::Buckets);
        }
        let name = entry.key.to_vec();
        let root = match (u64_at(entry.value, 0), entry.value.get(BUCKET..)) {
            (Some(0), Some(inline)) if inline.len() <= MAX_INLINE => {
                Root::Inline { parent: page, page: Zeroizing::new(inline.to_vec()) }
            }
            (Some(number), Some([])) => Root::Page(number),
            _ => return Err(damaged(page, "the description of a bucket has a wrong size")),
        };
        Ok(Self { name, root })
    }
}

pub(super) fn damaged(page: u64, reason: &'static str) -> Error {
    Error::Page { page, reason }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, branch, bucket, leaf, leaf_of};
    use super::super::{Database, Origin};
    use super::*;

    /// Returns the keys of the bucket `key`, or the reason why the tree is refused.
    fn walk(file: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
        let database = Database::open(file, Origin::Detect).unwrap();
        let result = database.view(|view| {
            let mut keys = Vec::new();
            view.walk("key", |key, _| {
                keys.push(key.to_vec());
                Ok::<_, Error>(())
            })?;
            view.pages(|_| {})?;
            Ok(keys)
        });
        result.map_err(|error| match error {
            Error::Page { reason, .. } => reason,
            error => panic!("{error}"),
        })
    }

    fn tree(pages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, &'static str> {
        walk(&Builder::new(pages).build())
    }

    #[test]
    fn the_keys_of_all_leaves_come_in_order() {
        let pages = vec![
            branch(&[(b"a", 5), (b"d", 4)]),
            leaf(&[(b"d", b"1"), (b"e", b"2")]),
            branch(&[(b"a", 6), (b"c", 7)]),
            leaf(&[(b"a", b"")]),
            leaf(&[(b"c", b"")]),
        ];
        assert_eq!(tree(pages).unwrap(), [b"a", b"c", b"d", b"e"]);
    }

    #[test]
    fn a_value_continues_on_the_next_pages() {
        let file = Builder::new(vec![leaf(&[(b"a", &[7; 5000]), (b"b", b"")])]).build();
        assert_eq!(file.len(), 13 * 512, "two meta pages, the root, ten pages for the leaf");
        assert_eq!(walk(&file).unwrap(), [b"a", b"b"]);
    }

    #[test]
    fn a_page_that_is_used_twice_is_refused() {
        let twice = "it is used twice";
        assert_eq!(tree(vec![branch(&[(b"a", 3)])]), Err(twice), "a loop");
        assert_eq!(tree(vec![branch(&[(b"a", 4)]), branch(&[(b"a", 3)])]), Err(twice));
        let leaf = leaf(&[(b"a", b"")]);
        assert_eq!(tree(vec![branch(&[(b"a", 4), (b"b", 4)]), leaf.clone()]), Err(twice));
        assert_eq!(tree(vec![branch(&[(b"a", 2)]), leaf]), Err(twice), "the root");
    }

    #[test]
    fn a_page_must_be_in_the_file() {
        for page in [0, 1, 4, 1 << 40, u64::MAX] {
            assert_eq!(tree(vec![branch(&[(b"a", page)])]), Err("there is no such page"));
        }
        let mut file = Builder::with_keys(&[b"a"]).build();
        for overflow in [1, u32::MAX] {
            file[3 * 512 + 12..][..4].copy_from_slice(&overflow.to_le_bytes());
            assert_eq!(walk(&file), Err("it continues after the last page"));
        }
    }

    #[test]
    fn a_page_must_have_its_own_number() {
        let mut file = Builder::with_keys(&[b"a"]).build();
        file[3 * 512] = 4;
        assert_eq!(walk(&file), Err("it has the number of another page"));
    }

    #[test]
    fn keys_must_be_in_order_over_all_leaves() {
        let pages = |second: &[u8]| {
            vec![
                branch(&[(b"a", 4), (b"b", 5)]),
                leaf(&[(b"a", b""), (b"c", b"")]),
                leaf(&[(second, b"")]),
            ]
        };
        for key in [b"b", b"c"] {
            assert_eq!(tree(pages(key)), Err("its keys belong before it"));
        }
        assert!(tree(pages(b"d")).is_ok());
    }

    #[test]
    fn a_tree_that_is_too_deep_is_refused() {
        let chain = |depth: u64| {
            let mut pages: Vec<_> = (0..depth).map(|n| branch(&[(b"a", n + 4)])).collect();
            pages.push(leaf(&[(b"a", b"")]));
            pages
        };
        assert!(tree(chain(MAX_DEPTH as u64 - 1)).is_ok());
        assert_eq!(tree(chain(MAX_DEPTH as u64)), Err("the tree is too deep"));
    }

    #[test]
    fn an_inline_bucket_has_its_page_in_its_value() {
        let inline = bucket(0, &leaf(&[(b"a", b"1"), (b"b", b"2")]));
        assert_eq!(walk(&Builder::new(vec![]).entry(b"key", &inline).build()).unwrap().len(), 2);
        let inside = "an inline bucket is more than a leaf";
        let nested = bucket(0, &leaf_of(&[(1, b"a", &inline)]));
        assert_eq!(walk(&Builder::new(vec![]).entry(b"key", &nested).build()), Err(inside));
        let branch = bucket(0, &branch(&[(b"a", 3)]));
        assert_eq!(walk(&Builder::new(vec![]).entry(b"key", &branch).build()), Err(inside));
        let short = Builder::new(vec![]).entry(b"key", &[0; 15]).build();
        assert_eq!(walk(&short), Err("the description of a bucket has a wrong size"));
    }

    #[test]
    fn a_bucket_inside_a_bucket_is_not_a_key_and_its_pages_are_in_use() {
        let pages = vec![leaf_of(&[(1, b"a", &bucket(4, &[])), (0, b"b", b"")]), leaf(&[])];
        let file = Builder::new(pages).build();
        assert_eq!(walk(&file).unwrap(), [b"b"]);
        let database = Database::open(&file[..], Origin::Detect).unwrap();
        let used = database.view(|view| view.pages(|_| {})).unwrap();
        assert!(used.gaps(5).next().is_none());
    }

    #[test]
    fn too_many_buckets_are_refused() {
        let pages = |count: u32| {
            let keys: Vec<_> = (0..count).map(|n| (n + 1).to_be_bytes()).collect();
            let inline = bucket(0, &leaf(&[]));
            let entries: Vec<_> = keys.iter().map(|key| (1, &key[..], &inline[..])).collect();
            Builder::new(vec![leaf_of(&entries)]).build()
        };
        let open = |file: &[u8]| {
            let database = Database::open(file, Origin::Detect).unwrap();
            database.view(|view| view.pages(|_| {})).map(drop)
        };
        assert!(open(&pages(MAX_BUCKETS as u32 - 1)).is_ok());
        assert!(matches!(open(&pages(MAX_BUCKETS as u32)), Err(Error::Buckets)));
    }
}
