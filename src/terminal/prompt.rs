//! Prompts on the terminal itself: standard input stays free, and the answer reaches neither a
//! shell nor a file.

#![expect(unsafe_code, reason = "a signal handler restores the terminal")]

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

#[derive(Debug, Error)]
pub enum PromptError {
    #[error("there is no terminal to prompt for {0}")]
    NoTerminal(String),
    /// The input ended before an answer.
    #[error("the prompt for {0} got no answer")]
    Closed(String),
    /// A paste with more than one line, which would be cut.
    #[error("the input for {0} has more than one line")]
    SeveralLines(String),
    #[error("the input for {0} is not UTF-8 text")]
    NotText(String),
    #[error("the terminal failed at the prompt for {what}: {source}")]
    Io { what: String, source: io::Error },
}

/// How often a hidden value is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// For an existing passphrase, which is right or wrong.
    Once,
    /// For a new value: otherwise nobody would notice a typing error.
    Twice,
}

/// Someone to prompt, or nobody.
pub trait Prompt: Send + Sync {
    /// Whether there is someone.
    fn is_available(&self) -> bool;

    /// Prompts without echo; for [`Times::Twice`], until both entries are the same.
    fn hidden(&self, what: &str, times: Times) -> Result<SecretValue, PromptError>;

    /// Prompts with echo. The answer may be empty.
    fn visible(&self, what: &str) -> Result<String, PromptError>;

    /// Prompts for a yes. An empty answer is a no.
    fn confirm(&self, question: &str) -> Result<bool, PromptError>;

    /// Prompts for a word when much is at stake. Any other answer is a no.
    fn confirm_with(&self, word: &str, question: &str) -> Result<bool, PromptError>;

    /// Shows a text between two prompts.
    fn tell(&self, text: &str);
}

/// The terminal if there is one, otherwise [`Silent`].
#[must_use]
pub fn open() -> Box<dyn Prompt> {
    match OpenOptions::new().read(true).write(true).open(TERMINAL) {
        Ok(file) => Box::new(Tty { file }),
        Err(_) => Box::new(Silent),
    }
}

/// No terminal: every prompt is an error.
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

pub struct Tty {
    file: File,
}

