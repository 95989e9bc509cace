//! Conflict markers that a merge left in a manifest.

use memchr::memmem;

use crate::merge::markers;
use envcrypt_core::manifest::{FileKind, Position};

/// How every conflict begins.
const START: &[u8] = b"<<<<<<<";

/// What a finding says.
pub const TEXT: &str = "a merge left a conflict here: run `kubectl envcrypt git resolve`";

/// Whether there may be a conflict. This is fast.
pub fn may_have(bytes: &[u8]) -> bool {
    memmem::find(bytes, START).is_some()
}

/// The conflicts in a manifest that mentions a Secret. Other files can show markers as an example.
pub fn conflicts(text: &str, kind: FileKind) -> Vec<Position> {
    if kind == FileKind::Other || !may_have(text.as_bytes()) || !text.contains("ecret") {
        return Vec::new();
    }
    let lines = markers::conflicts(text).into_iter();
    lines.map(|line| Position { line, column: 1 }).collect()
}
