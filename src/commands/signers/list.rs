//! `signers list`: who may sign.

use std::path::PathBuf;

use clap::Args;

use super::place::FileArgs;
use crate::config::{SIGNERS_VARIABLE, read_text};
use crate::failure::{Failure, SignersError};
use crate::session::{Session, rules_start};
use crate::signers::{self, State};
use crate::terminal;
use envcrypt_core::signature::{Signer, Signers, time_text};

/// Show who may sign, with which keys, and whether this machine knows the list.
#[derive(Args)]
#[command(after_help = "Examples:
  # Show who may sign
  kubectl envcrypt signers list

  # Show another list
  kubectl envcrypt signers list --file other/allowed_signers")]
pub struct ListArgs {
    #[command(flatten)]
    file: FileArgs,
}

pub fn run(args: &ListArgs, session: &Session) -> Result<(), Failure> {
    let list = args.file.list(session)?;
    let text = list.read()?.ok_or_else(|| SignersError::Missing(list.path.clone()))?;
    let signers = Signers::parse(&text).map_err(|error| list.form(error))?;
    terminal::stdout(table(signers.list()).as_bytes())?;
    list.warn_of_few(&text);
    if let Some(file) = std::env::var_os(SIGNERS_VARIABLE).filter(|file| !file.is_empty()) {
        let file = PathBuf::from(file);
        let is_same = read_text(&file, None)?.is_some_and(|other| other == text);
        terminal::note(&format!(
            "`{SIGNERS_VARIABLE}` names `{}`, which is {}: only that list counts",
            file.display(),
            if is_same { "the same" } else { "another list" }
        ));
        return Ok(());
    }
    if !list.is_named {
        list.note_rule();
        return Ok(());
    }
    match signers::state(session, &rules_start(None)?)? {
        State::Free => {}
        State::New => terminal::note("this machine has not used the list yet"),
        State::Pinned => terminal::note("this machine knows the list and the rules"),
        State::Changed(changes) => {
            terminal::warn("this machine knows another list, or other rules");
            changes.iter().for_each(|change| terminal::note(change));
            terminal::note("to accept the changes, run `kubectl envcrypt signers trust`");
        }
    }
    Ok(())
}

fn table(signers: &[Signer]) -> String {
    let row = |signer: &Signer| {
        let key = &signer.key;
        [signer.principal.clone(), key.kind().to_owned(), key.fingerprint(), validity(signer)]
    };
    let head = ["PRINCIPAL", "KIND", "FINGERPRINT", "VALID"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(signers.iter().map(row)).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (name, kind, print) = (width(0), width(1), width(2));
    let line = |[a, b, c, d]: &[String; 4]| format!("{a:<name$}  {b:<kind$}  {c:<print$}  {d}\n");
    rows.iter().map(line).collect()
}

fn validity(signer: &Signer) -> String {
    let time = |seconds: Option<u64>| seconds.and_then(time_text);
    let mut text = match (time(signer.valid_after), time(signer.valid_before)) {
        (None, None) => "always".to_owned(),
        (Some(after), None) => format!("from {after}"),
        (None, Some(before)) => format!("until {before}"),
        (Some(after), Some(before)) => format!("from {after} until {before}"),
    };
    let can = |namespace: &str| {
        signer.namespaces.as_ref().is_none_or(|names| names.iter().any(|name| name == namespace))
    };
    if !can(envcrypt_core::signature::SECRET_NAMESPACE) {
        text += ", not for Secrets";
    }
    if !can(envcrypt_core::signature::SIGNERS_NAMESPACE) {
        text += ", not for the list";
    }
    text
}
