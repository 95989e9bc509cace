//! How old are the values of a Secret, and how old may they be? It works offline and opens nothing.

mod limit;
mod notes;
mod overdue;

pub use limit::{Limit, limit_of_file, limit_of_live};
pub use notes::{Notes, check_notes};
pub use overdue::{Overdue, Reason, age, oldest, overdue};
