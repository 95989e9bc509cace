//! `signers sign`: lets the machines of others accept a changed list.

use clap::Args;

use super::place::{FileArgs, List};
use crate::author::Author;
use crate::failure::{Failure, SignersError};
use crate::session::{Session, rules_start};
use crate::signers::{self, State};
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::signature::{
    SIGNERS_NAMESPACE, Signers, SshSignature, armor, unarmor, verify_list,
};

/// Sign the list of signers with your SSH key.
///
/// A machine that knows the old list then accepts the new one without a question, if as many people
/// of the old list signed as the rule asks for. The command writes the signature next to the list,
/// in a file with `.sig` at the end. Signatures of others over the same list stay.
#[derive(Args)]
#[command(after_help = "Examples:
  # Look at the list, then sign it
  kubectl envcrypt signers list
  kubectl envcrypt signers sign

  # Sign with another key
  ENVCRYPT_SIGNING_KEY=~/.ssh/work kubectl envcrypt signers sign")]
pub struct SignArgs {
    #[command(flatten)]
    file: FileArgs,
}

pub async fn run(args: &SignArgs, session: &Session) -> Result<(), Failure> {
    let list = args.file.list(session)?;
    let text = list.read()?.ok_or_else(|| SignersError::Missing(list.path.clone()))?;
    // A checkout may have another kind of line end.
    let text = text.replace("\r\n", "\n");
    let signers = Signers::parse(&text).map_err(|error| list.form(error))?;
    signers.check_serial(now()).map_err(|error| list.form(error))?;
    if signers.serial().is_none() {
        return Err(Failure::Usage(
            "the list has no serial: add the line `# envcrypt-serial: 1`, or a greater number than before".into(),
        ));
    }
    if signers.id().is_none() {
        terminal::warn(
            "the list has no line `# envcrypt-list: ID`, so other machines ask before they accept it: the next `signers add` or `signers revoke` writes one",
        );
    }
    check_known(session, &list)?;
    let blob = Author::find(session)?.sign(SIGNERS_NAMESPACE, text.as_bytes()).await?;
    let key = SshSignature::parse(&blob).ok().map(|signature| signature.key().clone());
    let old = list.read_signatures()?;
    let is_other = |blob: &Vec<u8>| {
        let signature = SshSignature::parse(blob).ok();
        let signature = signature.filter(|old| Some(old.key()) != key.as_ref());
        signature.is_some_and(|old| verify_list(&old, &text).is_ok())
    };
    let others = unarmor(old.as_deref().unwrap_or_default()).into_iter().flatten().filter(is_other);
    let all: String = others.chain([blob.clone()]).map(|blob| armor(&blob)).collect();
    list.write_signatures(old.as_deref(), &all)?;
    let listed = key.map(|key| signers.principal(&key, SIGNERS_NAMESPACE, now()).is_ok());
    if listed != Some(true) {
        terminal::warn(
            "your key is not on this list, or may not sign it; it counts only if it may by the list that others know",
        );
    }
    terminal::stdout(format!("{}.sig: signed\n", list.shown()).as_bytes())?;
    list.note_commit();
    Ok(())
}

/// Refuses a list that someone else changed: the person would admit whoever is new there.
fn check_known(session: &Session, list: &List) -> Result<(), Failure> {
    if !list.is_named {
        return Ok(());
    }
    match signers::state(session, &rules_start(None)?)? {
        State::Changed(changes) => {
            Err(SignersError::Changed { root: list.path.clone(), changes }.into())
        }
        _ => Ok(()),
    }
}
