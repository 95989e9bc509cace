//! What the person and the repository configured: the user's configuration directory, and the rules
//! of the nearest `.envcrypt.yaml`.

mod clusters;
mod duration;
mod file;
mod kek_name;
mod max_age;
mod places;
mod rules;
mod signers;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use serde::Deserialize;
use thiserror::Error;

pub use clusters::{ClusterText, Guard, GuardText, is_server};
pub use duration::duration;

pub use file::{MAX_SIZE, read_text};
pub use kek_name::KekName;
pub use max_age::MaxAge;
pub use places::{is_top, searched, top_of, without_dots};
pub use rules::{Rule, RuleInput, Rules, Unknown};
pub use signers::{MAX_SIGNATURES, SignersRule};

use envcrypt_core::access::Pattern;
use envcrypt_core::kek::UriError;
use rules::RuleText;

/// The file with the rules of a repository.
pub const RULES_FILE: &str = ".envcrypt.yaml";
/// The environment variable with the KEKs to seal to, comma-separated.
pub const KEK_VARIABLE: &str = "ENVCRYPT_KEK";
/// The environment variable with the KEKs that `exec` may use for values outside of a Secret,
/// comma-separated.
pub const EXEC_KEKS_VARIABLE: &str = "ENVCRYPT_KEKS";
/// The environment variable with files of age identities, separated as in `PATH`.
pub const IDENTITIES_VARIABLE: &str = "ENVCRYPT_AGE_IDENTITIES";
/// The environment variable with a list of signers from outside of the repository.
pub const SIGNERS_VARIABLE: &str = "ENVCRYPT_SIGNERS";
/// The environment variable with how many of them must have signed.
pub const SIGNATURES_VARIABLE: &str = "ENVCRYPT_SIGNATURES";

/// The environment variable for [`Settings::kek_timeout`].
pub const TIMEOUT_VARIABLE: &str = "ENVCRYPT_KEK_TIMEOUT";
const KEK_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, Error)]
pub enum ConfigError {
    #[error("`{path}` cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    /// Not YAML, or unknown fields. The parser's own message may quote the content, and a link may
    /// lead to another file, so only the position is shown.
    #[error(
        "`{path}` is not a valid configuration: line {line}, column {column}: it is not {form}"
    )]
    Parse {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What should be there.
        form: &'static str,
    },
    /// A link to a file outside the repository, or something that is not a file.
    #[error("`{path}` cannot be used: {wrong}")]
    NotOwnFile { path: PathBuf, wrong: &'static str },
    /// An invalid pattern. Not quoted: see [`ConfigError::Parse`].
    #[error("`{path}`: rule {rule}: its `{field}` is not a valid pattern")]
    Pattern {
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
        field: &'static str,
    },
    /// An invalid KEK name. Not quoted: see [`ConfigError::Parse`].
    #[error("`{path}`: rule {rule}: entry {number} of its `keks` is not a valid KEK")]
    Kek {
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
        /// Counted from 1.
        number: usize,
    },
    /// An invalid age. Not quoted either.
    #[error("`{path}`: rule {rule}: its `maxAge` is not a valid age: write 90d, 12w or 36h")]
    MaxAge {
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
    },
    /// An invalid entry of `clusters`. Not quoted: see [`ConfigError::Parse`].
    #[error("`{path}`: entry {number} of `clusters`: {wrong}")]
    Guard {
        path: PathBuf,
        /// Counted from 1.
        number: usize,
        wrong: &'static str,
    },
    /// An invalid pattern in `protect`. Not quoted either.
    #[error("`{path}`: entry {number} of its `protect` is not a valid pattern")]
    Protect {
        path: PathBuf,
        /// Counted from 1.
        number: usize,
    },
    /// An invalid KEK name in a setting. Not quoted either.
    #[error("`{path}`: entry {number} of its `{field}` is not a valid KEK")]
    Setting {
        path: PathBuf,
        /// The setting.
        field: &'static str,
        /// Counted from 1.
        number: usize,
    },
    /// An environment variable with an invalid KEK name.
    #[error("`{name}`: {source}")]
    Variable { name: &'static str, source: UriError },
    /// A rule that does not say clearly who must sign.
    #[error("`{path}`: rule {rule}: {wrong}")]
    Signers {
        path: PathBuf,
        /// Counted from 1.
        rule: usize,
        wrong: &'static str,
    },
    /// A rule without KEKs, which would leave Secrets without any.
    #[error("`{0}`: a rule names no KEK")]
    EmptyRule(PathBuf),
    #[error("`{name}`: `{text}` is not a valid duration: {wrong}")]
    Timeout {
        /// The setting or the variable.
        name: &'static str,
        /// Its value.
        text: String,
        /// How to write a duration.
        wrong: String,
    },
    /// Neither `$HOME` nor `$XDG_CONFIG_HOME` is set.
    #[cfg(feature = "age")]
    #[error("there is no configuration directory: neither `HOME` nor `XDG_CONFIG_HOME` is set")]
    NoFolder,
}

/// The KEKs that an environment variable names, comma-separated.
pub fn keks_in(name: &'static str) -> Result<Vec<KekName>, ConfigError> {
    let text = std::env::var(name).unwrap_or_default();
    KekName::list(&text).map_err(|source| ConfigError::Variable { name, source })
}

/// The user's configuration directory: `$XDG_CONFIG_HOME/envcrypt` or `~/.config/envcrypt`. A bare
/// container may have none.
#[derive(Debug, Clone)]
pub struct ConfigDirectory(Option<PathBuf>);

impl ConfigDirectory {
    #[must_use]
    pub fn of_user() -> Self {
        let base = etcetera::choose_base_strategy().ok();
        Self(base.map(|base| base.config_dir().join("envcrypt")))
    }

    #[cfg(test)]
    pub fn at(path: PathBuf) -> Self {
        Self(Some(path))
    }

    #[must_use]
    pub fn settings(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("config.yaml"))
    }

    /// The list of trusted KEKs.
    #[must_use]
    pub fn trusted(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("trusted-keks"))
    }

    /// The directory with what was pinned for each repository.
    #[must_use]
    pub fn signers(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("signers"))
    }

    /// The identity behind `local`.
    #[cfg(feature = "age")]
    pub fn local_identity(&self) -> Result<PathBuf, ConfigError> {
        Ok(self.0.as_ref().ok_or(ConfigError::NoFolder)?.join("identities").join("local.txt"))
    }

    /// The files with age identities: those in the directory `identities`, then those that
    /// `ENVCRYPT_AGE_IDENTITIES` lists. Fails if the directory exists but cannot be listed.
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

