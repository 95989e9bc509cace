//! What ends a command early, for a person.

use std::io::Write;
use std::process::ExitCode;

/// One error, with causes and hints.
#[derive(Debug)]
pub struct Failure {
    error: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// An error without a cause and without a hint.
    #[must_use]
    pub fn new(error: impl Into<String>) -> Self {
        Self { error: error.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Prints one line for each part. Returns the exit code.
    #[must_use]
    pub fn report(&self) -> ExitCode {
        let mut text = format!("error: {}\n", one_line(&self.error));
        for cause in &self.causes {
            text.push_str(&format!("cause: {}\n", one_line(cause)));
        }
        for hint in &self.hints {
            text.push_str(&format!("hint: {}\n", one_line(hint)));
        }
        let _ = std::io::stderr().write_all(text.as_bytes());
        ExitCode::FAILURE
    }
}

/// Services and files can influence these texts, so nothing in them breaks the line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}
