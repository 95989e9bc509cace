//! Which list of signers a rule names, and how many signatures it asks for.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use super::{ConfigError, file};

/// The most signatures that a rule may ask for: as many as a Secret can have.
pub const MAX_SIGNATURES: usize = 16;

/// What a rule asks of the signatures of a Secret.
#[derive(Debug, Clone)]
pub struct SignersRule {
    /// The file of the list as the rule names it.
    pub name: String,
    pub file: PathBuf,
    /// How many different principals must have signed.
    pub needed: NonZeroUsize,
    /// The directory out of which no link may lead. `None` for the user's own rules.
    within: Option<PathBuf>,
}

impl SignersRule {
    /// From the fields `signers` and `signatures` of a rule.
    pub(super) fn new(
        name: Option<String>,
        needed: Option<usize>,
        rule: usize,
        path: &Path,
        within: Option<&Path>,
    ) -> Result<Option<Self>, ConfigError> {
        let wrong = |wrong| ConfigError::Signers { path: path.to_owned(), rule, wrong };
        let Some(name) = name else {
            return match needed {
                Some(_) => Err(wrong("it has `signatures`, but no list of `signers`")),
                None => Ok(None),
            };
        };
        if name.is_empty() {
            return Err(wrong("its `signers` names no file"));
        }
        if within.is_some() && Path::new(&name).is_absolute() {
            return Err(wrong("its `signers` must be a path relative to this file"));
        }
        let needed = NonZeroUsize::new(needed.unwrap_or(1))
            .filter(|needed| needed.get() <= MAX_SIGNATURES)
            .ok_or_else(|| wrong("its `signatures` must be a number from 1 to 16"))?;
        let file = path.parent().unwrap_or(Path::new("/")).join(&name);
        Ok(Some(Self { name, file, needed, within: within.map(Path::to_owned) }))
    }

    /// The text of the list. `None` if the file does not exist.
    ///
    /// # Errors
    /// Fails if it is not a regular file of at most 64 KiB of text, or a link to it leads out of the
    /// repository.
    pub fn read(&self) -> Result<Option<String>, ConfigError> {
        file::read_text(&self.file, self.within.as_deref())
    }

    /// The text of the file with the signatures over the list, which is beside it.
    ///
    /// # Errors
    /// As for [`SignersRule::read`].
    pub fn read_signatures(&self) -> Result<Option<String>, ConfigError> {
        file::read_text(&self.signature_file(), self.within.as_deref())
    }

    /// The file with the signatures over the list.
    #[must_use]
    pub fn signature_file(&self) -> PathBuf {
        let mut path = self.file.clone().into_os_string();
        path.push(".sig");
        path.into()
    }
}
