//! May this change go to the cluster in use? Guards against mistakes: the wrong context.

mod add;
mod check;
mod edit;
mod nearest;
mod protect;

pub use add::add;
pub use check::{AnyClusterArgs, ClusterCheck, described};
pub use nearest::{unmatched, with_guards};
pub use protect::confirm_context;
