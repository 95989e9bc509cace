//! `guard`: to which clusters the files of a repository may go.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::config::Guard;
use crate::failure::Failure;
use crate::guard::{add, described, unmatched, with_guards};
use crate::session::{Session, real_place};
use crate::terminal;

/// Bind files to their clusters, so that `apply` and `diff` refuse another one.
///
/// The list `clusters` in .envcrypt.yaml names the clusters to which the files of a path may go. The
/// plugin compares it with your kubeconfig before it sends anything. It protects from a mistake, such
/// as the wrong context. It does not protect from someone who may change the file.
#[derive(Args)]
#[command(after_help = "Examples:
  # Allow the files of a directory to go to the cluster in use, and to no other
  kubectl envcrypt guard add clusters/prod

  # Show which clusters the files of this directory may go to
  kubectl envcrypt guard list")]
pub struct GuardArgs {
    #[command(subcommand)]
    command: GuardCommand,
}

#[derive(Subcommand)]
enum GuardCommand {
    Add(AddArgs),
    List(ListArgs),
}

/// Write the cluster in use into the nearest .envcrypt.yaml, for a file or a directory.
///
/// The entry has the address of the server, and the fingerprint of its certificate authority. Both
/// are the same on every machine. The command leaves out an address of this machine, and the
/// authority of a gateway with a path for each cluster. If another context has the authority, but
/// another server, the entry has only the address. The command writes the name of the context only
/// if nothing else identifies the cluster. If the path has an entry, the command adds the cluster to it.
/// Without an .envcrypt.yaml, it creates one at the top of the Git repository.
#[derive(Args)]
#[command(after_help = "Examples:
  # Allow the files of a directory to go to the cluster in use
  kubectl envcrypt guard add clusters/prod

  # Allow another cluster, too
  kubectl envcrypt guard add clusters/prod --context prod-us")]
struct AddArgs {
    /// File or directory
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    path: PathBuf,
}

/// List the entries of the nearest .envcrypt.yaml, in the order in which they match.
#[derive(Args)]
#[command(after_help = "Examples:
  # Show the entries, and which of them allow the cluster in use
  kubectl envcrypt guard list

  # Show what another context is allowed
  kubectl envcrypt guard list --context prod-us")]
struct ListArgs {
    /// Directory whose files the entries are for
    #[arg(value_name = "DIRECTORY", default_value = ".", value_hint = clap::ValueHint::DirPath)]
    path: PathBuf,
}

pub async fn run(args: GuardArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        GuardCommand::Add(args) => write(&args, session).await,
        GuardCommand::List(args) => list(&args, session).await,
    }
}

async fn write(args: &AddArgs, session: &Session) -> Result<(), Failure> {
    let added = add(session, &args.path).await?;
    let (file, pattern) = (added.file.display(), &added.pattern);
    let line = match added.is_new {
        true => format!("`{pattern}` may go to this cluster: written to {file}"),
        false => format!("`{pattern}` may go to this cluster already: {file} is unchanged"),
    };
    terminal::stdout(format!("{}\n", terminal::visible(&line)).as_bytes())?;
    if !added.others.is_empty() {
        let names = added.others.join("`, `");
        terminal::note(&format!("the entry allows these contexts of this machine, too: `{names}`"));
    }
    Ok(())
}

async fn list(args: &ListArgs, session: &Session) -> Result<(), Failure> {
    let folder = match &args.path {
        path if path.is_dir() => real_place(path)?,
        path => return Err(Failure::Usage(format!("`{}` is not a directory", path.display()))),
    };
    let Some(rules) = with_guards(session, session.rules_of(&folder)?)? else {
        terminal::note(
            "no entry names a cluster, so files may go to any; run `kubectl envcrypt guard add PATH`",
        );
        return Ok(());
    };
    // The entries are worth reading without a kubeconfig, too.
    let in_use = match session.target()?.identity().await {
        Ok(in_use) => {
            terminal::note(&format!("the cluster in use has {}", described(&in_use)));
            Some(in_use)
        }
        Err(error) => {
            terminal::warn(&error.to_string());
            None
        }
    };
    let mut text = format!("{}\n", terminal::visible(&rules.path.display().to_string()));
    for guard in &rules.guards {
        let allowed = in_use.as_ref().map(|in_use| match guard.allows(in_use) {
            true => "; the cluster in use is allowed",
            false => "; the cluster in use is refused",
        });
        text += &line(guard, allowed.unwrap_or_default());
    }
    for (number, pattern, is_folder) in unmatched(&rules) {
        let hint = if is_folder { format!(": write `{pattern}/**`") } else { String::new() };
        terminal::warn(&format!("the path `{pattern}` of entry {number} matches no file{hint}"));
    }
    Ok(terminal::stdout(text.as_bytes())?)
}

fn line(guard: &Guard, allowed: &str) -> String {
    let conditions = [("path", &guard.path), ("namespace", &guard.namespace)];
    let given =
        conditions.into_iter().filter_map(|(name, pattern)| Some((name, pattern.as_ref()?)));
    let given: Vec<_> = given.map(|(name, pattern)| format!("{name} `{pattern}`")).collect();
    let what = if given.is_empty() { "everything".to_owned() } else { given.join(" and ") };
    let line = format!("{}. {what}: only {}{allowed}", guard.number, guard.wanted());
    format!("{}\n", terminal::visible(&line))
}
