//! Rules: which KEKs belong to the Secrets of a namespace, a context or a path.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;

use super::{ConfigError, KekName, RULES_FILE, file};
use envcrypt_core::access::Pattern;

const FORM: &str = "a rule in the list `rules`, with `keks` and any of `namespace`, `context`, `path` and `cluster`";

/// The rules of the nearest `.envcrypt.yaml`, or of the user's own settings.
#[derive(Debug, Default)]
pub struct Rules {
    /// The file with the rules.
    pub path: PathBuf,
    rules: Vec<Rc<Rule>>,
}

#[derive(Debug)]
pub struct Rule {
    namespace: Option<Pattern>,
    context: Option<Pattern>,
    path: Option<Pattern>,
    /// A pattern for the URL of the API server to which these Secrets may be applied.
    pub cluster: Option<Pattern>,
    /// The names of the KEKs, at least one.
    pub keks: Vec<KekName>,
    /// Whether the rule is the user's own, not a repository's.
    pub is_own: bool,
    /// The file with this rule.
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    #[serde(default)]
    rules: Vec<RuleText>,
}

/// A rule as the file has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleText {
    namespace: Option<String>,
    context: Option<String>,
    path: Option<String>,
    cluster: Option<String>,
    keks: Vec<String>,
}

/// What a rule is matched against.
#[derive(Debug, Clone, Copy)]
pub struct RuleInput<'a> {
    pub namespace: &'a str,
    /// The kubeconfig context in use, if any.
    pub context: Option<&'a str>,
    /// The file that is read or written, if any.
    pub path: Option<&'a Path>,
}

impl Rules {
    /// Looks in `start` and its parents, up to the root of the Git repository or the home
    /// directory, whichever comes first.
    pub fn nearest(start: &Path) -> Result<Option<Self>, ConfigError> {
        let home = etcetera::home_dir().ok();
        let is_top = |folder: &Path| folder.join(".git").exists();
        let root = start.ancestors().find(|folder| is_top(folder));
        for folder in start.ancestors() {
            let path = folder.join(RULES_FILE);
            // Without a repository, a link must not lead out of the directory itself.
            let within = root.unwrap_or(folder);
            if let Some(text) = file::read_yaml::<RulesFile>(&path, Some(within), FORM)? {
                return Self::new(path, text.rules, false).map(Some);
            }
            // With this misspelled name, a repository would have no rules.
            let other = folder.join(".envcrypt.yml");
            if other.symlink_metadata().is_ok() {
                return Err(ConfigError::NotOwnFile {
                    path: other,
                    wrong: "the file with the rules must be named `.envcrypt.yaml`",
                });
            }
            if is_top(folder) || Some(folder) == home.as_deref() {
                break;
            }
        }
        Ok(None)
    }

