//! A program at work: its memory and its time on a processor.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A process that ends when it is dropped.
pub struct Process(Child);

impl Process {
    /// Starts it; what it prints is added to `log`.
    pub fn start(mut command: Command, log: &Path) -> Self {
        let output = File::options().create(true).append(true).open(log).expect("a log");
        command.stdin(Stdio::null()).stdout(output.try_clone().expect("a log")).stderr(output);
        Self(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Asks it to end, and waits until it has.
    #[allow(dead_code, reason = "shared with another benchmark")]
    pub fn stop(mut self) {
        let id = i32::try_from(self.0.id()).expect("a process id");
        kill(Pid::from_raw(id), Signal::SIGTERM).expect("it runs");
        self.0.wait().expect("it ends");
    }

    /// The memory in use and the most that was in use, in MB.
    pub fn memory(&self) -> [f64; 2] {
        let text = std::fs::read_to_string(self.proc("status")).expect("Linux tells");
        ["VmRSS:", "VmHWM:"].map(|name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
            let kilobytes: u32 = line.trim().trim_end_matches(" kB").parse().expect("a number");
            f64::from(kilobytes) / 1024.0
        })
    }

    /// How long all its threads were on a processor.
    pub fn on_processor(&self) -> Duration {
        let text = std::fs::read_to_string(self.proc("stat")).expect("Linux tells");
        // The name of the program, in parentheses, may contain spaces.
        let (_, fields) = text.rsplit_once(')').expect("a name");
        let ticks = fields.split_whitespace().skip(11).take(2);
        let ticks: u32 = ticks.map(|ticks| ticks.parse::<u32>().expect("a number")).sum();
        Duration::from_millis(10) * ticks
    }

    fn proc(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
