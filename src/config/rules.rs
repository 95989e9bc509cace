//! Rules: which KEKs belong to the Secrets of a namespace, a context or a path.

mod possible;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Deserialize;

use super::clusters::{Guard, GuardText, guards, server_pattern};
use super::file::Forms;
use super::places::{searched, top_of};
use super::signers::SignersRule;
use super::{ConfigError, KekName, MaxAge, RULES_FILE, file};
use envcrypt_core::access::Pattern;

pub use possible::Unknown;

/// What a part of the file must be, by its name there.
const FORMS: Forms = &[
    (
        "rules",
        "a rule: `keks`, and any of `namespace`, `context`, `path`, `cluster`, `signers`, `signatures` and `maxAge`",
    ),
    (
        "clusters",
        "an entry of `clusters`: `only` with any of `server`, `ca` and `context`, and any of `path` and `namespace`",
    ),
    ("", "one of the fields `rules` and `clusters`"),
];

/// The rules of the nearest `.envcrypt.yaml`, or of the user's own settings.
#[derive(Debug, Default)]
pub struct Rules {
    /// The file with the rules.
    pub path: PathBuf,
    rules: Vec<Rc<Rule>>,
    /// The entries of `clusters`.
    pub guards: Vec<Guard>,
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
    /// Who must have signed the Secrets, if the rule asks for signatures.
    pub signers: Option<SignersRule>,
    /// The age that a value may have.
    pub max_age: Option<MaxAge>,
    /// Whether the rule is the user's own, not a repository's.
    pub is_own: bool,
    /// The file with this rule.
    pub file: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    // A name without a list is an empty list.
    rules: Option<Vec<RuleText>>,
    clusters: Option<Vec<GuardText>>,
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
    signers: Option<String>,
    signatures: Option<usize>,
    #[serde(rename = "maxAge")]
    max_age: Option<String>,
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
        let root = top_of(start);
        for folder in searched(start) {
            let path = folder.join(RULES_FILE);
            // Without a repository, a link must not lead out of the directory itself.
            let within = root.unwrap_or(folder);
            if let Some(text) = file::read_text(&path, Some(within))? {
                return Self::with_guards(path, &text, within).map(Some);
            }
            // With this misspelled name, a repository would have no rules.
            let other = folder.join(".envcrypt.yml");
            if other.symlink_metadata().is_ok() {
                return Err(ConfigError::NotOwnFile {
                    path: other,
                    wrong: "the file with the rules must be named `.envcrypt.yaml`",
                });
            }
        }
        Ok(None)
    }

    /// Reads the text of a file with rules, which has this path.
    pub fn parse(path: PathBuf, text: &str, within: &Path) -> Result<Self, ConfigError> {
        let file: RulesFile = file::parse_yaml(&path, text, FORMS)?;
        Self::new(path, file.rules.unwrap_or_default(), Some(within))
    }

    /// Reads the text of a file with rules, and its list `clusters` too.
    pub fn with_guards(path: PathBuf, text: &str, within: &Path) -> Result<Self, ConfigError> {
        let file: RulesFile = file::parse_yaml(&path, text, FORMS)?;
        let guards = guards(file.clusters.unwrap_or_default(), &path)?;
        let rules = Self::new(path, file.rules.unwrap_or_default(), Some(within))?;
        Ok(Self { guards, ..rules })
    }

    /// Without `within`, the rules are the user's own. Otherwise no link to a list of signers may
    /// lead out of that directory.
    pub(super) fn new(
        path: PathBuf,
        texts: Vec<RuleText>,
        within: Option<&Path>,
    ) -> Result<Self, ConfigError> {
        let rules = texts.into_iter().enumerate();
        let rule = |(index, text)| Rule::new(text, index + 1, &path, within).map(Rc::new);
        let rules = rules.map(rule).collect::<Result<_, _>>()?;
        Ok(Self { rules, path, guards: Vec::new() })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a rule names a cluster.
    #[must_use]
    pub fn name_cluster(&self) -> bool {
        self.rules.iter().any(|rule| rule.cluster.is_some())
    }

    #[must_use]
    pub fn find(&self, input: RuleInput<'_>) -> Option<Rc<Rule>> {
        self.rules.iter().find(|rule| rule.matches(input, self.root(), Unknown::NOTHING)).cloned()
    }

    /// The first entry of `clusters` that matches. The context does not matter.
    #[must_use]
    pub fn guard(&self, input: RuleInput<'_>) -> Option<&Guard> {
        self.guards.iter().find(|guard| guard.matches(input, self.root()))
    }

    /// What the rules say about signatures: one line of JSON for each rule up to the last one with
    /// `signers`. A rule without them is part of it, because it decides first.
    #[must_use]
    pub fn on_signatures(&self) -> Vec<String> {
        let last = self.rules.iter().rposition(|rule| rule.signers.is_some());
        let rules = self.rules.iter().take(last.map_or(0, |last| last + 1));
        rules.map(|rule| rule.on_signatures()).collect()
    }

    /// The lists of signers that the rules name, each once.
    #[must_use]
    pub fn lists(&self) -> Vec<&SignersRule> {
        let mut lists: Vec<&SignersRule> = Vec::new();
        for list in self.rules.iter().filter_map(|rule| rule.signers.as_ref()) {
            match lists.iter_mut().find(|known| known.name == list.name) {
                Some(known) if known.needed >= list.needed => {}
                Some(known) => *known = list,
                None => lists.push(list),
            }
        }
        lists
    }

    /// The directory with the file, which the patterns of `path` start at.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("/"))
    }
}

