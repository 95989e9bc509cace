//! Asking a person, on the terminal itself: standard input stays free, and
//! what is typed reaches neither a shell nor a file.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::{AtomicPtr, Ordering};

use dialoguer::Input;
use dialoguer::console::Term;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use thiserror::Error;

use super::visible;
use crate::process::is_ignored;
use envcrypt_core::secret::SecretValue;

const TERMINAL: &str = "/dev/tty";
/// The longest question that fits on the line of its prompt, in characters.
const LONG: usize = 60;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum PromptError {
    /// Nobody to ask.
    #[error("there is no terminal to ask for {0}")]
    NoTerminal(String),
    /// End of input, before anything was typed.
    #[error("the prompt for {0} was left without an answer")]
    Closed(String),
    /// More than one line came at once: a paste that would be cut.
    #[error("what was typed for {0} has more than one line")]
    SeveralLines(String),
    /// The terminal sent bytes that are no text.
    #[error("what was typed for {0} is not UTF-8 text")]
    NotText(String),
    /// The terminal failed.
    #[error("the terminal failed while asking for {what}: {source}")]
    Io {
        /// What was asked for.
        what: String,
        /// How.
        source: io::Error,
    },
}

/// How often a hidden value is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Once: an existing passphrase, which is right or wrong.
    Once,
    /// Twice: a new value, in which a slip would go unnoticed.
    Twice,
}

/// Someone, or no one, to ask.
pub trait Prompt: Send + Sync {
    /// Whether there is anybody.
    fn is_available(&self) -> bool;

    /// Asks without echo; twice where asked to, until both entries are the same.
    ///
    /// # Errors
    /// [`PromptError`]
    fn hidden(&self, what: &str, times: Times) -> Result<SecretValue, PromptError>;

    /// Asks with echo; the answer may be empty.
    ///
    /// # Errors
    /// [`PromptError`]
    fn visible(&self, what: &str) -> Result<String, PromptError>;

    /// Asks for a yes; a bare return is a no.
    ///
    /// # Errors
    /// [`PromptError`]
    fn confirm(&self, question: &str) -> Result<bool, PromptError>;

    /// Asks for a word to be typed, where much is at stake; anything else is a no.
    ///
    /// # Errors
    /// [`PromptError`]
    fn confirm_with(&self, word: &str, question: &str) -> Result<bool, PromptError>;

    /// Tells something between two questions.
    fn tell(&self, text: &str);
}

/// The terminal where there is one, else [`Silent`].
#[must_use]
pub fn open() -> Box<dyn Prompt> {
    match OpenOptions::new().read(true).write(true).open(TERMINAL) {
        Ok(file) => Box::new(Tty { file }),
        Err(_) => Box::new(Silent),
    }
}

/// No terminal: every question is an error.
pub struct Silent;

impl Prompt for Silent {
    fn is_available(&self) -> bool {
        false
    }

    fn hidden(&self, what: &str, _: Times) -> Result<SecretValue, PromptError> {
        Err(PromptError::NoTerminal(what.to_owned()))
    }

    fn visible(&self, what: &str) -> Result<String, PromptError> {
        Err(PromptError::NoTerminal(what.to_owned()))
    }

    fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        Err(PromptError::NoTerminal(question.to_owned()))
    }

    fn confirm_with(&self, _: &str, question: &str) -> Result<bool, PromptError> {
        Err(PromptError::NoTerminal(question.to_owned()))
    }

    fn tell(&self, _: &str) {}
}

/// The controlling terminal.
pub struct Tty {
    file: File,
}

impl Tty {
    /// Whether something was typed ahead that nobody asked for.
    fn has_more(&self) -> bool {
        let mut terminal = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        poll(&mut terminal, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn hidden_once(&self, what: &str) -> Result<SecretValue, PromptError> {
        let answer = rpassword::prompt_password(format!("{}: ", visible(what)));
        let answer = answer.map_err(|error| {
            // The cursor still stands behind the question.
            self.tell("");
            failed(what, error)
        })?;
        let answer = SecretValue::new(answer.into_bytes());
        // What is not UTF-8 arrives as this mark: better no value than another one.
        match answer.expose().windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes()) {
            true => Err(PromptError::NotText(what.to_owned())),
            false => Ok(answer),
        }
    }

    /// Reads one line as the terminal gives it, with its own editing. The end of input is
    /// an empty line: a no.
    fn line(&self, prompt: &str, what: &str) -> Result<String, PromptError> {
        use std::io::{BufRead, Write};
        let _restore = Restore::arm(&self.file);
        let mut line = String::new();
        let read = write!(&self.file, "{}: ", visible(prompt))
            .and_then(|()| io::BufReader::new(&self.file).read_line(&mut line));
        match read {
            Ok(0) => self.tell(""),
            Ok(_) => {}
            // What is no text is no yes.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => line.clear(),
            Err(error) => return Err(failed(what, error)),
        }
        Ok(line)
    }

    fn term(&self, what: &str) -> Result<Term, PromptError> {
        let clone = || self.file.try_clone().map_err(|e| failed(what, e));
        Ok(Term::read_write_pair(clone()?, clone()?))
    }
}

impl Prompt for Tty {
    fn is_available(&self) -> bool {
        true
    }

