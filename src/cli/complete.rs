//! `__complete`: completion candidates in the form that kubectl reads, with names from the
//! cluster, the kubeconfig and the configuration.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, CommandFactory, FromArgMatches, value_parser};
use clap_complete::engine::complete;

use super::Cli;
use super::cluster_args::ClusterArgs;
use crate::candidates::{self, Line, PATIENCE};
use crate::config::KekName;
use crate::failure::Failure;
use crate::terminal;

/// The words after `kubectl envcrypt`. The last one is partial.
#[derive(Args)]
pub struct CompleteArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

/// Prints one candidate per line, then kubectl's directive. It never fails, because a shell
/// cannot show an error while someone types.
pub async fn run(args: CompleteArgs) -> Result<(), Failure> {
    let mut words = args.words;
    if words.first().is_some_and(|word| word == "--") {
        words.remove(0);
    }
    let mut line = vec![OsString::from("kubectl-envcrypt")];
    line.append(&mut words);
    if line.len() == 1 {
        line.push(OsString::new());
    }
    let last = line.len() - 1;
    candidates::set_line(read(&line[..last]));
    let here = std::env::current_dir().ok();
    // The candidates block on their own runtime, so they need their own thread.
    let candidates = std::thread::spawn(move || {
        complete(&mut Cli::command(), line, last, here.as_deref()).unwrap_or_default()
    });
    let candidates = candidates.join().unwrap_or_default();
    let mut text = String::new();
    for candidate in candidates.iter().filter(|candidate| !candidate.is_hide_set()) {
        text += &candidate.get_value().to_string_lossy();
        if let Some(help) = candidate.get_help() {
            text.push('\t');
            text += help.to_string().lines().next().unwrap_or_default();
        }
        text.push('\n');
    }
    // 0 lets the shell complete file names, 4 does not.
    text += if candidates.is_empty() { ":0\n" } else { ":4\n" };
    Ok(terminal::stdout(text.as_bytes())?)
}

/// Parses the words before the partial one. The command line may still be incomplete.
fn read(words: &[OsString]) -> Line {
    // Any text will do for a KEK here: an error would drop the flags after it.
    let any_kek = |arg: Arg| match arg.get_value_parser().type_id() == TypeId::of::<KekName>() {
        true => arg.value_parser(value_parser!(String)),
        false => arg,
    };
    let mut command = Cli::command().ignore_errors(true);
    command = command.mut_subcommands(|command| command.mut_args(any_kek));
    let Ok(root) = command.try_get_matches_from(words) else { return Line::default() };
    let matches = root.subcommand().map_or(&root, |(_, matches)| matches);
    let read = |matches| ClusterArgs::from_arg_matches(matches).unwrap_or_default().options();
    let (before, mut options) = (read(&root), read(matches));
    // Flags before the command are not handed down where there is an error.
    options.kubeconfig = options.kubeconfig.or(before.kubeconfig);
    options.context = options.context.or(before.context);
    options.namespace = options.namespace.or(before.namespace);
    options.request_timeout = Some(PATIENCE);
    Line {
        options,
        files: values::<PathBuf>(matches, "filename"),
        words: ["name", "names", "words"].iter().flat_map(|id| values(matches, id)).collect(),
    }
}

/// The values of an argument; empty if the command has no such argument.
fn values<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, id: &str) -> Vec<T> {
    let found = matches.try_get_many::<T>(id).ok().flatten();
    found.into_iter().flatten().cloned().collect()
}
