//! Values: where new ones come from, and warnings about likely mistakes in them.

pub mod allow;
pub mod ask;
pub mod docker;
pub mod generate;
pub mod lint;
pub mod sources;
