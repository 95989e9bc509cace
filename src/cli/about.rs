//! `version`, `options`, and commands of kubectl that people try here.

use clap::Args;

use crate::cli::ClusterArgs;
use crate::failure::Failure;
use crate::process;
use crate::terminal;

/// Any arguments: the command only says what to run instead.
#[derive(Args)]
pub struct AnyArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub fn version() -> Result<(), Failure> {
    let line = format!("kubectl-envcrypt {}\n", env!("CARGO_PKG_VERSION"));
    Ok(terminal::stdout(line.as_bytes())?)
}

/// `options`: the flags of every command, as `kubectl options` prints its own.
pub fn options() -> Result<(), Failure> {
    let command = clap::Command::new("options")
        .disable_help_flag(true)
        .help_template("{all-args}\n")
        .max_term_width(100);
    let mut command = ClusterArgs::augment_args(command);
    let text = command.render_long_help().to_string();
    let text = format!("You can use these flags with every command:\n\n{}\n", text.trim());
    Ok(terminal::stdout(text.as_bytes())?)
}

/// `delete`: kubectl deletes a sealed Secret, because it is an ordinary Secret.
pub fn delete(args: &AnyArgs) -> Result<(), Failure> {
    let name = args.words.iter().find(|word| !word.starts_with('-')).map_or("NAME", String::as_str);
    Err(Failure::Usage(format!(
        "to delete a sealed Secret, run `kubectl delete secret {}`",
        process::quoted(name)
    )))
}
