//! Which rules decide about signatures.

use std::path::Path;
use std::rc::Rc;

use super::Session;
use crate::config::{Rule, RuleInput, Rules, Unknown};
use crate::failure::Failure;
use envcrypt_core::secret::Namespace;

/// For which contexts rules count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Contexts {
    /// The one in use.
    InUse,
    /// All: a Secret may be applied in any of them.
    Any,
}

impl Session {
    /// The rules with `signers` that may decide for a Secret: the user's own, and those of
    /// `nearest`. Without a path, each condition on one may hold. A rule of the user's own that
    /// says nothing about signatures leaves that to the repository.
    pub fn signing_rules(
        &self,
        namespace: &Namespace,
        path: Option<&Path>,
        nearest: Option<&Rules>,
        contexts: Contexts,
    ) -> Result<Vec<Rc<Rule>>, Failure> {
        let own = &self.settings()?.rules;
        if own.is_empty() && nearest.is_none() {
            return Ok(Vec::new());
        }
        let context = self.target().ok().and_then(|target| target.context());
        let input = RuleInput { namespace: namespace.as_str(), context, path };
        let unknown = Unknown { context: contexts == Contexts::Any, path: path.is_none() };
        let own = own.first_matches(input, unknown);
        let decides = own.is_certain && own.rules.iter().all(|rule| rule.signers.is_some());
        let nearest = nearest.filter(|_| !decides);
        let nearest = nearest.map(|rules| rules.first_matches(input, unknown).rules);
        let all = own.rules.into_iter().chain(nearest.unwrap_or_default());
        Ok(all.filter(|rule| rule.signers.is_some()).collect())
    }
}
