//! The file of the list, and how it is changed.

use std::num::NonZeroUsize;
use std::path::{Component, Path, PathBuf};

use clap::{Args, ValueHint};

use crate::config::{Rules, is_top, read_text, searched, top_of};
use crate::failure::{Failure, SignersError};
use crate::files::{FileError, new_shared_file, replace_file};
use crate::session::{Session, rules_start};
use crate::signers;
use crate::terminal;
use envcrypt_core::signature::{Edited, ListError, Signers};

/// The usual name of the list, below the directory with the rules.
const USUAL: &str = ".envcrypt/allowed_signers";

#[derive(Args)]
pub struct FileArgs {
    /// File of the list; by default the one that the rules name, or .envcrypt/allowed_signers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
}

/// The file of the list.
pub struct List {
    pub path: PathBuf,
    /// The directory out of which no link may lead.
    within: PathBuf,
    /// Whether a rule names the file.
    pub is_named: bool,
    /// Whether there are rules at all.
    has_rules: bool,
    /// The directory with the rules, or the one for them.
    root: PathBuf,
    /// How many people a rule asks for.
    needed: Option<NonZeroUsize>,
    /// The file as it was named on the command line.
    typed: Option<PathBuf>,
}

impl FileArgs {
    pub fn list(&self, session: &Session) -> Result<List, Failure> {
        let here = rules_start(None)?;
        let rules = session.rules_of(&here)?;
        let named = rules.as_deref().map(Rules::lists).unwrap_or_default();
        let root = rules.as_deref().map_or_else(|| new_place(&here), Rules::root).to_owned();
        let path = match (&self.file, &named[..]) {
            (Some(file), _) => here.join(file),
            (None, [one]) => one.file.clone(),
            (None, []) => root.join(USUAL),
            (None, _) => {
                return Err(Failure::Usage(
                    "the rules name more than one list of signers: choose one with `--file`".into(),
                ));
            }
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let top = top_of(folder);
        let above = Some(&*root).filter(|root| path.starts_with(root));
        let within = top.or(above).or(Some(&*here).filter(|here| path.starts_with(here)));
        Ok(List {
            within: within.unwrap_or(folder).to_owned(),
            is_named: named.iter().any(|list| list.file == path),
            needed: named.iter().filter(|list| list.file == path).map(|list| list.needed).max(),
            has_rules: rules.is_some(),
            typed: self.file.clone(),
            root,
            path,
        })
    }
}

impl List {
    /// The text of the list; `None` if there is no file.
    pub fn read(&self) -> Result<Option<String>, Failure> {
        Ok(read_text(&self.path, Some(&self.within))?)
    }

    pub fn form(&self, error: ListError) -> Failure {
        SignersError::Form { path: self.path.clone(), error }.into()
    }

    /// The path as people see it from here.
    pub fn shown(&self) -> String {
        match (&self.typed, rules_start(None)) {
            (Some(typed), _) => typed.display().to_string(),
            (None, Ok(here)) => relative(&here, &self.path).display().to_string(),
            (None, Err(_)) => self.path.display().to_string(),
        }
    }

    /// Warns if a rule asks for more people than may sign now.
    pub fn warn_of_few(&self, text: &str) {
        if let (Some(needed), Ok(signers)) = (self.needed, Signers::parse(text)) {
            signers::warn_of_few(&self.shown(), needed, &signers);
        }
    }

    /// Says what is to be done with a changed list.
    fn note_next(&self, is_new: bool) {
        let list = self.shown();
        if is_new {
            return terminal::note(&format!("next, commit `{list}`"));
        }
        let stale = match self.signature_path().exists() {
            true => ": the old signatures do not count any more",
            false => "",
        };
        let file = self.typed.as_ref().map(|_| format!(" --file {list}")).unwrap_or_default();
        terminal::note(&format!(
            "other machines know the old list: to let them accept the new one, run `kubectl envcrypt signers sign{file}`{stale}"
        ));
        self.note_commit();
    }

    /// Says which files belong together.
    pub fn note_commit(&self) {
        let list = self.shown();
        terminal::note(&format!("then commit both files, `{list}` and `{list}.sig`"));
    }

    /// Writes a changed list, completely or not at all. What this machine knows of the old one is
    /// then true of the new one.
    pub fn write(
        &self,
        session: &Session,
        old: Option<&str>,
        edited: &Edited,
    ) -> Result<(), Failure> {
        match old {
            Some(old) => replace_file(&self.path, old.as_bytes(), edited.text.as_bytes())?,
            None => self.create(&self.path, &edited.text)?,
        }
        signers::changed_here(session, &self.path, old.unwrap_or_default(), &edited.text)?;
        self.note_next(old.is_none());
        self.warn_of_few(&edited.text);
        Ok(())
    }

    /// The file with the signatures over the list.
    pub fn signature_path(&self) -> PathBuf {
        self.path.with_added_extension("sig")
    }

    /// Its text; `None` if there is no file.
    pub fn read_signatures(&self) -> Result<Option<String>, Failure> {
        Ok(read_text(&self.signature_path(), Some(&self.within))?)
    }

    pub fn write_signatures(&self, old: Option<&str>, new: &str) -> Result<(), Failure> {
        let path = self.signature_path();
        match old {
            Some(old) => Ok(replace_file(&path, old.as_bytes(), new.as_bytes())?),
            None => self.create(&path, new),
        }
    }

    fn create(&self, path: &Path, text: &str) -> Result<(), Failure> {
        let io = |source| FileError::Io { path: path.to_owned(), source };
        let folder = path.parent().unwrap_or(Path::new("/"));
        // A link in the repository must not make the file elsewhere.
        let there = folder.ancestors().find(|there| there.symlink_metadata().is_ok());
        let real = there.map_or(Ok(folder.to_owned()), Path::canonicalize).map_err(io)?;
        if !real.starts_with(self.within.canonicalize().map_err(io)?) {
            return Err(Failure::Usage(format!(
                "`{}` is a link that leads out of the repository",
                folder.display()
            )));
        }
        std::fs::create_dir_all(folder).map_err(io)?;
        Ok(new_shared_file(path, text.as_bytes())?)
    }

    /// Says what is missing until the list has an effect.
    pub fn note_rule(&self) {
        if self.is_named {
            return;
        }
        let file = if self.has_rules {
            "a rule of `.envcrypt.yaml`"
        } else {
            "a rule of a new file `.envcrypt.yaml`"
        };
        terminal::note(&format!(
            "no rule names this list yet, so nothing needs a signature: add `signers: {}` to {file}",
            relative(&self.root, &self.path).display()
        ));
    }
}

/// The directory for new rules: the top of the repository, otherwise the working directory.
fn new_place(here: &Path) -> &Path {
    searched(here).into_iter().find(|directory| is_top(directory)).unwrap_or(here)
}

/// The path as it is typed in a directory.
fn relative(from: &Path, path: &Path) -> PathBuf {
    let common = from.ancestors().find(|above| path.starts_with(above));
    let Some((common, below)) = common.and_then(|c| Some((c, path.strip_prefix(c).ok()?))) else {
        return path.to_owned();
    };
    let up = from.components().count() - common.components().count();
    std::iter::repeat_n(Component::ParentDir, up).chain(below.components()).collect()
}
