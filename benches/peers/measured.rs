//! One run of the program: how long it took, and its peak of memory.

#![expect(unsafe_code, reason = "it measures the child")]

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::record::Figure;
use crate::sandbox::Sandbox;

pub struct Finished {
    pub time: Duration,
    pub megabytes: f64,
    /// The time that it had a processor.
    #[allow(dead_code, reason = "not every benchmark asks")]
    pub processor: Duration,
}

impl Finished {
    /// Records the time beside that of a peer, and the peak of memory.
    pub fn record(&self, section: &str, what: &str, peer: Option<(&str, Duration)>) {
        let mut values = vec![("kubectl-envcrypt", self.time.as_secs_f64())];
        values.extend(peer.map(|(who, time)| (who, time.as_secs_f64())));
        Figure { section, what, unit: "s", values: &values, goal: None }.record();
        let what = format!("{what}: peak of memory");
        let values = [("kubectl-envcrypt", self.megabytes)];
        Figure { section, what: &what, unit: "MB", values: &values, goal: None }.record();
    }
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
    let usage = unsafe { usage.assume_init() };
    let time_of = |time: libc::timeval| {
        let part = |number| u64::try_from(number).expect("a time");
        Duration::from_secs(part(time.tv_sec)) + Duration::from_micros(part(time.tv_usec))
    };
    let megabytes = f64::from(i32::try_from(usage.ru_maxrss).expect("kB")) / 1024.0;
    let processor = time_of(usage.ru_utime) + time_of(usage.ru_stime);
    Finished { time, megabytes, processor }
}
