//! `protect` in the settings: live objects of some contexts change only after the person named the
//! context.

use crate::failure::{Failure, GuardError};
use crate::session::Session;

/// Lets the person type the name of a protected context, once in a run. `--context` names it, too.
pub fn confirm_context(session: &Session) -> Result<(), Failure> {
    let target = session.target()?;
    let Some(context) = target.context() else { return Ok(()) };
    let is_named = session.named_context().is_some() || session.has_named_context.get();
    if is_named || !session.settings()?.protects(context) {
        return Ok(());
    }
    if !session.prompt().is_available() {
        return Err(GuardError::Protected(context.to_owned()).into());
    }
    let server = target.server()?;
    let question = format!(
        "this changes objects in the cluster `{server}`, and your settings protect its context `{context}`; go on"
    );
    if !session.prompt().confirm_with(context, &question)? {
        return Err(GuardError::NotNamed(context.to_owned()).into());
    }
    session.has_named_context.set(true);
    Ok(())
}
