//! Git, run as a program. Nothing that a repository contains or sets can make it run another
//! program or ask a server.

mod error;
mod log;
mod object;
mod objects;
mod repository;

pub use error::GitError;
pub use log::{Change, Commit};
pub use object::ObjectId;
pub use objects::{Blob, Reach, Seen};
pub use repository::Repository;
