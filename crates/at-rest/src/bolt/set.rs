//! A set of pages.

use std::ops::Range;

/// A set of page numbers: one bit for each page.
pub(crate) struct PageSet {
    words: Vec<u64>,
}

impl PageSet {
    /// Returns an empty set for the pages below `pages`.
    pub(super) fn new(pages: u64) -> Self {
        let words = usize::try_from(pages.div_ceil(64)).expect("the size of a file is limited");
        Self { words: vec![0; words] }
    }

    /// Adds the pages. Returns `false` if one of them was there, or is out of range.
    #[must_use]
    pub(super) fn insert(&mut self, mut pages: Range<u64>) -> bool {
        pages.all(|page| {
            let Some(word) = self.words.get_mut((page / 64) as usize) else { return false };
            let bit = 1 << (page % 64);
            let is_new = *word & bit == 0;
            *word |= bit;
            is_new
        })
    }

    fn contains(&self, page: u64) -> bool {
        self.words.get((page / 64) as usize).is_some_and(|word| word & (1 << (page % 64)) != 0)
    }

    /// Returns the pages below `end` that are not in the set, as runs of neighbors.
    pub(crate) fn gaps(&self, end: u64) -> impl Iterator<Item = Range<u64>> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let start = (next..end).find(|page| !self.contains(*page))?;
            next = (start..end).find(|page| self.contains(*page)).unwrap_or(end);
            Some(start..next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_added_once() {
        let mut set = PageSet::new(130);
        assert!(set.insert(0..2));
        assert!(set.insert(63..66));
        assert!(!set.insert(65..67));
        assert!(!set.insert(200..201), "out of range");
    }

    #[test]
    fn the_gaps_are_what_is_not_in_the_set() {
        let mut set = PageSet::new(130);
        assert!(set.insert(0..2) && set.insert(63..66) && set.insert(129..130));
        assert_eq!(set.gaps(130).collect::<Vec<_>>(), [2..63, 66..129]);
        assert_eq!(set.gaps(200).collect::<Vec<_>>(), [2..63, 66..129, 130..200]);
        assert!(set.gaps(2).next().is_none());
    }
}
