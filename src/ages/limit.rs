//! Which rule limits the age of a Secret's values. The user's own rules come first.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::config::{MaxAge, Rule, RuleInput};
use crate::failure::Failure;
use crate::session::{Session, real_place};
use envcrypt_core::secret::Namespace;

/// The age that the values of a Secret may have.
#[derive(Debug, Clone)]
pub struct Limit {
    pub max_age: MaxAge,
    /// The file with the rule.
    pub file: PathBuf,
}

impl Limit {
    fn of(rule: &Rule) -> Option<Self> {
        Some(Self { max_age: rule.max_age.clone()?, file: rule.file.clone() })
    }
}

/// The limit for a Secret in a file, or on standard input (`-`). No context is known, so of all
/// rules that may match, the one with the longest age counts.
pub fn limit_of_file(
    session: &Session,
    namespace: &Namespace,
    path: &Path,
) -> Result<Option<Limit>, Failure> {
    let path = real_place(path)?;
    let folder = path.parent().unwrap_or(&path);
    let longest = |rules: Vec<Rc<Rule>>| {
        let limits = rules.into_iter().filter_map(|rule| Limit::of(&rule));
        limits.max_by_key(|limit| limit.max_age.seconds)
    };
    let own = &session.settings()?.rules;
    if let Some(limit) = longest(own.possible(namespace.as_str(), &path)) {
        return Ok(Some(limit));
    }
    let nearest = session.rules_of(folder)?;
    Ok(nearest.and_then(|rules| longest(rules.possible(namespace.as_str(), &path))))
}

/// The limit for a Secret in the cluster: by its namespace and the context.
pub fn limit_of_live(session: &Session, namespace: &Namespace) -> Result<Option<Limit>, Failure> {
    let context = session.target().ok().and_then(|target| target.context());
    let input = RuleInput { namespace: namespace.as_str(), context, path: None };
    let own = session.settings()?.rules.find(input);
    if let Some(limit) = own.and_then(|rule| Limit::of(&rule)) {
        return Ok(Some(limit));
    }
    let nearest = session.rules_of(&real_place(Path::new("."))?)?;
    Ok(nearest.and_then(|rules| rules.find(input)).and_then(|rule| Limit::of(&rule)))
}
