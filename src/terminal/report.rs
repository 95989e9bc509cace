//! What a person reads on standard error: one error with causes and hints, warnings, notes. Lower
//! case, no final period.

use std::borrow::Cow;

use super::{stderr_line, visible};

#[derive(Debug, Default)]
pub struct Report {
    pub error: String,
    /// The reasons, the nearest one first.
    pub causes: Vec<String>,
    /// What to do next.
    pub hints: Vec<String>,
}

impl Report {
    /// Prints one line for each part.
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

/// Prints something that does not stop the work, but that the person should know.
pub fn warn(text: &str) {
    stderr_line(&format!("warning: {}", one_line(text)));
}

/// Prints something useful about what was done.
pub fn note(text: &str) {
    stderr_line(&format!("note: {}", one_line(text)));
}

/// Services and files can influence these texts, so line breaks and escape sequences are made
/// visible.
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
