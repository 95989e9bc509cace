//! One page of a tree: a branch, or a leaf with keys and values.

use super::Error;
use super::meta::{HEADER, u16_at, u32_at, u64_at};

const BRANCH: u16 = 0x01;
const LEAF: u16 = 0x02;
pub(super) const FREELIST: u16 = 0x10;

/// The size of the description of one element, in bytes.
const ELEMENT: usize = 16;
/// The maximum size of a key, in bytes, as in bbolt.
const MAX_KEY: usize = 32768;
/// The flag of an element that describes a bucket.
const IS_BUCKET: u32 = 0x01;

/// The header of a page.
pub(super) struct Header {
    pub number: u64,
    pub flags: u16,
    pub count: u16,
    /// The number of pages that continue this one.
    pub overflow: u32,
}

impl Header {
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            number: u64_at(bytes, 0)?,
            flags: u16_at(bytes, 8)?,
            count: u16_at(bytes, 10)?,
            overflow: u32_at(bytes, 12)?,
        })
    }
}

/// A page with the pages that continue it. Everything in it is checked.
pub(crate) struct Page<'a> {
    number: u64,
    is_leaf: bool,
    count: usize,
    bytes: &'a [u8],
    /// Where the last element ends.
    end: usize,
}

/// A key of a leaf.
pub(super) struct Entry<'a> {
    pub key: &'a [u8],
    pub value: &'a [u8],
    /// Whether the value describes a bucket.
    pub is_bucket: bool,
}

impl<'a> Page<'a> {
    /// Reads a page of a tree, or the page of an inline bucket.
    pub(super) fn parse(number: u64, bytes: &'a [u8]) -> Result<Self, Error> {
        let damaged = |reason| Error::Page { page: number, reason };
        let header = Header::parse(bytes).ok_or(damaged("it is too short"))?;
        let is_leaf = match header.flags {
            LEAF => true,
            BRANCH => false,
            _ => return Err(damaged("it is neither a branch nor a leaf")),
        };
        let count = usize::from(header.count);
        if count == 0 && !is_leaf {
            return Err(damaged("it is a branch without children"));
        }
        let mut page = Self { number, is_leaf, count, bytes, end: HEADER + count * ELEMENT };
        page.check().map_err(damaged)?;
        Ok(page)
    }

    /// Checks that the elements follow each other without overlap, in the order of their keys.
    fn check(&mut self) -> Result<(), &'static str> {
        let mut last: &[u8] = &[];
        for index in 0..self.count {
            let element = self.element(index).ok_or("an element is outside of the page")?;
            if element.start < self.end {
                return Err("two elements overlap");
            }
            if element.key <= last {
                return Err("its keys are not in order");
            }
            if element.key.len() > MAX_KEY {
                return Err("a key is too long");
            }
            self.end = element.start + element.key.len() + element.value.len();
            last = element.key;
        }
        Ok(())
    }

    /// Returns `None` for an element that is not inside the page.
    fn element(&self, index: usize) -> Option<Element<'a>> {
        let at = HEADER + index * ELEMENT;
        let number = |field: usize| u32_at(self.bytes, at + 4 * field);
        let size = |field: usize| usize::try_from(number(field)?).ok();
        let (flags, position, key_size, value_size) = if self.is_leaf {
            (number(0)?, size(1)?, size(2)?, size(3)?)
        } else {
            (0, size(0)?, size(1)?, 0)
        };
        let start = at.checked_add(position)?;
        let (key, rest) = self.bytes.get(start..)?.split_at_checked(key_size)?;
        Some(Element { at, start, key, value: rest.get(..value_size)?, flags })
    }

    fn elements(&self, count: usize) -> impl DoubleEndedIterator<Item = Element<'a>> {
        (0..count).filter_map(|index| self.element(index))
    }

    pub(super) fn is_leaf(&self) -> bool {
        self.is_leaf
    }

    /// Returns the number of the page.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Returns the pages below a branch, in the order of their keys.
    pub(super) fn children(&self) -> Vec<u64> {
        let count = if self.is_leaf { 0 } else { self.count };
        self.elements(count).filter_map(|element| u64_at(self.bytes, element.at + 8)).collect()
    }

    /// Returns the keys and values of a leaf, in the order of the keys.
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = Entry<'a>> {
        let count = if self.is_leaf { self.count } else { 0 };
        self.elements(count).map(|element| Entry {
            key: element.key,
            value: element.value,
            is_bucket: element.flags & IS_BUCKET != 0,
        })
    }

    /// Returns the bytes after the last element, which bbolt does not read.
    pub(crate) fn tail(&self) -> &'a [u8] {
        self.bytes.get(self.end..).unwrap_or_default()
    }
}

