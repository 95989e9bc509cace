//! What the person and the repository have written down: the user's
//! configuration folder, and the rules of the nearest `.envcrypt.yaml`.

mod duration;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use etcetera::BaseStrategy;
use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use thiserror::Error;

pub use duration::duration;

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
    /// It is no YAML, or has fields that are unknown here.
    #[error("`{path}` is not a valid configuration: {source}")]
    Parse {
        /// The file. It holds no secrets, so the parser may say what it met.
        path: PathBuf,
        /// What the parser says.
        source: serde_yaml::Error,
    },
    /// A pattern is none.
    #[error("`{path}`: `{pattern}` is no pattern")]
    Pattern {
        /// The file.
        path: PathBuf,
        /// The pattern.
        pattern: String,
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
    #[error("there is no configuration folder: neither `HOME` nor `XDG_CONFIG_HOME` is set")]
    NoFolder,
}

/// The user's configuration folder: `$XDG_CONFIG_HOME/envcrypt` or
/// `~/.config/envcrypt`. There may be none, as in a bare container.
#[derive(Debug, Clone)]
pub struct Folder(Option<PathBuf>);

impl Folder {
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
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Settings {
    /// The KEKs to seal to where nothing else names any.
    #[serde(default)]
    pub keks: Vec<String>,
    /// Further KEKs that may be asked.
    #[serde(default)]
    pub trust: Vec<String>,
    /// As [`Settings::kek_timeout`] takes it.
    #[serde(default)]
    kek_timeout: Option<String>,
}

impl Settings {
    /// Reads them; none where there is no file.
    ///
    /// # Errors
    /// [`ConfigError`] names the file.
    pub fn load(folder: &Folder) -> Result<Self, ConfigError> {
        match folder.settings() {
            Some(path) => Ok(read_yaml(&path)?.unwrap_or_default()),
            None => Ok(Self::default()),
        }
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

/// The rules of the nearest `.envcrypt.yaml`.
#[derive(Debug)]
pub struct Rules {
    /// The file.
    pub path: PathBuf,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    namespace: Option<GlobMatcher>,
    context: Option<GlobMatcher>,
    path: Option<GlobMatcher>,
    keks: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    namespace: Option<String>,
    context: Option<String>,
    path: Option<String>,
    keks: Vec<String>,
}

/// What a rule is matched against.
#[derive(Debug, Clone, Copy)]
pub struct Occasion<'a> {
    /// The Secret's namespace.
    pub namespace: &'a str,
    /// The kubeconfig context in use, where one is.
    pub context: Option<&'a str>,
    /// The file that is written, where one is.
    pub path: Option<&'a Path>,
}

impl Rules {
    /// Looks from `start` upwards, as far as the top of the Git repository or
    /// the home folder, whichever comes first.
    ///
    /// # Errors
    /// [`ConfigError`] names the file.
    pub fn nearest(start: &Path) -> Result<Option<Self>, ConfigError> {
        let home = etcetera::home_dir().ok();
        for folder in start.ancestors() {
            let path = folder.join(RULES_FILE);
            if let Some(text) = read_yaml::<RulesFile>(&path)? {
                let rules = text.rules.into_iter().map(|rule| Rule::new(rule, &path));
                let rules = rules.collect::<Result<_, _>>()?;
                return Ok(Some(Self { path, rules }));
            }
            if folder.join(".git").exists() || Some(folder) == home.as_deref() {
                break;
            }
        }
        Ok(None)
    }

