//! One run of the program: how long it took, and its peak of memory.

#![expect(unsafe_code, reason = "it measures the child")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::sandbox::Sandbox;

pub struct Finished {
    pub time: Duration,
    pub megabytes: f64,
}

/// Runs it to its end, with one of these exit codes.
pub fn run(sandbox: &Sandbox, args: &[&str], codes: &[i32]) -> Finished {
    let mut command = sandbox.command();
    command.args(args).stdout(Stdio::null()).stderr(Stdio::inherit());
    let started = Instant::now();
    #[expect(clippy::zombie_processes, reason = "wait4 waits for it, and tells its memory too")]
    let child = command.spawn().expect("it starts");
    let pid = libc::pid_t::try_from(child.id()).expect("a pid");
    let (mut status, mut usage) = (0, std::mem::MaybeUninit::<libc::rusage>::zeroed());
    // SAFETY: both pointers are to memory of our own, of the right types.
    let waited = unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) };
    let time = started.elapsed();
    let code = libc::WEXITSTATUS(status);
    assert!(waited == pid && codes.contains(&code), "{args:?} ended with {status}");
    // SAFETY: a rusage of zeros is valid, and wait4 has filled it.
    let kilobytes = unsafe { usage.assume_init() }.ru_maxrss;
    Finished { time, megabytes: f64::from(i32::try_from(kilobytes).expect("kB")) / 1024.0 }
}
