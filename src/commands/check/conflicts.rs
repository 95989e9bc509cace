//! Conflict markers that a merge left in a manifest.

use crate::merge::markers;
use envcrypt_core::manifest::{FileKind, Position};

/// What a finding says.
pub const TEXT: &str = "a merge left a conflict here: run `kubectl envcrypt git resolve`";

/// The conflicts in a manifest that mentions a Secret. Other files can show markers as an example.
pub fn conflicts(text: &str, kind: FileKind) -> Vec<Position> {
    if kind == FileKind::Other || !text.contains("ecret") {
        return Vec::new();
    }
    let lines = markers::conflicts(text).into_iter();
    lines.map(|line| Position { line, column: 1 }).collect()
}
