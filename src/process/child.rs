//! A program that gets values: in the place of this process, or beside it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpgrp, getpid, tcgetpgrp};
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Why the program does not start.
#[derive(Debug, Error)]
#[error("`{program}` does not start: {source}")]
pub struct StartError {
    /// As it was named.
    pub program: String,
    /// Why not.
    pub source: io::Error,
}

/// A program, its arguments, and what is added to its environment.
pub struct Child(Command);

impl Child {
    /// With this process's environment.
    #[must_use]
    pub fn new(program: &OsStr, arguments: &[OsString]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments);
        // SAFETY: getrlimit and setrlimit are async-signal-safe.
        unsafe { command.pre_exec(|| Ok(super::restore_core_limit()?)) };
        Self(command)
    }

    /// Adds a variable, or replaces one.
    pub fn env(&mut self, name: &OsStr, value: &OsStr) {
        self.0.env(name, value);
    }

    /// Becomes the program: its signals, exit code and terminal are its own. Comes
    /// back only where it does not start.
    #[must_use]
    pub fn replace_this(mut self) -> StartError {
        let source = self.0.exec();
        self.failed(source)
    }

    /// Starts it, passes signals on to it, and waits for its end. As the first
    /// process of a container, also for the end of orphans.
    ///
    /// # Errors
    /// [`StartError`]
    ///
    /// Returns its exit code; 128 and the signal's number where one ended it.
    pub async fn run(mut self) -> Result<u8, StartError> {
        // Before it starts: no signal may get lost in between.
        let mut signals = match listen() {
            Ok(signals) => signals,
            Err(source) => return Err(self.failed(source)),
        };
        let child = match self.0.spawn() {
            Ok(child) => child,
            Err(source) => return Err(self.failed(source)),
        };
        // Its copies of the values go with it.
        drop(self);
        let child = Pid::from_raw(i32::try_from(child.id()).expect("the system's own number"));
        let mut ended = tokio::task::spawn_blocking(move || wait(child));
        loop {
            tokio::select! {
                code = &mut ended => return Ok(code.expect("waiting does not panic")),
                Some(signal) = signals.recv() => {
                    // A terminal gives these to all of its foreground, the child too.
                    let from_terminal = matches!(signal, Signal::SIGINT | Signal::SIGQUIT);
                    if !(from_terminal && is_in_foreground()) {
                        let _ = kill(child, signal);
                    }
                }
            }
        }
    }

    fn failed(&self, source: io::Error) -> StartError {
        StartError { program: self.0.get_program().to_string_lossy().into_owned(), source }
    }
}

/// Catches every signal that is meant for the program.
fn listen() -> io::Result<mpsc::UnboundedReceiver<Signal>> {
    const SIGNALS: [Signal; 9] = [
        Signal::SIGHUP,
        Signal::SIGINT,
        Signal::SIGQUIT,
        Signal::SIGTERM,
        Signal::SIGUSR1,
        Signal::SIGUSR2,
        Signal::SIGALRM,
        Signal::SIGWINCH,
        Signal::SIGCONT,
    ];
    let (sender, receiver) = mpsc::unbounded_channel();
    for kind in SIGNALS {
        let mut caught = signal(SignalKind::from_raw(kind as i32))?;
        let sender = sender.clone();
        tokio::spawn(
            async move { while caught.recv().await.is_some() && sender.send(kind).is_ok() {} },
        );
    }
    Ok(receiver)
}

fn is_in_foreground() -> bool {
    std::fs::File::open("/dev/tty").is_ok_and(|tty| tcgetpgrp(&tty) == Ok(getpgrp()))
}

fn wait(child: Pid) -> u8 {
    // The first process of a container inherits the orphans of all others.
    let whom = (getpid() != Pid::from_raw(1)).then_some(child);
    loop {
        match waitpid(whom, None) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                return u8::try_from(code).unwrap_or(u8::MAX);
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return 128 + u8::try_from(signal as i32).unwrap_or(0);
            }
            Ok(_) | Err(nix::Error::EINTR) => {}
            // Nobody is left to wait for.
            Err(_) => return u8::MAX,
        }
    }
}
