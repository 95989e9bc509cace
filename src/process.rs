//! The process itself, which nobody may trace or get a core dump of, and the
//! program that it starts or becomes.

mod child;
mod stop;

use std::sync::OnceLock;

use nix::sys::resource::{Resource, getrlimit, setrlimit};

pub use child::{Child, Signals, StartError, find};
pub use stop::{is_ignored, stopped};

/// How large a core dump might be before, in bytes.
static CORE_LIMIT: OnceLock<u64> = OnceLock::new();

/// Turns core dumps off and, on Linux, keeps other processes of the same user
/// from reading this one's memory. What the platform refuses is let be: a
/// container without the right to do so still has to work.
pub fn harden() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        // What a program that is started here may do is its own affair: the hard
        // limit stays, so that it can have the old one back.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
        let _ = CORE_LIMIT.set(soft);
    }
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Gives a child the limit that this process had.
fn restore_core_limit() -> nix::Result<()> {
    let Some(soft) = CORE_LIMIT.get() else { return Ok(()) };
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, *soft, hard)
}
