//! `__reference`: every command with its flags, as a page of Markdown.

use std::fmt::Write;

use clap::{Arg, Command, CommandFactory};

use super::Cli;
use crate::failure::Failure;
use crate::terminal;

const HEAD: &str = "# Commands\n\n\
    This page is generated from the program: run `make reference` after you change a flag.\n\
    Every command also takes the [cluster options](#cluster-options).\n";

/// Prints `docs/commands.md`.
pub fn run() -> Result<(), Failure> {
    let mut root = Cli::command();
    root.build();
    let mut page = HEAD.to_owned();
    for command in root.get_subcommands() {
        section(&mut page, command, 2);
    }
    page += "\n## Cluster options\n\nThey are those of `kubectl`.\n";
    let is_global = |arg: &&Arg| arg.is_global_set();
    table(&mut page, root.get_arguments().filter(is_global));
    Ok(terminal::stdout(page.as_bytes())?)
}

fn section(page: &mut String, command: &Command, level: usize) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = command.get_bin_name().unwrap_or_default();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string);
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").replace("\n       ", "\n");
    let _ = write!(
        page,
        "\n{} {name}\n\n{}\n\n```text\n{usage}\n```\n",
        "#".repeat(level),
        about.unwrap_or_default()
    );
    let own = command.get_arguments().filter(|arg| !arg.is_global_set());
    table(page, own.filter(|arg| !matches!(arg.get_id().as_str(), "help" | "version")));
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    if let Some(lines) = examples.strip_prefix("Examples:\n") {
        let lines: Vec<&str> = lines.lines().map(str::trim_start).collect();
        let _ = write!(page, "\nExamples:\n\n```text\n{}\n```\n", lines.join("\n"));
    }
    for command in command.get_subcommands() {
        section(page, command, level + 1);
    }
}

/// Arguments, then flags by their names.
fn table<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let mut args: Vec<&Arg> = args.filter(|arg| !arg.is_hide_set()).collect();
    if args.is_empty() {
        return;
    }
    // Positional arguments keep their order, which is that of the command line.
    args.sort_by_key(|arg| (!arg.is_positional(), arg.get_long()));
    page.push_str("\n| argument | what it does |\n|---|---|\n");
    for (name, help) in args.into_iter().map(row) {
        let _ = writeln!(page, "| `{name}` | {help} |");
    }
}

fn row(arg: &Arg) -> (String, String) {
    let short = arg.get_short().map_or_else(String::new, |short| format!("-{short}, "));
    let name = match !arg.is_positional() {
        true => format!("{short}{}", arg.to_string().replace(['<', '>'], "")),
        false => arg.to_string(),
    };
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    let mut help = help.replace('\n', " ").replace('|', "\\|");
    let values: Vec<_> = arg.get_possible_values();
    let values = values
        .iter()
        .filter(|value| !value.is_hide_set())
        .map(clap::builder::PossibleValue::get_name);
    let values = values.filter(|_| arg.get_action().takes_values()).collect::<Vec<_>>();
    if !values.is_empty() {
        help += &format!(": `{}`", values.join("`, `"));
    }
    let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
    let defaults = defaults.filter(|_| arg.get_action().takes_values()).collect::<Vec<_>>();
    if !defaults.is_empty() {
        help += &format!(" (default `{}`)", defaults.join(","));
    }
    (name.replace('|', "\\|"), help)
}
