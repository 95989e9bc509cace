//! Everything between this program and people or files: prompts, output, and
//! the form of an error. No decisions.

mod editor;
mod memory;
mod output;
mod prompt;
mod report;
mod visible;

pub use editor::{EditError, Editor};
pub use memory::{Disk, Folder, MemoryError};
pub use output::{
    OutputError, new_file, replace_file, stderr_is_terminal, stderr_line, stdout,
    stdout_is_terminal,
};
pub use prompt::{Prompt, PromptError, Silent, Times, Tty, open as open_prompt};
pub use report::{Report, note, warn};
pub use visible::{visible, visible_json};
