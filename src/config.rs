//! What the person and the repository have written down: the user's
//! configuration folder, and the rules of the nearest `.envcrypt.yaml`.

mod duration;
mod file;
mod kek_name;

mod rules;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use serde::Deserialize;
use thiserror::Error;

pub use duration::duration;

pub use kek_name::KekName;
pub use rules::{Rule, RuleInput, Rules};

use envcrypt_core::kek::UriError;
use rules::RuleText;

/// The file with a repository's rules.
pub const RULES_FILE: &str = ".envcrypt.yaml";
/// The environment variable with the KEKs to seal to, commas between them.
pub const KEK_VARIABLE: &str = "ENVCRYPT_KEK";
/// The environment variable with the KEKs that `exec` may ask to open values that
/// stand alone, commas between them.
pub const EXEC_KEKS_VARIABLE: &str = "ENVCRYPT_KEKS";
/// The environment variable with files of age identities, as `PATH` lists folders.
pub const IDENTITIES_VARIABLE: &str = "ENVCRYPT_AGE_IDENTITIES";

/// The environment variable with the KEK's timeout: [`Settings::kek_timeout`].
pub const TIMEOUT_VARIABLE: &str = "ENVCRYPT_KEK_TIMEOUT";
const KEK_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is not YAML, or has other fields. The parser's own message quotes what it
    /// met, and a link may have led to another file: so only the place is shown.
    #[error(
        "`{path}` is not a valid configuration: line {line}, column {column}: it is not {form}"
    )]
    Parse {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What belongs there.
        form: &'static str,
    },
    /// A link that leads out of the repository, or something that is not a file.
    #[error("`{path}` is not used: {wrong}")]
    NotOwnFile {
        /// The file.
        path: PathBuf,
        /// What it is.
        wrong: &'static str,
    },
    /// A pattern is not valid. Not quoted: see [`ConfigError::Parse`].
    #[error("`{path}`: rule {rule}: its `{field}` is not a valid pattern")]
    Pattern {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
        /// Which field.
        field: &'static str,
    },
    /// A name that stands for no KEK. Not quoted: see [`ConfigError::Parse`].
    #[error("`{path}`: rule {rule}: number {number} of its `keks` is not a KEK")]
    Kek {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
        /// Counted from 1.
        number: usize,
    },
    /// The same of a setting.
    #[error("`{path}`: number {number} of its `{field}` is not a KEK")]
    Setting {
        /// The file.
        path: PathBuf,
        /// Which setting.
        field: &'static str,
        /// Counted from 1.
        number: usize,
    },
    /// A variable names something that is not a KEK.
    #[error("`{name}`: {source}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        source: UriError,
    },
    /// A rule that names no KEK would leave Secrets under none.
    #[error("`{0}`: a rule names no KEK")]
    EmptyRule(PathBuf),
    /// A timeout is none.
    #[error("`{name}`: `{text}` is no duration: {wrong}")]
    Timeout {
        /// The setting, or the variable.
        name: &'static str,
        /// What it says.
        text: String,
        /// How to write one.
        wrong: String,
    },
    /// There is neither `$HOME` nor `$XDG_CONFIG_HOME`.
    #[cfg(feature = "age")]
    #[error("there is no configuration folder: neither `HOME` nor `XDG_CONFIG_HOME` is set")]
    NoFolder,
}

/// The KEKs that an environment variable names, commas between them.
///
/// # Errors
/// [`ConfigError::Variable`]
pub fn keks_in(name: &'static str) -> Result<Vec<KekName>, ConfigError> {
    let text = std::env::var(name).unwrap_or_default();
    KekName::list(&text).map_err(|source| ConfigError::Variable { name, source })
}

/// The user's configuration folder: `$XDG_CONFIG_HOME/envcrypt` or
/// `~/.config/envcrypt`. There may be none, as in a bare container.
#[derive(Debug, Clone)]
pub struct ConfigDirectory(Option<PathBuf>);

