//! Which paths a rule can match.

use std::path::Path;

/// Whether a rule can match this path. Standard input has no path, and neither has `/dev/stdin` or
/// a shell's `<(…)`.
pub fn is_file(path: &&Path) -> bool {
    let is_elsewhere = |path: &Path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real.starts_with("/dev") || real.starts_with("/proc")
    };
    **path != *Path::new("-")
        && !path.starts_with("/dev/fd")
        && !path.starts_with("/proc")
        && *path != Path::new("/dev/stdin")
        && !is_elsewhere(path)
}
