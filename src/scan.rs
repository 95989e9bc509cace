//! How are Secrets found in files of any kind? Which files are searched, what kind each one is, and
//! how findings are written for code scanners.

mod files;
mod parallel;
mod sarif;
mod text;
mod tracked;

pub use files::{FileSet, is_excluded};
pub use parallel::in_order;
pub use sarif::{Place, ReportFormat, pretty, sarif};
pub use text::{Buffer, has_namespace, kind, namespace, read_whole, secrets, text};
