//! Finds every Secret and `EnvcryptSecret` in a text, and sealed values outside of them.
//!
//! Secrets can be in lists, in templates of other objects, in files of Kustomize, and between the
//! expressions of Helm.
//!
//! A text that `kubectl` can apply is valid YAML or JSON. In it, only few values count as gaps.
//! Only a text that is not valid can be a template.

mod anywhere;
mod gap;
mod glance;
mod heredoc;
mod json;
mod kustomize;
mod lines;
mod look;
mod resource;

use std::cell::OnceCell;

use memchr::memmem;
use serde_yaml::Value;

use self::gap::{Markers, Replaced};
use self::kustomize::Target;
use self::look::Look;
use super::{LAST_APPLIED_ANNOTATION, Object, SEALED_TYPE};
use crate::manifest::tree::{self, ErrorKind, MAX_NODES, Node, Read, TreeError};

pub use self::anywhere::{Sealing, may_have_sealed, sealings};
pub use self::glance::may_find;
pub use self::heredoc::heredocs;

/// The start of every sealed value in base64.
pub(super) const SEALED_MARK: &str = "eyJwcm90ZWN0ZWQiOi";
/// The start of every sealed value in JSON.
const SEALED_JSON: &str = "{\"protected\":\"";
/// The start of the base64 in the member `protected` of this JSON.
const PROTECTED: &str = "eyJ0eXAiOiJlbnZjcnlwdC12";
/// The maximum depth of texts inside texts, such as patches inside patches.
const MAX_TEXTS: usize = 3;

/// A position in a text. Line and column are counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// Something found in a text.
pub enum Found {
    /// A Secret.
    Secret(Box<FoundSecret>),
    /// A sealed value outside a Secret.
    Sealed(Position),
    /// A text that mentions a Secret, and that cannot be read even line by line.
    Unreadable(Position),
}

impl Found {
    /// Returns the same finding with positions moved down by `lines`, for a text inside another.
    #[must_use]
    pub fn below(self, lines: usize) -> Self {
        let down = |at: Position| Position { line: at.line + lines, ..at };
        match self {
            Self::Sealed(at) => Self::Sealed(down(at)),
            Self::Unreadable(at) => Self::Unreadable(down(at)),
            Self::Secret(mut secret) => {
                secret.at = down(secret.at);
                secret.literals.iter_mut().for_each(|(_, at)| *at = down(*at));
                Self::Secret(secret)
            }
        }
    }
}

/// A Secret in any form: an object, a patch, a generator, or lines of a template.
pub struct FoundSecret {
    /// The object. `None` if it cannot be applied as it is, or if its name is a template.
    pub object: Option<Value>,
    /// Whether its `type` is that of a sealed Secret.
    pub is_sealed: bool,
    /// Where the Secret begins.
    pub at: Position,
    /// The position of each plaintext value, with its key if that is known.
    pub literals: Vec<(Option<String>, Position)>,
}

impl FoundSecret {
    /// Returns the object if it has only the fields of a Secret, or only those of an
    /// `EnvcryptSecret`.
    #[must_use]
    pub fn into_object(self) -> Option<Object> {
        serde_yaml::from_value(self.object?).ok().filter(Object::has_its_fields)
    }
}

/// The kind of a file, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A manifest or a template of one. A part that cannot be read and mentions a Secret is
    /// reported.
    Manifest,
    /// A kustomization.
    Kustomization,
    /// Any other file. `kubectl` would apply the part of it that is valid, so only that is scanned.
    Other,
}

/// Scans each document of a text on its own.
///
/// It does not fail: a document that cannot be read does not affect the others.
#[must_use]
pub fn scan(text: &str, kind: FileKind) -> Vec<Found> {
    scan_with(text, kind, true)
}

/// Scans every document, also those in which the bytes show that there is nothing.
#[cfg(test)]
fn scan_all(text: &str, kind: FileKind) -> Vec<Found> {
    scan_with(text, kind, false)
}

