//! What there is to see in one file, whatever the other files are. This can be done on any core.

use std::path::Path;

use super::conflicts;
use super::peers::{self, Object};
use crate::failure::Failure;
use crate::scan::{self, Buffer};
use envcrypt_core::manifest::{self, FileKind, Found, Position, Sealing};

/// What was seen in a file.
#[derive(Default)]
pub struct Seen {
    /// Objects of other programs.
    pub others: Vec<Object>,
    pub conflicts: Vec<Position>,
    pub found: Vec<Found>,
    /// All sealed values and seals, if they are wanted.
    pub seals: Vec<Sealing>,
}

/// Looks at a file; `None` if it cannot contain a manifest.
pub fn file(path: &Path, buffer: &mut Buffer, wants_seals: bool) -> Result<Option<Seen>, Failure> {
    // Standard input is expected to be a manifest.
    let kind = match path == Path::new("-") {
        true => FileKind::Manifest,
        false => scan::kind(path),
    };
    Ok(buffer.read(path, kind)?.map(|bytes| contents(bytes, kind, wants_seals)))
}

/// Looks at the contents of a file. Most files end at a search for a few words.
pub fn contents(bytes: &[u8], kind: FileKind, wants_seals: bool) -> Seen {
    let mut seen = Seen { others: peers::objects(bytes), ..Seen::default() };
    let may_find = manifest::may_find(bytes, kind);
    let is_wanted = || (wants_seals || conflicts::may_have(bytes)) && manifest::may_mention(bytes);
    if !may_find && !is_wanted() {
        return seen;
    }
    let text = scan::text(bytes);
    seen.conflicts = conflicts::conflicts(&text, kind);
    if may_find {
        seen.found = scan::secrets(&text, kind);
    }
    if wants_seals {
        manifest::sealings(text.as_bytes(), |found| seen.seals.push(found));
    }
    seen
}