impl Tty {
    /// Whether there is more input that no prompt asked for.
    fn has_more(&self) -> bool {
        let mut terminal = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        poll(&mut terminal, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
    }

    fn hidden_once(&self, what: &str) -> Result<SecretValue, PromptError> {
        let answer = rpassword::prompt_password(format!("{}: ", visible(what)));
        let answer = answer.map_err(|error| {
            // The cursor is still behind the prompt.
            self.tell("");
            failed(what, error)
        })?;
        let answer = SecretValue::new(answer.into_bytes());
        // rpassword replaces bytes that are not UTF-8 with this character. A wrong value is worse
        // than none.
        match answer.expose().windows(3).any(|bytes| bytes == "\u{fffd}".as_bytes()) {
            true => Err(PromptError::NotText(what.to_owned())),
            false => Ok(answer),
        }
    }

    /// Reads one line with the terminal's own editing. The end of the input counts as an empty
    /// line, a no.
    fn line(&self, prompt: &str, what: &str) -> Result<String, PromptError> {
        use std::io::{BufRead, Write};
        let _restore = Restore::arm(&self.file);
        let mut line = String::new();
        let read = write!(&self.file, "{}: ", visible(prompt))
            .and_then(|()| io::BufReader::new(&self.file).read_line(&mut line));
        match read {
            Ok(0) => self.tell(""),
            Ok(_) => {}
            // Input that is not text is not a yes.
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
        // Before the prompt appears, so that early input is not echoed either.
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
            // The lines of a paste would be compared with each other forever.
            if self.has_more() {
                return Err(PromptError::SeveralLines(what.to_owned()));
            }
            self.tell("the two entries differ: try again");
        }
    }

    fn visible(&self, what: &str) -> Result<String, PromptError> {
        let _restore = Restore::arm(&self.file);
        let input = Input::<String>::new().with_prompt(visible(what)).allow_empty(true);
        input.interact_text_on(&self.term(what)?).map_err(|e| failed(what, io_error(e)))
    }

    fn confirm(&self, question: &str) -> Result<bool, PromptError> {
        // A question that is longer than a line is printed above the prompt.
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

/// Only these words: a typing error or a longer sentence is not a consent.
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

/// The terminal's settings before a prompt, for the signal handler.
struct Saved {
    descriptor: libc::c_int,
    settings: libc::termios,
}

static SAVED: AtomicPtr<Saved> = AtomicPtr::new(std::ptr::null_mut());

const SIGNALS: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Restores the terminal when dropped, and when a signal ends the process: after Ctrl-C at a
/// prompt, the shell must echo again.
struct Restore<'a> {
    terminal: &'a File,
    before: Option<Termios>,
    /// The previous actions for the signals.
    actions: [libc::sigaction; SIGNALS.len()],
}

impl<'a> Restore<'a> {
    fn arm(terminal: &'a File) -> Self {
        let before = tcgetattr(terminal).ok();
        // SAFETY: a sigaction of zeros is the default action.
        let mut actions = unsafe { std::mem::zeroed::<[libc::sigaction; SIGNALS.len()]>() };
        if let Some(settings) = before.clone() {
            let saved = Saved { descriptor: terminal.as_raw_fd(), settings: settings.into() };
            // Leaked on purpose, a few bytes for each prompt: the handler may still read it.
            SAVED.store(Box::leak(Box::new(saved)), Ordering::SeqCst);
            for (signal, action) in SIGNALS.iter().zip(&mut actions) {
                // An ignored signal, as under `nohup`, stays ignored.
                if is_ignored(*signal) {
                    action.sa_sigaction = libc::SIG_IGN;
                    continue;
                }
                let handler = restore as extern "C" fn(libc::c_int);
                // SAFETY: `restore` calls only what POSIX allows in a handler. `action` has the
                // right type, and is our own.
                unsafe {
                    libc::sigaction(*signal, std::ptr::null(), action);
                    libc::signal(*signal, handler as libc::sighandler_t);
                }
            }
        }
        Self { terminal, before, actions }
    }

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
            // Discards unread input: otherwise the shell would echo, run and remember the rest of a
            // paste.
            let _ = tcsetattr(self.terminal, SetArg::TCSAFLUSH, settings);
        }
        if self.before.is_some() {
            SAVED.store(std::ptr::null_mut(), Ordering::SeqCst);
            for (signal, action) in SIGNALS.iter().zip(&self.actions) {
                // SAFETY: restores what sigaction returned when the action was replaced.
                unsafe { libc::sigaction(*signal, action, std::ptr::null_mut()) };
            }
        }
    }
}

/// Restores the terminal if a prompt is still open, for a process that ends without its answer.
pub fn restore_terminal() {
    let saved = SAVED.swap(std::ptr::null_mut(), Ordering::SeqCst);
    // SAFETY: tcsetattr takes any descriptor. `saved` was leaked, so it stays valid.
    unsafe {
        if let Some(saved) = saved.as_ref() {
            libc::tcsetattr(saved.descriptor, libc::TCSAFLUSH, &raw const saved.settings);
        }
    }
}

extern "C" fn restore(signal: libc::c_int) {
    let saved = SAVED.load(Ordering::SeqCst);
    // SAFETY: tcsetattr, write, signal and raise are async-signal-safe. `saved` was leaked, so it
    // stays valid.
    unsafe {
        if let Some(saved) = saved.as_ref() {
            libc::tcsetattr(saved.descriptor, libc::TCSAFLUSH, &raw const saved.settings);
            // Shows the cursor too, because a prompt may have hidden it.
            let text = c"\x1b[?25h\n";
            libc::write(saved.descriptor, text.as_ptr().cast(), text.count_bytes());
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
