//! Everything between this program and people: prompts, output and the form of an error. It decides
//! nothing.

mod editor;
mod kept;
mod output;
mod prompt;
mod report;
mod time;
mod visible;

pub use editor::{EditError, Editor};
pub use kept::KeptTerminal;
pub use output::{
    OutputError, stderr_is_terminal, stderr_line, stdout, stdout_is_terminal, tty_line,
};
pub use prompt::{Prompt, PromptError, Times, open as open_prompt, restore_terminal};
pub use report::{Report, note, warn};
pub use time::{INVALID, age, time};
pub use visible::{visible, visible_json};