/// Parses names of KEKs. An invalid name is not quoted: the error is its number, counted from 1.
pub(super) fn kek_names(names: &[String]) -> Result<Vec<KekName>, usize> {
    let parse = |(index, name): (usize, &String)| name.parse().map_err(|_| index + 1);
    names.iter().enumerate().map(parse).collect()
}

impl Rule {
    fn new(
        text: RuleText,
        number: usize,
        file: &Path,
        within: Option<&Path>,
    ) -> Result<Self, ConfigError> {
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
        let age = |text: String| {
            let wrong = || ConfigError::MaxAge { path: file.to_owned(), rule: number };
            MaxAge::parse(&text).ok_or_else(wrong)
        };
        Ok(Self {
            max_age: text.max_age.map(age).transpose()?,
            namespace: pattern("namespace", text.namespace)?,
            context: pattern("context", text.context)?,
            path: pattern("path", text.path)?,
            cluster: pattern("cluster", text.cluster.as_deref().map(server_pattern))?,
            keks,
            signers: SignersRule::new(text.signers, text.signatures, number, file, within)?,
            is_own: within.is_none(),
            file: file.to_owned(),
        })
    }

    fn on_signatures(&self) -> String {
        let text = |pattern: &Option<Pattern>| pattern.as_ref().map(|p| p.as_str().to_owned());
        let fields = [
            ("namespace", text(&self.namespace)),
            ("context", text(&self.context)),
            ("path", text(&self.path)),
            ("signers", self.signers.as_ref().map(|list| list.name.clone())),
            ("signatures", self.signers.as_ref().map(|list| list.needed.to_string())),
        ];
        let fields: serde_json::Map<_, _> = fields
            .into_iter()
            .filter_map(|(name, text)| Some((name.into(), text?.into())))
            .collect();
        serde_json::Value::from(fields).to_string()
    }

    /// A condition on something that `unknown` names matches. One on anything else that is not
    /// there does not.
    fn matches(&self, input: RuleInput<'_>, root: &Path, unknown: Unknown) -> bool {
        let path = input.path.map(|path| path.strip_prefix(root).unwrap_or(path));
        let holds = |pattern: &Option<Pattern>, text: Option<&Path>| {
            pattern.as_ref().is_none_or(|pattern| text.is_some_and(|text| pattern.matches(text)))
        };
        holds(&self.namespace, Some(Path::new(input.namespace)))
            && (unknown.context || holds(&self.context, input.context.map(Path::new)))
            && (unknown.path || holds(&self.path, path))
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
    fn a_byte_order_mark_is_no_part_of_the_rules() {
        let parse = |text: &str| Rules::with_guards(RULES_FILE.into(), text, Path::new("/"));
        let rules = parse(&["\u{feff}", TEXT].concat()).expect("valid");
        assert_eq!(rules.rules.len(), 3);
        assert!(parse("\u{feff}").expect("valid").is_empty());
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
            "rules: [{keks: [local], maxAge: hunter2}]",
            "rules: [{keks: [local], maxAge: 90}] # hunter2",
            "rules: [{keks: [local], maxAge: 0d}] # hunter2",
            &format!("rules: {}hunter2", "[".repeat(30_000)),
        ] {
            std::fs::write(folder.path().join(RULES_FILE), bad).expect("written");
            let error = Rules::nearest(folder.path()).expect_err(bad).to_string();
            assert!(error.contains(RULES_FILE) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_rule_that_does_not_say_clearly_who_must_sign_is_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        let read = |fields: &str| {
            let text = format!("rules:\n- {{keks: [local]}}\n- {{keks: [local], {fields}}}");
            std::fs::write(folder.path().join(RULES_FILE), text).expect("written");
            Rules::nearest(folder.path()).map(|rules| rules.expect("found"))
        };
        let rules = read("namespace: prod, signers: list, signatures: 16").expect("valid");
        let lines = ["{}", "{\"namespace\":\"prod\",\"signatures\":\"16\",\"signers\":\"list\"}"];
        assert_eq!(rules.on_signatures(), lines);
        assert_eq!(rules.lists()[0].file, folder.path().join("list"));
        for (fields, wanted) in [
            ("signatures: 1", "rule 2: it has `signatures`, but no list of `signers`"),
            ("signers: ''", "its `signers` names no file"),
            ("signers: /etc/list", "must be a path relative to this file"),
            ("signers: list, signatures: 0", "must be a number from 1 to 16"),
            ("signers: list, signatures: 17", "must be a number from 1 to 16"),
            ("signers: list, signatures: two", "is not a valid configuration"),
            ("signers: [list]", "is not a valid configuration"),
        ] {
            let error = read(fields).expect_err(fields).to_string();
            assert!(error.contains(wanted), "{error}");
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