#[derive(Debug, Default)]
pub struct Settings {
    /// The KEKs to seal to if nothing else names any.
    pub keks: Vec<KekName>,
    /// More KEKs that may open.
    pub trust: Vec<KekName>,
    /// The user's own rules, which come before those of a repository.
    pub rules: Rules,
    /// Patterns of contexts whose live objects are changed only after the person named the context.
    pub protect: Vec<Pattern>,
    /// The text of [`Settings::kek_timeout`].
    kek_timeout: Option<String>,
}

/// The settings as the file has them.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct SettingsText {
    keks: Vec<String>,
    trust: Vec<String>,
    rules: Vec<RuleText>,
    protect: Vec<String>,
    kek_timeout: Option<String>,
}

/// Parses patterns. The error is the number of the first invalid one, counted from 1.
fn patterns(texts: &[String]) -> Result<Vec<Pattern>, usize> {
    let parse = |(index, text): (usize, &String)| text.parse().map_err(|_| index + 1);
    texts.iter().enumerate().map(parse).collect()
}

impl Settings {
    /// Reads the settings, or returns the default if there is no file.
    pub fn load(folder: &ConfigDirectory) -> Result<Self, ConfigError> {
        let Some(path) = folder.settings() else { return Ok(Self::default()) };
        let text = read_text(&path, None)?.unwrap_or_else(|| "{}".to_owned());
        Self::parse(path, &text)
    }

    /// Reads the text of the file with the settings, which has this path.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self, ConfigError> {
        const FORMS: file::Forms =
            &[("", "one of the settings `keks`, `trust`, `rules`, `protect` and `kekTimeout`")];
        let text: SettingsText = file::parse_yaml(&path, text, FORMS)?;
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
            protect: patterns(&text.protect)
                .map_err(|number| ConfigError::Protect { path: path.clone(), number })?,
            kek_timeout: text.kek_timeout,
            rules: Rules::new(path, text.rules, None)?,
        })
    }

    /// Whether live objects of this context are protected.
    #[must_use]
    pub fn protects(&self, context: &str) -> bool {
        self.protect.iter().any(|pattern| pattern.matches(context))
    }

    /// How long a KEK may take to answer before the plugin also tries the next one:
    /// `ENVCRYPT_KEK_TIMEOUT`, otherwise `kekTimeout`, otherwise two seconds.
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