struct Element<'a> {
    /// Where the description of this element is in the page.
    at: usize,
    /// Where its key starts in the page.
    start: usize,
    key: &'a [u8],
    value: &'a [u8],
    flags: u32,
}

#[cfg(test)]
mod tests {
    use super::super::testing::{branch, leaf};
    use super::*;

    fn reason(page: &[u8]) -> &'static str {
        match Page::parse(3, page) {
            Err(Error::Page { page: 3, reason }) => reason,
            Err(error) => panic!("{error}"),
            Ok(_) => "it is valid",
        }
    }

    /// Writes a number at a position of the first element's description.
    fn with(page: &[u8], at: usize, number: u32) -> Vec<u8> {
        let mut page = page.to_vec();
        page[HEADER + at..][..4].copy_from_slice(&number.to_le_bytes());
        page
    }

    #[test]
    fn a_leaf_gives_its_keys_and_what_is_after_them() {
        let page = [leaf(&[(b"a", b"1"), (b"b", b""), (b"cc", b"22")]), b"left".to_vec()].concat();
        let page = Page::parse(3, &page).unwrap();
        let entries: Vec<_> = page.entries().map(|entry| (entry.key, entry.value)).collect();
        assert_eq!(entries, [(&b"a"[..], &b"1"[..]), (b"b", b""), (b"cc", b"22")]);
        assert_eq!(page.tail(), b"left");
        assert!(page.children().is_empty());
    }

    #[test]
    fn a_branch_gives_its_children() {
        let page = branch(&[(b"a", 7), (b"b", u64::MAX)]);
        let page = Page::parse(3, &page).unwrap();
        assert_eq!(page.children(), [7, u64::MAX]);
        assert!(page.entries().next().is_none());
    }

    #[test]
    fn an_element_must_be_inside_the_page() {
        let page = leaf(&[(b"a", b"1"), (b"b", b"2")]);
        for number in [100, i32::MAX as u32, u32::MAX] {
            for at in [4, 8, 12] {
                assert_eq!(reason(&with(&page, at, number)), "an element is outside of the page");
            }
        }
        let mut page = page;
        page[10..12].copy_from_slice(&u16::MAX.to_le_bytes());
        assert_ne!(reason(&page), "it is valid", "the count is checked");
    }

    #[test]
    fn elements_that_overlap_are_refused() {
        let page = leaf(&[(b"a", b"1"), (b"b", b"2")]);
        assert_eq!(reason(&with(&page, 4, 0)), "two elements overlap");
        assert_eq!(reason(&with(&page, 12, 2)), "two elements overlap");
    }

    #[test]
    fn keys_must_be_in_order_and_not_empty() {
        for keys in [[b"b", b"a"], [b"a", b"a"]] {
            let page = leaf(&[(keys[0], b"1"), (keys[1], b"2")]);
            assert_eq!(reason(&page), "its keys are not in order");
        }
        assert_eq!(reason(&leaf(&[(b"", b"1")])), "its keys are not in order");
        assert_eq!(reason(&leaf(&[(&[1; MAX_KEY + 1], b"")])), "a key is too long");
        assert_eq!(reason(&leaf(&[(&[1; MAX_KEY], b"")])), "it is valid");
    }

    #[test]
    fn a_page_of_another_type_is_refused() {
        for flags in [0, 3, 4, 0x10, 0xffff] {
            let mut page = leaf(&[]);
            page[8..10].copy_from_slice(&u16::to_le_bytes(flags));
            assert_eq!(reason(&page), "it is neither a branch nor a leaf");
        }
        assert_eq!(reason(&branch(&[])), "it is a branch without children");
        assert_eq!(reason(&leaf(&[])[..15]), "it is too short");
    }
}
