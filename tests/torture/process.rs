//! Runs of the program that are stopped in their middle.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::random::Random;
use crate::sandbox::{PROGRAM, Run, Sandbox};

/// The system calls that change files or send something.
const CALLS: &str = "?write,?sendto,?writev,?link,?linkat,?rename,?renameat,?renameat2,?unlink,\
                     ?unlinkat,?fsync,?fchmod,?fchown,?chmod,?mkdir,?mkdirat,?exit_group";

/// When a run is ended.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    After(Duration, Signal),
    /// Before this system call of a thread, counted from 1.
    Call(usize),
}

impl Moment {
    /// In a run that takes this time. More than half of them before a system call, if it has so many
    /// that can be counted.
    pub fn pick(time: Duration, calls: usize, random: &mut Random) -> Self {
        if calls > 0 && random.happens(60) {
            return Self::Call(1 + random.below(calls as u64) as usize);
        }
        let time = Duration::from_nanos(random.below(time.as_nanos() as u64 * 11 / 10));
        Self::After(time, signal(random))
    }
}

/// What ends a run: most of the time, what it cannot notice.
pub fn signal(random: &mut Random) -> Signal {
    let others = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];
    if random.happens(75) { Signal::SIGKILL } else { *random.pick(&others) }
}

/// Whether `strace` can end a run before a system call.
pub fn can_trace() -> bool {
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=exit_group:signal=SIGKILL",
        "true",
    ]);
    let output = command.stderr(Stdio::null()).status();
    output.is_ok_and(|status| std::os::unix::process::ExitStatusExt::signal(&status) == Some(9))
}

/// Runs it to its end; the most system calls of a thread that count.
pub fn count_calls(sandbox: &Sandbox, args: &[String], input: &str) -> usize {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let mut command = sandbox.command_of("strace");
    command.args(["-f", "-qq", "-e", &format!("trace={CALLS}"), "-e", "signal=none", "-o"]);
    finish(start(command.arg(log.path()).arg(PROGRAM).args(args), input));
    let log = std::fs::read_to_string(log.path()).unwrap_or_default();
    let mut threads = std::collections::BTreeMap::<&str, usize>::new();
    for line in log.lines().filter(|line| !line.contains("resumed>")) {
        *threads.entry(line.split(' ').next().unwrap_or_default()).or_default() += 1;
    }
    threads.into_values().max().unwrap_or_default()
}

/// Starts a run, and ends it at this moment. `None` is a run that does not end.
pub fn end_at(sandbox: &Sandbox, args: &[String], input: &str, moment: Moment) -> Option<Run> {
    let child = match moment {
        Moment::After(time, signal) => {
            let child = start(sandbox.command().args(args), input);
            std::thread::sleep(time);
            let _ = kill(Pid::from_raw(child.id() as i32), signal);
            child
        }
        Moment::Call(number) => {
            let mut command = sandbox.command_of("strace");
            let inject = format!("inject={CALLS}:signal=SIGKILL:when={number}");
            command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={CALLS}")]);
            start(command.args(["-e", &inject, PROGRAM]).args(args), input)
        }
    };
    finish_within(child, Duration::from_secs(60))
}

pub fn start(command: &mut Command, input: &str) -> Child {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("it starts");
    // A process that ended already reads nothing.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    child
}

fn finish(child: Child) -> Run {
    Run::from(child.wait_with_output().expect("it ends"))
}

/// Waits for a run. `None` is one that does not end.
pub fn finish_within(mut child: Child, limit: Duration) -> Option<Run> {
    // A pipe holds only 64 KiB.
    let (stdout, stderr) = (read(child.stdout.take()), read(child.stderr.take()));
    let started = Instant::now();
    let mut status = child.try_wait().expect("waited");
    while status.is_none() && started.elapsed() < limit {
        std::thread::sleep(Duration::from_millis(1));
        status = child.try_wait().expect("waited");
    }
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let text = |reader: JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().expect("no panic")).into_owned()
    };
    status.map(|status| Run { stdout: text(stdout), stderr: text(stderr), code: status.code() })
}

fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.expect("a pipe").read_to_end(&mut bytes);
        bytes
    })
}
