//! `version`, `options`, and words that people try: those of kubectl.

use clap::Args;

use crate::cli::ClusterArgs;
use crate::failure::Failure;
use crate::select::names;
use crate::terminal;

/// Anything: it is only told what to do instead.
#[derive(Args)]
pub struct AnyArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

/// `version`
pub fn version() -> Result<(), Failure> {
    let line = format!("kubectl-envcrypt {}\n", env!("CARGO_PKG_VERSION"));
    Ok(terminal::stdout(line.as_bytes())?)
}

/// `options`: the flags that every command has, as kubectl tells its own.
pub fn options() -> Result<(), Failure> {
    let command = clap::Command::new("options")
        .disable_help_flag(true)
        .help_template("{all-args}\n")
        .max_term_width(100);
    let mut command = ClusterArgs::augment_args(command);
    let text = command.render_long_help().to_string();
    let text = format!("Every command takes these flags:\n\n{}\n", text.trim());
    Ok(terminal::stdout(text.as_bytes())?)
}

/// `delete`: a sealed Secret is a Secret.
pub fn delete(args: &AnyArgs) -> Result<(), Failure> {
    let name = args.words.iter().find(|word| !word.starts_with('-')).map_or("NAME", String::as_str);
    Err(Failure::Usage(format!(
        "a sealed Secret is deleted as any other: `kubectl delete secret {}`",
        names::quoted(name)
    )))
}
