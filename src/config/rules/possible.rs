//! Rules that may decide, where the context or the path is not known.

use std::path::Path;
use std::rc::Rc;

use super::{Rule, RuleInput, Rules};
use crate::config::KekName;

/// What is not known, so that every condition on it may hold.
#[derive(Debug, Clone, Copy)]
pub struct Unknown {
    pub context: bool,
    pub path: bool,
}

impl Unknown {
    pub const NOTHING: Self = Self { context: false, path: false };
}

/// The rules that may be the first match.
#[derive(Default)]
pub struct Possible {
    pub rules: Vec<Rc<Rule>>,
    /// Whether one of them matches for certain.
    pub is_certain: bool,
}

impl Rules {
    /// Every rule that may be the first match.
    #[must_use]
    pub fn first_matches(&self, input: RuleInput<'_>, unknown: Unknown) -> Possible {
        let mut possible = Possible::default();
        let known = RuleInput {
            context: input.context.filter(|_| !unknown.context),
            path: input.path.filter(|_| !unknown.path),
            ..input
        };
        for rule in &self.rules {
            if rule.matches(input, self.root(), unknown) {
                possible.rules.push(rule.clone());
            }
            if rule.matches(known, self.root(), Unknown::NOTHING) {
                possible.is_certain = true;
                break;
            }
        }
        possible
    }

    /// Every rule that may be the first match, in any context.
    pub fn possible(&self, namespace: &str, path: &Path) -> Vec<Rc<Rule>> {
        let input = RuleInput { namespace, context: None, path: Some(path) };
        self.first_matches(input, Unknown { context: true, path: false }).rules
    }

    /// The KEKs of these rules.
    #[must_use]
    pub fn possible_keks(&self, namespace: &str, path: &Path) -> Vec<KekName> {
        let rules = self.possible(namespace, path);
        rules.iter().flat_map(|rule| rule.keks.iter().cloned()).collect()
    }
}
