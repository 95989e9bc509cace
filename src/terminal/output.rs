//! Standard output and standard error.

use std::fs::File;
use std::io::{self, IsTerminal, Write};

use nix::libc;
use thiserror::Error;

/// Why standard output was not written.
#[derive(Debug, Error)]
pub enum OutputError {
    /// Whoever read standard output has gone, as `head` does. Not worth a word.
    #[error("standard output was closed")]
    Closed,
    /// Standard output does not take it.
    #[error("standard output cannot be written: {0}")]
    Stdout(io::Error),
}

/// Writes to standard output, past the buffer that would keep a copy.
///
/// # Errors
/// [`OutputError::Closed`] where nobody reads any more.
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

/// Writes a line to standard error, or several; who closed it does not want to know.
pub fn stderr_line(text: &str) {
    let mut stderr = io::stderr().lock();
    for line in text.lines() {
        let _ = writeln!(stderr, "{}", super::visible(line));
    }
}

/// Whether a person looks at standard output.
#[must_use]
pub fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person looks at standard error.
#[must_use]
pub fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}
