//! Which Secrets a command works on: the flags that select them, and how they are found.

pub mod dry_run;
pub mod etcd;
pub mod files;
pub mod kind;
pub mod listed;
pub mod live;
pub mod many;
pub mod names;
pub mod one;
pub mod selector;
