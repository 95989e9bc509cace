//! `signers add`: lets someone sign.

use clap::Args;

use super::keys;
use super::place::FileArgs;
use crate::failure::{Failure, SignersError};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::signature::{add, can_be_principal};

/// Add SSH keys of a person to the list of signers.
///
/// The keys may then sign Secrets and the list itself, and nothing else. The command creates the
/// list if there is none. It does not change `.envcrypt.yaml`.
#[derive(Args)]
#[command(after_help = "Examples:
  # Add the SSH keys that Alice has on GitHub
  curl https://github.com/alice.keys | kubectl envcrypt signers add alice@example.com -

  # Add your own key
  kubectl envcrypt signers add bob@example.com ~/.ssh/id_ed25519.pub")]
pub struct AddArgs {
    /// Name of the person, for example an email address
    principal: String,
    /// Public key, file with public keys, or - for standard input
    #[arg(value_name = "KEY|FILE|-", required = true, num_args = 1..)]
    key: Vec<String>,
    #[command(flatten)]
    file: FileArgs,
}

pub fn run(args: &AddArgs, session: &Session) -> Result<(), Failure> {
    let name = &args.principal;
    if !can_be_principal(name) {
        let shown = terminal::visible(name).into_owned();
        let why = "it must be one name, of ASCII characters, without spaces, quotes, `*`, `?`, `!`, `,` and `\\`";
        return Err(SignersError::Principal(shown, why).into());
    }
    let list = args.file.list(session)?;
    let keys = keys::read(&args.key)?;
    let old = list.read()?;
    let edited = add(old.as_deref().unwrap_or_default(), name, &keys, now());
    let edited = edited.map_err(|error| list.form(error))?;
    if edited.lines == 0 {
        terminal::note(&format!("`{}` has these keys of {name} already", list.shown()));
    } else {
        list.write(session, old.as_deref(), &edited)?;
        let count = edited.lines;
        let noun = if count == 1 { "key" } else { "keys" };
        let line = format!("{}: added {count} {noun} of {name}\n", list.shown());
        terminal::stdout(terminal::visible(line.trim_end()).as_bytes())?;
        terminal::stdout(b"\n")?;
    }
    list.note_rule();
    Ok(())
}