    pub(super) fn new(
        path: PathBuf,
        texts: Vec<RuleText>,
        is_own: bool,
    ) -> Result<Self, ConfigError> {
        let rules = texts.into_iter().enumerate();
        let rule = |(index, text)| Rule::new(text, index + 1, &path, is_own).map(Rc::new);
        Ok(Self { rules: rules.map(rule).collect::<Result<_, _>>()?, path })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    #[must_use]
    pub fn find(&self, input: RuleInput<'_>) -> Option<Rc<Rule>> {
        self.rules.iter().find(|rule| rule.matches(input, self.root(), false)).cloned()
    }

    /// The KEKs of every rule that may be the first match, in any context.
    #[must_use]
    pub fn possible_keks(&self, namespace: &str, path: &Path) -> Vec<KekName> {
        let mut keks = Vec::new();
        for rule in &self.rules {
            let input = RuleInput { namespace, context: None, path: Some(path) };
            if rule.matches(input, self.root(), true) {
                keks.extend(rule.keks.iter().cloned());
            }
            if rule.matches(input, self.root(), false) {
                break;
            }
        }
        keks
    }

    fn root(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Parses names of KEKs. An invalid name is not quoted: the error is its number, counted from 1.
pub(super) fn kek_names(names: &[String]) -> Result<Vec<KekName>, usize> {
    let parse = |(index, name): (usize, &String)| name.parse().map_err(|_| index + 1);
    names.iter().enumerate().map(parse).collect()
}

impl Rule {
    fn new(text: RuleText, number: usize, file: &Path, is_own: bool) -> Result<Self, ConfigError> {
        let pattern = |field: &'static str, text: Option<String>| {
            let wrong = |_| ConfigError::Pattern { path: file.to_owned(), rule: number, field };
            text.map(|text| text.parse().map_err(wrong)).transpose()
        };
        if text.keks.is_empty() {
            return Err(ConfigError::EmptyRule(file.to_owned()));
        }
        let keks = kek_names(&text.keks).map_err(|which| ConfigError::Kek {
            path: file.to_owned(),
            rule: number,
            number: which,
        })?;
        Ok(Self {
            namespace: pattern("namespace", text.namespace)?,
            context: pattern("context", text.context)?,
            path: pattern("path", text.path)?,
            cluster: pattern("cluster", text.cluster)?,
            keks,
            is_own,
            file: file.to_owned(),
        })
    }

    /// A condition on something unknown does not match. With `any_context`, every condition on the
    /// context matches.
    fn matches(&self, input: RuleInput<'_>, root: &Path, any_context: bool) -> bool {
        let path = input.path.map(|path| path.strip_prefix(root).unwrap_or(path));
        let holds = |pattern: &Option<Pattern>, text: Option<&Path>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
        };
        holds(&self.namespace, Some(Path::new(input.namespace)))
            && (any_context || holds(&self.context, input.context.map(Path::new)))
            && holds(&self.path, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
rules:
  - path: deploy/prod/**
    keks: ['age:age1path']
  - namespace: prod-*
    context: '*-eu'
    keks: ['age:age1both', local]
  - namespace: prod-*
    keks: ['age:age1namespace']
";

    fn keks(
        folder: &Path,
        namespace: &str,
        context: Option<&str>,
        path: Option<&str>,
    ) -> Vec<String> {
        let rules = Rules::nearest(folder).expect("valid").expect("found");
        let path = path.map(|path| rules.path.parent().expect("a directory").join(path));
        let input = RuleInput { namespace, context, path: path.as_deref() };
        let keks = |rule: Rc<Rule>| rule.keks.iter().map(ToString::to_string).collect();
        rules.find(input).map(keks).unwrap_or_default()
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::write(folder.path().join(RULES_FILE), TEXT).expect("written");
        let nested = folder.path().join("a/b");
        std::fs::create_dir_all(&nested).expect("made");
        assert_eq!(keks(&nested, "dev", None, Some("deploy/prod/x/db.yaml")), ["age:age1path"]);
        assert_eq!(keks(&nested, "prod-a", Some("cluster-eu"), None), ["age:age1both", "local"]);
        assert_eq!(keks(&nested, "prod-a", Some("cluster-us"), None), ["age:age1namespace"]);
        assert_eq!(keks(&nested, "prod-a", None, None), ["age:age1namespace"]);
        assert_eq!(keks(&nested, "dev", None, None), [""; 0]);
    }

    #[test]
    fn the_search_ends_at_the_top_of_the_repository() {
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::write(folder.path().join(RULES_FILE), TEXT).expect("written");
        let repository = folder.path().join("repository");
        std::fs::create_dir_all(repository.join(".git")).expect("made");
        std::fs::create_dir_all(repository.join("sub")).expect("made");
        assert!(Rules::nearest(&repository.join("sub")).expect("valid").is_none());
    }

    #[test]
    fn an_error_has_the_file_and_the_place_and_never_what_stands_there() {
        let folder = tempfile::tempdir().expect("a directory");
        for bad in [
            "rules:\n- {hunter2: x, keks: [x]}",
            "hunter2",
            "rules: [hunter2]",
            "rules:\n- {namespace: '[hunter2', keks: [local]}",
            "rules: [{keks: [local], path: '{hunter2'}]",
            "rules: {a: [hunter2",
            "rules: [{keks: [local, hunter2]}]",
            "rules: [{keks: []}] # hunter2",
            &format!("rules: {}hunter2", "[".repeat(30_000)),
        ] {
            std::fs::write(folder.path().join(RULES_FILE), bad).expect("written");
            let error = Rules::nearest(folder.path()).expect_err(bad).to_string();
            assert!(error.contains(RULES_FILE) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_link_leads_no_further_than_the_repository_and_only_to_a_file() {
        let outside = tempfile::tempdir().expect("a directory");
        let key = outside.path().join("id");
        std::fs::write(&key, "AGE-SECRET-KEY-1HGTC6").expect("written");
        let folder = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(folder.path().join(".git")).expect("made");
        std::fs::create_dir(folder.path().join("sub")).expect("made");
        let (top, sub) = (folder.path().join(RULES_FILE), folder.path().join("sub"));
        let rules = |start: &Path| Rules::nearest(start).map(|rules| rules.is_some());
        std::os::unix::fs::symlink(&key, sub.join(RULES_FILE)).expect("linked");
        let error = rules(&sub).expect_err("refused").to_string();
        assert!(error.contains("leads out of the repository"), "{error}");
        std::fs::remove_file(sub.join(RULES_FILE)).expect("removed");
        std::fs::write(&top, TEXT).expect("written");
        std::os::unix::fs::symlink(&top, sub.join(RULES_FILE)).expect("linked");
        assert!(rules(&sub).expect("its own"));
        std::fs::remove_file(&top).expect("removed");
        nix::unistd::mkfifo(&top, nix::sys::stat::Mode::S_IRWXU).expect("made");
        assert!(rules(&sub).expect_err("refused").to_string().contains("not a regular file"));
        std::fs::remove_file(&top).expect("removed");
        std::os::unix::fs::symlink("/dev/zero", &top).expect("linked");
        assert!(rules(folder.path()).is_err());
    }
}
