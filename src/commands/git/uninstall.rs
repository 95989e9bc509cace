//! `git uninstall`: removes what `git install` wrote.

use std::path::Path;

use clap::Args;

use crate::failure::Failure;
use crate::git::{Attributes, GitError, Repository, Settings};
use crate::merge::setup;
use crate::terminal;

/// Remove what `git install` wrote, and nothing else.
#[derive(Args)]
#[command(after_help = "Examples:
  # Remove the drivers and the lines of .gitattributes
  kubectl envcrypt git uninstall

  # Remove the drivers from the settings of the user
  kubectl envcrypt git uninstall --global")]
pub struct UninstallArgs {
    /// Remove the drivers from the settings of the user
    #[arg(long)]
    global: bool,
}

pub fn run(args: &UninstallArgs) -> Result<(), Failure> {
    let repository = match Repository::of(Path::new(".")) {
        Err(GitError::NoRepository(_)) if args.global => None,
        repository => Some(repository?),
    };
    let (settings, place) = match &repository {
        Some(repository) if !args.global => {
            (Settings::Local(repository), "the settings of this repository")
        }
        _ => (Settings::Global, "your settings of Git"),
    };
    let mut said = String::new();
    let mut was_there = false;
    for (name, _) in setup::SETTINGS {
        match settings.get(name)? {
            Some(there) if setup::is_own(name, &there) => {
                settings.unset(name, &there)?;
                was_there = true;
            }
            Some(_) => terminal::note(&format!(
                "`{name}` in {place} stays as it is: `git install` did not write it"
            )),
            None => {}
        }
    }
    let what = if was_there { "drivers removed from" } else { "no drivers in" };
    said += &format!("{what} {place}\n");
    // The lines of `.gitattributes` are everyone's: drivers of the user do not decide about them.
    if let Some(repository) = repository.filter(|_| !args.global) {
        for pattern in Attributes::read(&repository)?.remove()? {
            let pattern = String::from_utf8_lossy(&pattern);
            let pattern = terminal::visible(&pattern);
            said += &format!("{pattern} removed from .gitattributes\n");
        }
    }
    Ok(terminal::stdout(said.as_bytes())?)
}
