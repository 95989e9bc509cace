//! A program that gets values: it replaces this process, or runs next to it.

#![expect(unsafe_code, reason = "signals are passed on to the child")]

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicI32, Ordering};

use nix::libc;
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{Pid, getpid};
use thiserror::Error;

#[derive(Debug, Error)]
#[error("`{program}` does not start: {source}")]
pub struct StartError {
    /// The name as it was given.
    pub program: String,
    pub source: io::Error,
}

/// A program, its arguments, and additions to its environment.
pub struct Child(Command);

impl Child {
    /// Uses the environment and the `PATH` of this process, so that no value can choose the
    /// program.
    #[must_use]
    pub fn new(program: &OsStr, arguments: &[OsString]) -> Self {
        let path = find(Path::new(program)).unwrap_or_else(|| PathBuf::from(program));
        let mut command = Command::new(path);
        command.arg0(program).args(arguments);
        // SAFETY: getrlimit and setrlimit are async-signal-safe.
        unsafe { command.pre_exec(|| Ok(super::restore_core_limit()?)) };
        Self(command)
    }

    /// Adds or replaces a variable.
    pub fn env(&mut self, name: &OsStr, value: &OsStr) {
        self.0.env(name, value);
    }

    /// Becomes the program, with its signals, exit code and terminal. Returns only if it does not
    /// start.
    #[must_use]
    pub fn replace_this(mut self) -> StartError {
        let source = self.0.exec();
        self.failed(source)
    }

    /// Starts the program, forwards signals, also those caught earlier, and waits for the program
    /// to end. As the first process of a container, also reaps orphans. Returns the exit code, or
    /// 128 plus the number of the signal that ended the program.
    pub fn run(mut self, signals: Signals) -> Result<u8, StartError> {
        let child = match self.0.spawn() {
            Ok(child) => child,
            Err(source) => return Err(self.failed(source)),
        };
        // Also drops its copies of the values.
        drop(self);
        let child = Pid::from_raw(i32::try_from(child.id()).expect("the system's own number"));
        std::thread::spawn(move || signals.pass_on(child));
        Ok(wait(child))
    }

    fn failed(&self, source: io::Error) -> StartError {
        StartError { program: self.0.get_program().to_string_lossy().into_owned(), source }
    }
}

/// Finds a program as the shell does; `None` if it is not in `PATH`.
#[must_use]
pub fn find(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 || program.is_absolute() {
        return Some(program.to_owned());
    }
    let is_program = |path: &PathBuf| {
        path.is_file() && nix::unistd::access(path, nix::unistd::AccessFlags::X_OK).is_ok()
    };
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(is_program)
}

/// Where the handler writes caught signals.
static CAUGHT: AtomicI32 = AtomicI32::new(-1);

/// Signals that are caught for a program that may not run yet.
pub struct Signals {
    caught: io::PipeReader,
    /// Keeps the pipe open while there is a handler.
    _noted: io::PipeWriter,
}

impl Signals {
    /// Catches every signal that would end this process, and those that programs use among
    /// themselves. An ignored signal, as under `nohup`, stays ignored. Fails if the system provides
    /// no pipe.
    pub fn catch() -> io::Result<Self> {
        let (caught, noted) = io::pipe()?;
        CAUGHT.store(noted.as_raw_fd(), Ordering::SeqCst);
        let first = [
            libc::SIGHUP,
            libc::SIGINT,
            libc::SIGQUIT,
            libc::SIGTERM,
            libc::SIGUSR1,
            libc::SIGUSR2,
            libc::SIGALRM,
            libc::SIGVTALRM,
            libc::SIGPROF,
            libc::SIGXCPU,
            libc::SIGIO,
            libc::SIGWINCH,
            libc::SIGCONT,
        ];
        first.into_iter().chain(platform()).for_each(catch);
        Ok(Self { caught, _noted: noted })
    }

    fn pass_on(mut self, child: Pid) {
        let mut caught = [0; 2];
        while self.caught.read_exact(&mut caught).is_ok() {
            let [signal, from_kernel] = caught;
            // A terminal sends its signals to the whole foreground group, so the child has them
            // already.
            if from_kernel == 0 {
                // SAFETY: kill takes any number. A real-time signal has no name here.
                unsafe { libc::kill(child.as_raw(), libc::c_int::from(signal)) };
            }
        }
    }
}

#[cfg(target_os = "linux")]
fn platform() -> impl Iterator<Item = libc::c_int> {
    [libc::SIGPWR, libc::SIGSTKFLT].into_iter().chain(libc::SIGRTMIN()..=libc::SIGRTMAX())
}

#[cfg(not(target_os = "linux"))]
fn platform() -> impl Iterator<Item = libc::c_int> {
    std::iter::empty()
}

fn catch(signal: libc::c_int) {
    if super::is_ignored(signal) {
        return;
    }
    // SAFETY: the action has the right type and is our own. `note` calls only what POSIX allows in
    // a handler.
    unsafe {
        let mut new = std::mem::zeroed::<libc::sigaction>();
        let handler = note as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);
        new.sa_sigaction = handler as libc::sighandler_t;
        new.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
        libc::sigaction(signal, &raw const new, std::ptr::null_mut());
    }
}

#[cfg(target_os = "linux")]
unsafe fn errno() -> *mut libc::c_int {
    // SAFETY: it takes no arguments, and returns a valid address.
    unsafe { libc::__errno_location() }
}

#[cfg(not(target_os = "linux"))]
unsafe fn errno() -> *mut libc::c_int {
    // SAFETY: it takes no arguments, and returns a valid address.
    unsafe { libc::__error() }
}

extern "C" fn note(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel passes a valid siginfo. write is async-signal-safe. errno belongs to this
    // thread, and is restored because the interrupted code may be about to read it.
    unsafe {
        let errno = errno();
        let before = *errno;
        let from_kernel = u8::from(!info.is_null() && (*info).si_code > 0);
        let bytes = [u8::try_from(signal).unwrap_or(0), from_kernel];
        libc::write(CAUGHT.load(Ordering::SeqCst), bytes.as_ptr().cast(), bytes.len());
        *errno = before;
    }
}

fn wait(child: Pid) -> u8 {
    // The first process of a container inherits all orphans.
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
            // There is nothing left to wait for, or the number of a signal has no name.
            Err(_) => return u8::MAX,
        }
    }
}
