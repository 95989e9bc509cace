//! The process itself, which nobody may trace or dump, and the program that it starts or becomes.

#![expect(unsafe_code, reason = "the limits of the process are set before anything else")]

mod child;
mod shell;
mod stop;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

pub use child::{Child, Signals, StartError, find};
pub use shell::quoted;
pub use stop::{is_ignored, stopped};

/// Whether standard output was closed at the start. Rust's runtime opens `/dev/null` instead, so
/// all output would be lost without an error.
static STDOUT_WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before Rust's runtime starts.
#[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
#[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
#[used]
static LOOK_AT_STDOUT: extern "C" fn() = look_at_stdout;

extern "C" fn look_at_stdout() {
    // SAFETY: fcntl with F_GETFD touches no memory and takes any number.
    let is_open = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) } >= 0;
    STDOUT_WAS_CLOSED.store(!is_open, Ordering::Relaxed);
}

/// Whether this process started without standard output, for example with `>&-`.
#[must_use]
pub fn stdout_was_closed() -> bool {
    STDOUT_WAS_CLOSED.load(Ordering::Relaxed)
}

/// The previous limit for core dumps, in bytes.
static CORE_LIMIT: OnceLock<u64> = OnceLock::new();

/// Turns core dumps off. On Linux, also keeps other processes of the same user from reading this
/// one's memory. Ignores errors: the plugin must also work in a container that may not do this.
pub fn harden() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_CORE) {
        // Keeps the hard limit, so that a program started from here can get its old limit back.
        let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
        let _ = CORE_LIMIT.set(soft);
    }
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_dumpable(false);
}

/// Gives a child process the limit that this process had.
fn restore_core_limit() -> nix::Result<()> {
    let Some(soft) = CORE_LIMIT.get() else { return Ok(()) };
    let (_, hard) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, *soft, hard)
}
