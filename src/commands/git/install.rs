//! `git install`: tells Git about the drivers.

use std::path::Path;

use clap::Args;

use crate::failure::Failure;
use crate::git::{Attributes, GitError, Repository, Settings, pattern_of};
use crate::merge::setup;
use crate::process;
use crate::terminal;

/// Set up a repository: Git then shows and merges sealed Secrets with this plugin.
///
/// The command writes the drivers into the settings of the repository, and a line for each sealed
/// file into `.gitattributes`. Commit that file. Everyone who clones the repository runs this
/// command once, because Git does not take settings from a repository. Without it, Git merges
/// lines, and the seals conflict.
#[derive(Args)]
#[command(after_help = "Examples:
  # Set up this repository, for the sealed files that are in it
  kubectl envcrypt git install

  # Use the drivers for all YAML files: the plugin changes nothing in files without sealed values
  kubectl envcrypt git install --pattern '*.yaml' --pattern '*.yml'

  # Set up Git for all repositories of this user
  kubectl envcrypt git install --global")]
pub struct InstallArgs {
    /// Write the drivers into the settings of the user, for all repositories
    #[arg(long)]
    global: bool,
    /// Use the drivers for files that match this pattern of .gitattributes; without it, for the
    /// sealed files that are there (can be repeated)
    #[arg(long, value_name = "GLOB", value_parser = pattern)]
    pattern: Vec<String>,
}

pub fn run(args: &InstallArgs) -> Result<(), Failure> {
    let repository = match Repository::of(Path::new(".")) {
        Err(GitError::NoRepository(_)) if args.global && args.pattern.is_empty() => None,
        repository => Some(repository?),
    };
    let mut said = String::new();
    let (settings, place) = match &repository {
        Some(repository) if !args.global => {
            (Settings::Local(repository), "the settings of this repository")
        }
        _ => (Settings::Global, "your settings of Git"),
    };
    let mut is_new = false;
    for (name, value) in setup::SETTINGS {
        match settings.get(name)? {
            Some(there) if there == value => {}
            // A person can have drivers of their own, for example one that shows values.
            Some(there) if !setup::is_own(name, &there) => terminal::note(&format!(
                "`{name}` in {place} stays as it is: `git install` did not write it"
            )),
            there => {
                settings.set(name, value, there.as_deref())?;
                is_new = true;
            }
        }
    }
    let what = if is_new { "drivers written to" } else { "drivers already in" };
    said += &format!("{what} {place}\n");
    if let Some(repository) = &repository {
        said += &args.attributes(repository)?;
    }
    terminal::stdout(said.as_bytes())?;
    if process::find(Path::new("kubectl-envcrypt")).is_none() {
        terminal::warn(
            "`kubectl-envcrypt` is not in `PATH`: Git cannot run the drivers, and leaves conflicts",
        );
    }
    Ok(())
}

impl InstallArgs {
    /// Adds the patterns, and says what was added.
    fn attributes(&self, repository: &Repository) -> Result<String, Failure> {
        let files = setup::sealed_files(repository)?;
        let patterns: Vec<Vec<u8>> = match self.pattern.is_empty() {
            true => files.iter().map(|file| setup::exactly(file)).collect(),
            false => self.pattern.iter().map(|text| pattern_of(text.as_bytes(), false)).collect(),
        };
        if patterns.is_empty() {
            terminal::note(
                "there is no sealed file yet: run the command again later, or name files with `--pattern '*.yaml'`",
            );
            return Ok(String::new());
        }
        let added = Attributes::read(repository)?.add(&patterns)?;
        let without = repository.without_driver(&files.iter().map(|f| &**f).collect::<Vec<_>>())?;
        if let Some(file) = without.first() {
            terminal::warn(&format!(
                "{} sealed files do not use the drivers, for example `{}`: no pattern matches, or another line of Git's attributes overrides it",
                without.len(),
                file.display()
            ));
        }
        let line = |pattern: &Vec<u8>| {
            let pattern = String::from_utf8_lossy(pattern);
            format!("{} added to .gitattributes\n", terminal::visible(&pattern))
        };
        Ok(added.iter().map(line).collect())
    }
}

fn pattern(text: &str) -> Result<String, String> {
    match text {
        "" => Err("it is empty".to_owned()),
        _ if text.starts_with('!') => Err("Git forbids `!` in .gitattributes".to_owned()),
        _ if text.starts_with('#') => Err("a line that starts with `#` is a comment".to_owned()),
        _ => Ok(text.to_owned()),
    }
}
