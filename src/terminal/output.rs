//! Standard output and standard error.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

use nix::libc;
use thiserror::Error;

#[derive(Debug, Error)]
pub enum OutputError {
    /// The reader of standard output is gone, as with `head`. Not worth a message.
    #[error("standard output was closed")]
    Closed,
    #[error("standard output cannot be written: {0}")]
    Stdout(io::Error),
}

/// Writes to standard output without the buffer, which would keep a copy. The error is
/// [`OutputError::Closed`] if nobody reads.
pub fn stdout(bytes: &[u8]) -> Result<(), OutputError> {
    if crate::process::stdout_was_closed() && !bytes.is_empty() {
        return Err(OutputError::Stdout(io::Error::from_raw_os_error(libc::EBADF)));
    }
    let mut file = nix::unistd::dup(io::stdout())
        .map(File::from)
        .map_err(|e| OutputError::Stdout(e.into()))?;
    file.write_all(bytes).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => OutputError::Closed,
        _ => OutputError::Stdout(error),
    })
}

/// Writes lines to standard error, and ignores errors: nobody would read them.
pub fn stderr_line(text: &str) {
    let mut stderr = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "{}", super::visible(line));
    }
}

/// Writes lines to the terminal of the person, past a program that keeps standard error to itself.
/// Does nothing without a terminal.
pub fn tty_line(text: &str) {
    let Ok(mut tty) = File::options().write(true).open("/dev/tty") else { return };
    for line in text.lines() {
        let _ = writeln!(tty, "{}", super::visible(line));
    }
}

#[must_use]
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

#[must_use]
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