impl ConfigDirectory {
    /// As the environment has it.
    #[must_use]
    pub fn of_user() -> Self {
        let base = etcetera::choose_base_strategy().ok();
        Self(base.map(|base| base.config_dir().join("envcrypt")))
    }

    /// The file with the user's settings.
    #[must_use]
    pub fn settings(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("config.yaml"))
    }

    /// The list of accepted KEKs.
    #[must_use]
    pub fn trusted(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("trusted-keks"))
    }

    /// The identity behind `local`.
    ///
    /// # Errors
    /// [`ConfigError::NoFolder`]
    #[cfg(feature = "age")]
    pub fn local_identity(&self) -> Result<PathBuf, ConfigError> {
        Ok(self.0.as_ref().ok_or(ConfigError::NoFolder)?.join("identities").join("local.txt"))
    }

    /// The files with age identities: all in the folder's `identities`, then
    /// those that `ENVCRYPT_AGE_IDENTITIES` names.
    ///
    /// # Errors
    /// [`ConfigError::Read`] when the folder is there and cannot be listed.
    pub fn identities(&self) -> Result<Vec<PathBuf>, ConfigError> {
        let mut files = match &self.0 {
            Some(folder) => list(&folder.join("identities"))?,
            None => Vec::new(),
        };
        let named = std::env::var_os(IDENTITIES_VARIABLE).unwrap_or_default();
        files.extend(std::env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()));
        Ok(files)
    }
}

fn list(folder: &Path) -> Result<Vec<PathBuf>, ConfigError> {
    let error = |source| ConfigError::Read { path: folder.to_owned(), source };
    let entries = match std::fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(error)?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(error)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden && path.extension().is_none_or(|e| e != "pub") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The user's settings.
#[derive(Debug, Default)]
pub struct Settings {
    /// The KEKs to seal to where nothing else names any.
    pub keks: Vec<KekName>,
    /// Further KEKs that may open.
    pub trust: Vec<KekName>,
    /// Rules like those of a repository. They come before them.
    pub rules: Rules,
    /// As [`Settings::kek_timeout`] takes it.
    kek_timeout: Option<String>,
}

/// The settings as they are written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct SettingsText {
    keks: Vec<String>,
    trust: Vec<String>,
    rules: Vec<RuleText>,
    kek_timeout: Option<String>,
}

impl Settings {
    /// Reads them; none where there is no file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file.
    pub fn load(folder: &ConfigDirectory) -> Result<Self, ConfigError> {
        const FORM: &str = "a setting: `keks`, `trust`, `rules` or `kekTimeout`";
        let Some(path) = folder.settings() else { return Ok(Self::default()) };
        let text: SettingsText = file::read_yaml(&path, None, FORM)?.unwrap_or_default();
        let names = |field, names: &[String]| {
            rules::kek_names(names).map_err(|number| ConfigError::Setting {
                path: path.clone(),
                field,
                number,
            })
        };
        Ok(Self {
            keks: names("keks", &text.keks)?,
            trust: names("trust", &text.trust)?,
            kek_timeout: text.kek_timeout,
            rules: Rules::new(path, text.rules, true)?,
        })
    }

    /// How long a KEK may take to answer before another of the same Secret is
    /// asked too: `ENVCRYPT_KEK_TIMEOUT`, else `kekTimeout`, else two seconds.
    ///
    /// # Errors
    /// [`ConfigError::Timeout`]
    pub fn kek_timeout(&self) -> Result<Duration, ConfigError> {
        let environment = std::env::var(TIMEOUT_VARIABLE).ok().filter(|text| !text.is_empty());
        let (name, text) = match (&environment, &self.kek_timeout) {
            (Some(text), _) => (TIMEOUT_VARIABLE, text),
            (None, Some(text)) => ("kekTimeout", text),
            (None, None) => return Ok(KEK_TIMEOUT),
        };
        duration(text).map_err(|wrong| ConfigError::Timeout { name, text: text.clone(), wrong })
    }
}