    fn hidden(&self, what: &str, times: Times) -> Result<SecretValue, PromptError> {
        let restore = Restore::arm(&self.file);
        // Before the question stands there: what is typed ahead is not echoed either.
        restore.silence();
        loop {
            let value = self.hidden_once(what)?;
            if times == Times::Once || value.same_as(&self.hidden_once(&format!("{what} (again)"))?)
            {
                return match self.has_more() {
                    true => Err(PromptError::SeveralLines(what.to_owned())),
                    false => Ok(value),
                };
            }
            // The lines of a paste would be compared with each other for ever.
            if self.has_more() {
                return Err(PromptError::SeveralLines(what.to_owned()));
            }
            self.tell("the two entries differ; once more");
        }
    }

    fn visible(&self, what: &str) -> Result<String, PromptError> {
        let _restore = Restore::arm(&self.file);
        let input = Input::<String>::new().with_prompt(visible(what)).allow_empty(true);
        input.interact_text_on(&self.term(what)?).map_err(|e| failed(what, io_error(e)))
    }

    fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        // What is longer than a line is told by itself: the prompt is drawn anew with
        // every key.
        let is_long = question.chars().count() > LONG;
        if is_long {
            self.tell(&format!("{question}?"));
        }
        let prompt = if is_long { "go ahead" } else { question };
        Ok(is_yes(&self.line(&format!("{prompt} [y/N]"), question)?))
    }

    fn confirm_with(&self, word: &str, question: &str) -> Result<bool, PromptError> {
        self.tell(&format!("{question}?"));
        Ok(self.line(&format!("type `{word}` to go ahead"), question)?.trim() == word)
    }

    fn tell(&self, text: &str) {
        use std::io::Write;
        let _ = writeln!(&self.file, "{}", visible(text));
    }
}

/// Just these words: a slip, or a longer sentence, is no consent.
fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str())
}

fn io_error(error: dialoguer::Error) -> io::Error {
    let dialoguer::Error::IO(error) = error;
    error
}

fn failed(what: &str, source: io::Error) -> PromptError {
    match source.kind() {
        io::ErrorKind::UnexpectedEof => PromptError::Closed(what.to_owned()),
        _ => PromptError::Io { what: what.to_owned(), source },
    }
}

/// The terminal's settings from before a prompt, for the signal handler.
struct Saved {
    descriptor: libc::c_int,
    settings: libc::termios,
}

static SAVED: AtomicPtr<Saved> = AtomicPtr::new(std::ptr::null_mut());

const SIGNALS: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Puts the terminal back as it was when dropped, and also where a signal ends
/// the process: Ctrl-C at a prompt must not leave a shell without echo.
struct Restore<'a> {
    terminal: &'a File,
    before: Option<Termios>,
    /// What the signals did before.
    actions: [libc::sigaction; SIGNALS.len()],
}

impl<'a> Restore<'a> {
    fn arm(terminal: &'a File) -> Self {
        let before = tcgetattr(terminal).ok();
        // SAFETY: a sigaction of zeros is the default action.
        let mut actions = unsafe { std::mem::zeroed::<[libc::sigaction; SIGNALS.len()]>() };
        if let Some(settings) = before.clone() {
            let saved = Saved { descriptor: terminal.as_raw_fd(), settings: settings.into() };
            // Leaked on purpose, a few bytes a prompt: the handler may still read it.
            SAVED.store(Box::leak(Box::new(saved)), Ordering::SeqCst);
            for (signal, action) in SIGNALS.iter().zip(&mut actions) {
                // What is ignored, as under `nohup`, stays so.
                if is_ignored(*signal) {
                    action.sa_sigaction = libc::SIG_IGN;
                    continue;
                }
                let handler = restore as extern "C" fn(libc::c_int);
                // SAFETY: `restore` calls only what POSIX allows in a handler;
                // `action` is of the right type, and of our own.
                unsafe {
                    libc::sigaction(*signal, std::ptr::null(), action);
                    libc::signal(*signal, handler as libc::sighandler_t);
                }
            }
        }
        Self { terminal, before, actions }
    }

    /// Turns the echo off.
    fn silence(&self) {
        if let Some(mut settings) = self.before.clone() {
            settings.local_flags.remove(LocalFlags::ECHO);
            let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &settings);
        }
    }
}

impl Drop for Restore<'_> {
    fn drop(&mut self) {
        if let Some(settings) = &self.before {
            // What was typed ahead goes: the rest of a paste is not the shell's to
            // echo, run and remember.
            let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, settings);
        }
        if self.before.is_some() {
            for (signal, action) in SIGNALS.iter().zip(&self.actions) {
                // SAFETY: puts back what sigaction told when it was replaced.
                unsafe { libc::sigaction(*signal, action, std::ptr::null_mut()) };
            }
        }
    }
}

extern "C" fn restore(signal: libc::c_int) {
    let saved = SAVED.load(Ordering::SeqCst);
    // SAFETY: tcsetattr, write, signal and raise are async-signal-safe, and
    // `saved` was leaked, so it is valid for ever.
    unsafe {
        if let Some(saved) = saved.as_ref() {
            libc::tcsetattr(saved.descriptor, libc::TCSAFLUSH, &raw const saved.settings);
            // The cursor too: a question may have hidden it.
            let text = c"\x1b[?25h\n";
            libc::write(saved.descriptor, text.as_ptr().cast(), text.count_bytes());
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
