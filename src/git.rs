//! Git, run as a program. Nothing that a repository contains or sets can make it run another
//! program or ask a server.

mod attributes;
mod error;
mod log;
mod merge_file;
mod object;
mod objects;
mod repository;
mod settings;
mod tips;
mod unmerged;
mod versions;

pub use attributes::{Attributes, pattern_of};
pub use error::GitError;
pub use log::{Change, Commit};
pub use merge_file::{Conflicts, MergedText, merge_file};
pub use object::ObjectId;
pub use objects::{Blob, Reach, Seen};
pub use repository::Repository;
pub use settings::Settings;
pub use unmerged::unmerged;
pub use versions::VersionOf;
