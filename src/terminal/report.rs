//! What a person reads on standard error: one error with its causes and
//! hints, warnings, notes. Lower case, no final period.

use std::borrow::Cow;

use super::{stderr_line, visible};

/// An error as it is shown.
#[derive(Debug, Default)]
pub struct Report {
    /// What failed.
    pub error: String,
    /// Why, the nearest cause first.
    pub causes: Vec<String>,
    /// What to do.
    pub hints: Vec<String>,
}

impl Report {
    /// Prints it, a line for each part.
    pub fn print(&self) {
        stderr_line(&format!("error: {}", one_line(&self.error)));
        for cause in &self.causes {
            stderr_line(&format!("cause: {}", one_line(cause)));
        }
        for hint in &self.hints {
            stderr_line(&format!("hint: {}", one_line(hint)));
        }
    }
}

/// Something that does not stop the work and that the person should know.
pub fn warn(text: &str) {
    stderr_line(&format!("warning: {}", one_line(text)));
}

/// Something that was done and is good to know.
pub fn note(text: &str) {
    stderr_line(&format!("note: {}", one_line(text)));
}

/// Services and files have a say in these texts: no line breaks, no escapes.
fn one_line(text: &str) -> Cow<'_, str> {
    visible(text.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_can_break_the_line_or_steer_the_terminal() {
        assert_eq!(one_line("a\nerror: b\u{1b}[2J."), "a\\nerror: b\\u{1b}[2J");
    }
}
