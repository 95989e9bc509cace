//! Encrypted comments.

use std::ops::Range;

use envcrypt_core::kek::DataKey;
use envcrypt_core::manifest::tree::Node;
use zeroize::Zeroizing;

use super::File;
use super::walk::{mappings, walk};
use crate::sops::value::{Encrypted, PREFIX};

impl File<'_> {
    /// The encrypted comments, each from its `#` to its `]`.
    pub(super) fn comments(&self) -> Vec<Range<usize>> {
        let mut scalars = Vec::new();
        let mut take = |_: &[&str], node: &Node| {
            scalars.push(node.start.index..node.end.index);
            Ok(())
        };
        for document in &self.documents {
            // Each key is text, otherwise nothing was decrypted.
            let _ = walk(document, &mut Vec::new(), &mut take);
        }
        let mark = format!("#{PREFIX}");
        let found = self.text.match_indices(&mark).filter_map(|(at, _)| {
            let end = at + self.text[at..].find(']')? + 1;
            self.text[at..end].ends_with(",type:comment]").then_some(at..end)
        });
        // A scalar can contain such a text, too.
        scalars.sort_by_key(|scalar| scalar.start);
        let is_in_scalar = |at: usize| {
            let before = scalars.partition_point(|scalar| scalar.start <= at);
            scalars[..before].last().is_some_and(|scalar| at < scalar.end)
        };
        found.filter(|range| !is_in_scalar(range.start)).collect()
    }

    /// Decrypts a comment. It belongs to a mapping, and the tag says to which.
    pub(super) fn open_comment(
        &self,
        at: &Range<usize>,
        keys: &[DataKey],
    ) -> Option<Zeroizing<String>> {
        let comment = Encrypted::parse(&self.text[at.start + 1..at.end])?;
        for (part, key) in self.parts.iter().zip(keys) {
            for document in &part.documents {
                let mut paths = Vec::new();
                mappings(&self.documents[*document], &mut Vec::new(), &mut paths);
                let mut texts = paths.iter().filter_map(|aad| comment.open(key, aad));
                if let Some(text) = texts.next() {
                    let text = std::str::from_utf8(&text).ok()?;
                    let is_line = !text.contains(['\n', '\r']);
                    return is_line.then(|| Zeroizing::new(text.to_owned()));
                }
            }
        }
        None
    }
}
