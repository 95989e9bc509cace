//! Which Secrets a command is for: the flags that say so, and finding them.

pub mod dry_run;
pub mod files;
pub mod many;
pub mod names;
pub mod one;
pub mod selector;
