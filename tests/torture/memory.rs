//! Stops every command before its last system call, its work done, and searches its memory. It
//! needs Linux and strace.

use std::os::unix::fs::FileExt;
use std::process::Child;
use std::time::{Duration, Instant};

use crate::Settings;
use crate::cases::CASES;
use crate::home::Home;
use crate::process::{can_trace, start};
use crate::random::Random;
use crate::sandbox::PROGRAM;
use crate::tally::Tally;
use crate::trial::Trial;

pub fn run(settings: &Settings, random: &mut Random) -> Tally {
    let mut tally = Tally::of("memory at the end");
    if !can_trace() {
        tally.note("skipped: it needs strace");
        return tally;
    }
    let started = Instant::now();
    // The memory of other programs is not ours.
    for case in CASES.iter().filter(|case| !case.runs_others).take(settings.runs) {
        if started.elapsed() > settings.limit {
            tally.note(format!("stopped before `{}`", case.name));
            break;
        }
        let trial = Trial::new(case, Home::new(random));
        trial.reset();
        let mut command = trial.home.sandbox.command_of("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=exit_group", "-e"]);
        command.args(["inject=exit_group:delay_enter=60000000", PROGRAM]).args(trial.args());
        let mut tracer = start(&mut command, case.input(&trial.home));
        tally.runs += 1;
        match stopped(&tracer).map(|process| (process, memory(process))) {
            Some((process, regions)) => {
                let count = |region: &Vec<u8>| {
                    trial.home.old.count_in(region) + trial.home.new.count_in(region)
                };
                let found: usize = regions.iter().map(count).sum();
                // That it was looked for in the right place: its directory is there.
                let home = trial.home.root().display().to_string();
                let is_seen =
                    |region: &Vec<u8>| memchr::memmem::find(region, home.as_bytes()).is_some();
                if !regions.iter().any(is_seen) {
                    tally.failure(&format!("{}: its memory cannot be read", case.name));
                }
                if found > 0 {
                    tally.found(&format!("{}: {found} copies in memory", case.name));
                }
                let process = nix::unistd::Pid::from_raw(process as i32);
                let _ = nix::sys::signal::kill(process, nix::sys::signal::Signal::SIGKILL);
            }
            None => tally.failure(&format!("{}: it does not stop", case.name)),
        }
        let _ = tracer.kill();
        let _ = tracer.wait();
    }
    tally
}

/// The process below `tracer`, once it is stopped.
fn stopped(tracer: &Child) -> Option<u32> {
    let id = tracer.id();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(20) {
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
            let call = std::fs::read_to_string(format!("/proc/{child}/syscall"));
            // exit_group has the number 231 on x86-64, and 94 on arm64.
            let is_last =
                call.is_ok_and(|call| call.starts_with("231 ") || call.starts_with("94 "));
            if is_last && matches!(state, Some("T" | "t")) {
                return child.parse().ok();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    None
}

/// Every writable region of a process's memory.
fn memory(process: u32) -> Vec<Vec<u8>> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
    let Ok(file) = std::fs::File::open(format!("/proc/{process}/mem")) else { return Vec::new() };
    let region = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let (start, end) = (number(start)?, number(end)?);
        let mut bytes = vec![0; usize::try_from(end - start).ok()?];
        let is_read = rest.starts_with("rw") && file.read_exact_at(&mut bytes, start).is_ok();
        is_read.then_some(bytes)
    };
    maps.lines().filter_map(region).collect()
}
