//! The parts of a file that no tree holds.

use std::ops::Range;

use super::meta::{HEADER, META};
use super::page::{FREELIST, Header};
use super::tree::damaged;
use super::{Error, PageSet, ReadAt, View};

/// A number that takes the place of the number of pages in a long freelist.
const LONG: u16 = u16::MAX;
/// The size of a page number in a freelist, in bytes.
const NUMBER: u64 = 8;

/// Bytes of the file, and the number of the page where they start.
pub(crate) struct Part {
    pub page: u64,
    pub bytes: Range<u64>,
}

impl<R: ReadAt> View<'_, R> {
    /// Returns the unused ends of the pages that are in use without being in a tree: the meta
    /// pages, and the freelist, which this adds to the pages in use.
    pub(crate) fn other_tails(&self, used: &mut PageSet) -> Result<Vec<Part>, Error> {
        let page_size = self.meta.page_size;
        let meta =
            |page| Part { page, bytes: page * page_size + META as u64..(page + 1) * page_size };
        let mut tails = vec![meta(0), meta(1)];
        if let Some(page) = self.meta.freelist {
            let start = page * page_size;
            let (header, size) = self.header(page, used)?;
            let end = HEADER as u64 + NUMBER * self.free_count(&header, start)?;
            if header.flags != FREELIST || end > size {
                return Err(damaged(page, "it is not a valid freelist"));
            }
            tails.push(Part { page, bytes: start + end..start + size });
        }
        Ok(tails)
    }

    /// Returns how many numbers a freelist has.
    fn free_count(&self, header: &Header, start: u64) -> Result<u64, Error> {
        if header.count < LONG {
            return Ok(header.count.into());
        }
        let mut count = [0; NUMBER as usize];
        self.read(&mut count, start + HEADER as u64)?;
        Ok(u64::from_le_bytes(count).min(self.meta.pages) + 1)
    }

    /// Returns the runs of pages that are not in use, also those after the last page.
    pub(crate) fn free<'s>(&'s self, used: &'s PageSet) -> impl Iterator<Item = Part> {
        let page_size = self.meta.page_size;
        used.gaps(self.size.div_ceil(page_size)).map(move |pages| Part {
            page: pages.start,
            bytes: pages.start * page_size..(pages.end * page_size).min(self.size),
        })
    }

    /// Returns the size of a page, in bytes.
    pub(crate) fn page_size(&self) -> u64 {
        self.meta.page_size
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, freelist, leaf};
    use super::super::{Database, Origin};
    use super::*;

    type Ranges = Vec<(u64, u64)>;

    /// Returns where the unused ends of pages, and the free pages, start and end.
    fn parts(file: &[u8]) -> Result<[Ranges; 2], Error> {
        let range = |part: Part| (part.bytes.start, part.bytes.end);
        Database::open(file, Origin::Detect)?.view(|view| {
            let mut used = view.pages(|_| {})?;
            let tails = view.other_tails(&mut used)?.into_iter().map(range);
            Ok([tails.collect(), view.free(&used).map(range).collect()])
        })
    }

    #[test]
    fn a_page_that_no_tree_holds_is_free() {
        let pages = vec![leaf(&[]), leaf(&[]), leaf(&[])];
        let mut file = Builder::new(pages).build();
        file.extend([1; 700]);
        let [tails, free] = parts(&file).unwrap();
        assert_eq!(tails, [(80, 512), (592, 1024)]);
        assert_eq!(free, [(4 * 512, 6 * 512 + 700)]);
    }

    #[test]
    fn the_freelist_is_in_use_up_to_its_last_number() {
        let pages = vec![leaf(&[]), freelist(2, &[5, 6]), leaf(&[]), leaf(&[])];
        let file = Builder { freelist: Some(4), ..Builder::new(pages) }.build();
        let [tails, free] = parts(&file).unwrap();
        assert_eq!(tails[2..], [(4 * 512 + 32, 5 * 512)]);
        assert_eq!(free, [(5 * 512, 7 * 512)]);
    }

    #[test]
    fn a_long_freelist_has_its_count_first() {
        for (count, is_valid) in [(5, true), (62, false), (u64::MAX, false)] {
            let pages = vec![leaf(&[]), freelist(LONG, &[count]), leaf(&[(b"a", &[0; 31000])])];
            let file = Builder { freelist: Some(4), ..Builder::new(pages) }.build();
            assert_eq!(parts(&file).is_ok(), is_valid, "{count}");
        }
    }

    #[test]
    fn a_freelist_of_another_type_is_refused() {
        let file = Builder { freelist: Some(4), ..Builder::new(vec![leaf(&[]), leaf(&[])]) };
        assert!(matches!(parts(&file.build()), Err(Error::Page { page: 4, .. })));
    }
}
