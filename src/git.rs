//! Git, run as a program. Nothing that a repository contains or sets can make it run another
//! program or ask a server.

mod error;
mod repository;

pub use error::GitError;
pub use repository::Repository;
