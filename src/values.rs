//! Which values: where new ones come from, and whether they look like a mistake.

pub mod allow;
pub mod ask;
pub mod docker;
pub mod env_file;
pub mod generate;
pub mod lint;
pub mod sources;
