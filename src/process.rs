//! The process itself: nobody may trace it or get a core dump of it.

use nix::sys::resource::{Resource, setrlimit};

/// Turns core dumps off and, on Linux, keeps other processes of the same user
/// from reading this one's memory. What the platform refuses is let be: a
/// container without the right to do so still has to work.
pub fn harden() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}
