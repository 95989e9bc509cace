//! The terminal while another program uses it.

use std::fs::{File, OpenOptions};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// Puts the terminal back as it was when dropped: a program that is ended at its prompt for a
/// passphrase may leave it without echo.
pub struct KeptTerminal(Option<(File, Termios)>);

impl KeptTerminal {
    /// Notes how the terminal is. Does nothing if there is none.
    #[must_use]
    pub fn new() -> Self {
        let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok();
        Self(terminal.and_then(|file| tcgetattr(&file).ok().map(|settings| (file, settings))))
    }
}

impl Drop for KeptTerminal {
    fn drop(&mut self) {
        if let Some((file, before)) = &self.0
            // A process in the background would stop here.
            && tcgetattr(file).is_ok_and(|now| now != *before)
        {
            // Discards unread input: the shell would show the rest of a passphrase.
            let _ = tcsetattr(file, SetArg::TCSAFLUSH, before);
        }
    }
}
