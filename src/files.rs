//! Files: new and replaced ones, and directories in memory for plaintext.

mod memory;
mod replace;

pub use memory::{Disk, MemoryDirectory, MemoryError};
pub use replace::{FileError, new_file, new_shared_file, replace_file, sweep_beside};