fn scan_with(text: &str, kind: FileKind, may_skip: bool) -> Vec<Found> {
    let mut scan = Scan { nodes: MAX_NODES, found: Vec::new(), may_skip };
    let context = Context {
        is_kustomization: kind == FileKind::Kustomization,
        as_it_is: kind == FileKind::Other,
        fixed: None,
        depth: 0,
        target: None,
        markers: None,
    };
    scan.text(text, context);
    scan.found
}

/// Returns whether a file may contain a Secret or a sealed value.
///
/// The check is fast, and it can be wrong about a file without a Secret. It never misses a file
/// from which `kubectl` would apply a Secret.
#[must_use]
pub fn may_mention(bytes: &[u8]) -> bool {
    is_wide(bytes)
        || may_hide_words(bytes)
        || ["ecret", SEALED_MARK, SEALED_JSON, PROTECTED]
            .into_iter()
            .any(|word| memmem::find(bytes, word.as_bytes()).is_some())
}

/// Returns whether a text begins as UTF-16 does, in which most bytes of words are zero.
#[must_use]
pub fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff")
}

/// Returns whether the text may have a word that a search of its bytes does not find: an escape or
/// a `!!binary` tag can hide any text from it.
fn may_hide_words(bytes: &[u8]) -> bool {
    memchr::memchr(b'\\', bytes).is_some()
        || BINARY.iter().any(|tag| memmem::find(bytes, tag.as_bytes()).is_some())
}

/// Texts that may be a `!!binary` tag, which hides any text. `!!bin%61ry` is also such a tag.
pub(super) const BINARY: [&str; 4] = ["!!b", "!!%", "!<", "%TAG"];

/// Whether a text that cannot be read may hide a Secret.
fn may_hide_secret(text: &str) -> bool {
    text.contains("ecret") || may_hide_words(text.as_bytes())
}

/// The context in which a text is scanned.
#[derive(Clone, Copy)]
struct Context {
    is_kustomization: bool,
    /// Whether the text cannot be a template, so that only its valid part matters.
    as_it_is: bool,
    /// The position to report for everything in the text.
    fixed: Option<Position>,
    /// How many other texts the text is in.
    depth: usize,
    /// What the text patches, if it is a patch.
    target: Option<Target>,
    /// The markers that replace expressions in the outer text.
    markers: Option<Markers>,
}

struct Scan {
    /// How many nodes may still be read.
    nodes: usize,
    found: Vec<Found>,
    /// Whether to skip documents in which there can be nothing.
    may_skip: bool,
}

impl Scan {
    fn text(&mut self, text: &str, context: Context) {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let replaced = OnceCell::new();
        let replaced = &|| replaced.get_or_init(|| Replaced::new(text, context.markers));
        let may_skip = self.may_skip
            && context.depth == 0
            && !context.is_kustomization
            && (context.as_it_is || !glance::may_be_too_large(text.as_bytes()));
        let documents = tree::split(text);
        // A template before a last line without a line break is read together with this line.
        let joined = match &documents[..] {
            [.., _, (_, last)] if !last.contains('\n') => documents.len() - 2,
            _ => documents.len(),
        };
        for (index, (before, document)) in documents.into_iter().enumerate() {
            if may_skip && index != joined && has_nothing(document, !context.as_it_is) {
                continue;
            }
            self.document(before, document, replaced, context);
        }
    }

