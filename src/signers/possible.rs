//! Whether anything asks for signatures, where the namespace of a Secret is not known.

use std::path::Path;

use super::is_named;
use crate::failure::Failure;
use crate::session::{Session, rules_start};

/// Whether any rule for the files of this directory, or the environment, asks for signatures.
pub fn may_ask(session: &Session, path: &Path) -> Result<bool, Failure> {
    let nearest = session.rules_of(&rules_start(Some(path))?)?;
    let of_repository = nearest.is_some_and(|rules| !rules.lists().is_empty());
    Ok(is_named() || of_repository || !session.settings()?.rules.lists().is_empty())
}
