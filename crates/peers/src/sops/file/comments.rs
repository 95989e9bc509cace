//! Encrypted comments.

use std::collections::BTreeSet;
use std::ops::Range;

use envcrypt_core::kek::DataKey;
use zeroize::Zeroizing;

use super::File;
use super::walk::{mappings, scalars};
use crate::sops::value::{Encrypted, PREFIX};

/// How many keys of mappings are tried for the comments of one file. What is left is dropped.
const MAX_TRIES: usize = 100_000;

/// Opens comments. A comment does not say to which mapping it belongs, so each is tried.
pub(super) struct Comments<'f> {
    file: &'f File<'f>,
    /// For each part: the additional data of its mappings.
    mappings: Vec<BTreeSet<String>>,
    tries: usize,
}

impl File<'_> {
    /// The encrypted comments, each from its `#` to its `]`.
    pub(super) fn comments(&self) -> Vec<Range<usize>> {
        let mut taken = Vec::new();
        self.documents.iter().for_each(|document| scalars(document, &mut taken));
        taken.sort_by_key(|scalar| scalar.start);
        // A scalar can contain such a text, too.
        let is_in_scalar = |at: usize| {
            let before = taken.partition_point(|scalar| scalar.start <= at);
            taken[..before].last().is_some_and(|scalar| at < scalar.end)
        };
        let mark = format!("#{PREFIX}");
        let mut starts = self.text.match_indices(&mark).map(|(at, _)| at).peekable();
        let mut found = Vec::new();
        while let Some(at) = starts.next() {
            // A comment ends before the next one, so the text is searched only once.
            let next = starts.peek().copied().unwrap_or(self.text.len());
            let Some(length) = self.text[at..next].find([']', '\n', '\r']) else { continue };
            let end = at + length + 1;
            if self.text[at..end].ends_with(",type:comment]") && !is_in_scalar(at) {
                found.push(at..end);
            }
        }
        found
    }
}

impl<'f> Comments<'f> {
    pub(super) fn new(file: &'f File<'f>) -> Self {
        let of_part = |part: &super::Part| {
            let mut all = BTreeSet::new();
            for document in &part.documents {
                mappings(&file.documents[*document], &mut Vec::new(), &mut all);
            }
            all
        };
        Self { file, mappings: file.parts.iter().map(of_part).collect(), tries: 0 }
    }

    /// Decrypts a comment. It belongs to a mapping, and the tag says to which.
    pub(super) fn open(
        &mut self,
        at: &Range<usize>,
        keys: &[DataKey],
    ) -> Option<Zeroizing<String>> {
        let comment = Encrypted::parse(&self.file.text[at.start + 1..at.end])?;
        for (mappings, key) in self.mappings.iter().zip(keys) {
            for aad in mappings {
                self.tries += 1;
                if self.tries > MAX_TRIES {
                    return None;
                }
                if let Some(text) = comment.open(key, aad) {
                    let text = std::str::from_utf8(&text).ok()?;
                    let is_line = !text.contains(['\n', '\r']);
                    return is_line.then(|| Zeroizing::new(text.to_owned()));
                }
            }
        }
        None
    }
}