    /// Scans a document, or several ones that are not separated by `---`.
    fn document<'r>(
        &mut self,
        before: usize,
        text: &str,
        replaced: &dyn Fn() -> &'r Replaced,
        context: Context,
    ) {
        let Read { documents, error } = tree::read_within(text, &mut self.nodes);
        if error.is_some_and(is_bound) {
            self.look(before, &documents, context);
            if context.as_it_is {
                return;
            }
            let at = self.position(before, error, context);
            self.found.extend(may_hide_secret(text).then_some(Found::Unreadable(at)));
            return;
        }
        if error.is_some() && text.trim_start().starts_with(['{', '[']) {
            let (values, read) = json::values(text);
            if read > 0 {
                for (line, value) in values {
                    let at = Position { line: before + line, column: 1 };
                    let fixed = context.fixed.or(Some(at));
                    self.look(before, &[value], Context { fixed, ..context });
                }
                let before = before + text[..read].matches('\n').count();
                let rest = &text[read..];
                if !rest.trim().is_empty() {
                    self.document(before, rest, replaced, context);
                }
                return;
            }
        }
        let has_braces = text.contains("{{");
        if !has_braces || documents.iter().all(Node::has_plain_keys) {
            self.look(before, &documents, context);
            if error.is_none() {
                return;
            }
        }
        let Some(error) = error.or(has_braces.then(TreeError::default)) else { return };
        if context.as_it_is {
            return;
        }
        if !has_braces || is_go_escape(text, error) {
            let gaps = gap::Gaps { markers: context.markers, is_sops: false };
            return self.unreadable(before, rest_of(text, &documents), error, &gaps, context);
        }
        let replaced = replaced();
        let text = replaced.lines(before, text.matches('\n').count());
        let context = Context { markers: Some(replaced.markers), ..context };
        let Read { documents, error } = tree::read_within(text, &mut self.nodes);
        self.look(before, &documents, context);
        if let Some(error) = error {
            let gaps = gap::Gaps { markers: context.markers, is_sops: false };
            self.unreadable(before, rest_of(text, &documents), error, &gaps, context);
        }
    }

    fn look(&mut self, before: usize, documents: &[Node], context: Context) {
        for document in documents {
            Look::new(self, before, document, context).document(document);
        }
    }

    /// Scans a text that cannot be read, line by line.
    fn unreadable(
        &mut self,
        before: usize,
        (skipped, text): (usize, &str),
        error: TreeError,
        gaps: &gap::Gaps,
        context: Context,
    ) {
        if !lines::mentions_secret(text) {
            return;
        }
        let at = self.position(before, Some(error), context);
        let mut secret = lines::secret(before + skipped, text, gaps);
        if secret.literals.is_empty() {
            return self.found.push(Found::Unreadable(at));
        }
        if let Some(fixed) = context.fixed {
            secret.at = Some(fixed);
            secret.literals.iter_mut().for_each(|at| *at = fixed);
        }
        self.found.push(Found::Secret(Box::new(FoundSecret {
            object: None,
            is_sealed: secret.is_sealed,
            at: secret.at.unwrap_or(at),
            literals: secret.literals.into_iter().map(|at| (None, at)).collect(),
        })));
    }

    fn position(&self, before: usize, error: Option<TreeError>, context: Context) -> Position {
        let error = error.unwrap_or_default();
        let at = Position { line: before + error.line as usize, column: error.column as usize };
        context.fixed.unwrap_or(at)
    }
}

/// Whether a scan of a document finds nothing. It must not have too many nodes. A template matters
/// only where it cannot be read.
fn has_nothing(text: &str, is_template: bool) -> bool {
    let has_none = |is_template| !glance::may_find_in(text.as_bytes(), is_template);
    has_none(is_template)
        || is_template && !text.contains("{{") && has_none(false) && tree::is_readable(text)
}

const fn is_bound(error: TreeError) -> bool {
    matches!(error.kind, ErrorKind::TooDeep | ErrorKind::TooLarge)
}

/// The rest of a text after the documents that were read, with the number of lines before it.
fn rest_of<'t>(text: &'t str, documents: &[Node]) -> (usize, &'t str) {
    let end = documents.last().map_or(0, |last| last.end.index);
    // Positions do not count a byte order mark, so `end` can be inside a character.
    let end = (0..=end.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    let (read, rest) = text.split_at(end.unwrap_or(0));
    (read.matches('\n').count(), rest)
}

/// Whether the error is `\'` in double quotes. Go's reader accepts it, but libyaml does not. Then
/// the text is not a template.
fn is_go_escape(text: &str, error: TreeError) -> bool {
    let line = text.split('\n').nth(error.line.saturating_sub(1) as usize).unwrap_or_default();
    let mut rest = line.chars().skip(error.column.saturating_sub(1) as usize);
    rest.next() == Some('\\') && rest.next() == Some('\'')
}

#[cfg(test)]
mod tests;