    /// The KEKs of the first rule that matches.
    #[must_use]
    pub fn keks(&self, occasion: Occasion<'_>) -> Option<&[String]> {
        let root = self.path.parent().unwrap_or(Path::new("/"));
        let rule = self.rules.iter().find(|rule| rule.matches(occasion, root, false))?;
        Some(&rule.keks)
    }
}

impl Rules {
    /// The KEKs of every rule that may be the first that matches, whatever the
    /// context is.
    #[must_use]
    pub fn possible_keks(&self, namespace: &str, path: &Path) -> Vec<String> {
        let root = self.path.parent().unwrap_or(Path::new("/"));
        let mut keks = Vec::new();
        for rule in &self.rules {
            let occasion = Occasion { namespace, context: None, path: Some(path) };
            if rule.matches(occasion, root, true) {
                keks.extend(rule.keks.iter().cloned());
            }
            if rule.matches(occasion, root, false) {
                break;
            }
        }
        keks
    }
}

impl Rule {
    fn new(text: RuleText, file: &Path) -> Result<Self, ConfigError> {
        let glob = |pattern: Option<String>| {
            let compile = |pattern: String| {
                Glob::new(&pattern)
                    .map(|glob| glob.compile_matcher())
                    .map_err(|_| ConfigError::Pattern { path: file.to_owned(), pattern })
            };
            pattern.map(compile).transpose()
        };
        if text.keks.is_empty() {
            return Err(ConfigError::EmptyRule(file.to_owned()));
        }
        Ok(Self {
            namespace: glob(text.namespace)?,
            context: glob(text.context)?,
            path: glob(text.path)?,
            keks: text.keks,
        })
    }

    /// A condition on what is not known does not match; on the context, it does
    /// where `any_context` says so.
    fn matches(&self, occasion: Occasion<'_>, root: &Path, any_context: bool) -> bool {
        let path = occasion.path.map(|path| path.strip_prefix(root).unwrap_or(path));
        let holds = |glob: &Option<GlobMatcher>, text: Option<&Path>| {
            glob.as_ref().is_none_or(|glob| text.is_some_and(|text| glob.is_match(text)))
        };
        holds(&self.namespace, Some(Path::new(occasion.namespace)))
            && (any_context || holds(&self.context, occasion.context.map(Path::new)))
            && holds(&self.path, path)
    }
}

fn read_yaml<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<Option<T>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        text => text.map_err(|source| ConfigError::Read { path: path.to_owned(), source })?,
    };
    serde_yaml::from_str(&text)
        .map(Some)
        .map_err(|source| ConfigError::Parse { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
rules:
  - path: deploy/prod/**
    keks: [by-path]
  - namespace: prod-*
    context: '*-eu'
    keks: [by-both, second]
  - namespace: prod-*
    keks: [by-namespace]
";

    fn keks(
        folder: &Path,
        namespace: &str,
        context: Option<&str>,
        path: Option<&str>,
    ) -> Vec<String> {
        let rules = Rules::nearest(folder).expect("valid").expect("found");
        let path = path.map(|path| rules.path.parent().expect("a folder").join(path));
        let occasion = Occasion { namespace, context, path: path.as_deref() };
        rules.keks(occasion).unwrap_or_default().to_vec()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(RULES_FILE), TEXT).expect("written");
        let nested = folder.path().join("a/b");
        std::fs::create_dir_all(&nested).expect("made");
        assert_eq!(keks(&nested, "dev", None, Some("deploy/prod/x/db.yaml")), ["by-path"]);
        assert_eq!(keks(&nested, "prod-a", Some("cluster-eu"), None), ["by-both", "second"]);
        assert_eq!(keks(&nested, "prod-a", Some("cluster-us"), None), ["by-namespace"]);
        assert_eq!(keks(&nested, "prod-a", None, None), ["by-namespace"]);
        assert_eq!(keks(&nested, "dev", None, None), [""; 0]);
    }

    #[test]
    fn the_search_ends_at_the_top_of_the_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(RULES_FILE), TEXT).expect("written");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join(".git")).expect("made");
        std::fs::create_dir_all(repository.join("sub")).expect("made");
        assert!(Rules::nearest(&repository.join("sub")).expect("valid").is_none());
    }

    #[test]
    fn an_unknown_field_is_an_error_with_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join(RULES_FILE), "rules: [{kek: x}]").expect("written");
        let error = Rules::nearest(folder.path()).expect_err("refused").to_string();
        assert!(error.contains(RULES_FILE) && error.contains("kek"), "{error}");
    }
}
