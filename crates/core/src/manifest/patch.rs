//! Changes that turn the text of another program's format into that of a plain Secret.

use std::ops::Range;

use zeroize::Zeroizing;

use super::Object;
use super::text::Text;
use super::tree::Node;

/// A text of YAML or JSON, and changes to it. Everything else stays byte for byte.
///
/// A method returns `None` if the text is written in a way in which this part cannot be changed
/// alone, for example with an anchor. The nodes must come from [`read`](super::tree::read) of the
/// same text.
pub struct Patch<'t>(Text<'t>);

impl<'t> Patch<'t> {
    /// Starts without changes. A byte order mark must be removed before.
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        Self(Text::new(text))
    }

    /// Replaces a scalar by text, in quotes where it needs them.
    pub fn text(&mut self, node: &Node, value: &str) -> Option<()> {
        self.0.put(node, value, false)
    }

    /// Replaces a scalar by a number or a boolean.
    pub fn word(&mut self, node: &Node, value: &str) -> Option<()> {
        self.0.put(node, value, true)
    }

    /// Removes an entry of a mapping, with its lines.
    pub fn remove(&mut self, mapping: &Node, name: &str) -> Option<()> {
        let mut entries = self.0.entries(mapping)?;
        entries.remove(name);
        self.0.apply(entries, None)
    }

    /// Puts a Secret in the place of another object.
    pub fn rewrite(&mut self, node: &Node, object: &Object) -> Option<()> {
        self.0.rewrite(node, object)
    }

    /// Puts a comment of one line in the place of another comment.
    pub fn comment(&mut self, part: Range<usize>, text: &str) {
        self.0.splice(part, format!("#{text}"));
    }

    /// Removes a part of the text, for example a comment.
    pub fn cut(&mut self, part: Range<usize>) {
        self.0.cut(part);
    }

    /// Returns the new text. It can hold plaintext, so it is wiped when it is dropped.
    ///
    /// Returns `None` if two changes meet.
    #[must_use]
    pub fn finish(self) -> Option<Zeroizing<String>> {
        self.0.finish().map(Zeroizing::new)
    }
}
