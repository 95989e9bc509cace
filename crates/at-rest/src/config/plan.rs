//! The plan of a rotation of local keys: which step it is at, and what proves that step.
//!
//! The plan is kept in a file, so that a rotation can go on after an interruption. It holds no key.
//! Save the plan before you write the configuration that it has the hash of. After an interruption,
//! [`place_of_key`](super::rotate::place_of_key) says whether that configuration was written.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A step of a rotation. Each step must be proven before the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Each kube-apiserver must load the configuration with the new key second.
    NewKeySecond,
    /// Each kube-apiserver must load the configuration with the new key first.
    NewKeyFirst,
    /// All objects must be encrypted again.
    Reencrypt,
    /// No object may be left under an old key.
    Verify,
    /// Each kube-apiserver must load the configuration without the old keys.
    WithoutOldKeys,
    /// The rotation is complete.
    Done,
}

impl Step {
    /// The name, as it is in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NewKeySecond => "new-key-second",
            Self::NewKeyFirst => "new-key-first",
            Self::Reencrypt => "reencrypt",
            Self::Verify => "verify",
            Self::WithoutOldKeys => "without-old-keys",
            Self::Done => "done",
        }
    }
}

/// The plan of one rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Plan {
    /// The step that must be proven next.
    pub step: Step,
    /// The names of the keys that wrote before.
    pub old_keys: Vec<String>,
    /// The name of the new key.
    pub new_key: String,
    /// The hash of the configuration file at each step that changes it: see
    /// [`hash`](super::hash).
    pub hashes: BTreeMap<Step, String>,
    /// When the rotation started, as RFC 3339.
    pub started: String,
    /// When the plan was changed last, as RFC 3339.
    pub updated: String,
}

/// What proves a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// What each kube-apiserver has loaded.
    ConfigLoaded {
        /// The name of each server and the hash of its configuration, if the hash is known.
        servers: Vec<(String, Option<String>)>,
    },
    /// All objects were encrypted again, without an error.
    Reencrypted,
    /// The objects in etcd were counted.
    Verified {
        /// How many objects are left under an old key or as plaintext.
        left: usize,
    },
}

/// Why a step is not proven.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NotProven {
    /// The proof is of another step.
    #[error("step `{}` needs another proof", .0.as_str())]
    OtherStep(Step),
    /// The plan does not say what the servers must load.
    #[error("the plan has no hash of the configuration for step `{}`", .0.as_str())]
    NoHash(Step),
    /// No server is known.
    #[error("no kube-apiserver was found")]
    NoServers,
    /// Some servers have another configuration, or do not report it.
    #[error("these servers have not loaded the configuration: {}", .0.join(", "))]
    NotLoaded(Vec<String>),
    /// Some objects are left.
    #[error("{0} objects are not under the new key")]
    Left(usize),
    /// There is no step after the last one.
    #[error("the rotation is complete")]
    Done,
}

/// Why a plan cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the rotation plan is not valid{}", .line.map(|line| format!(": line {line}")).unwrap_or_default())]
pub struct InvalidPlan {
    /// The line, counted from 1, if it is known.
    pub line: Option<usize>,
}

impl Plan {
    /// Starts a rotation. `hash` is the hash of the configuration with the new key second.
    #[must_use]
    pub fn start(old_keys: Vec<String>, new_key: String, hash: String, now: &str) -> Self {
        Self {
            step: Step::NewKeySecond,
            old_keys,
            new_key,
            hashes: BTreeMap::from([(Step::NewKeySecond, hash)]),
            started: now.to_owned(),
            updated: now.to_owned(),
        }
    }

    /// Reads a plan.
    ///
    /// # Errors
    /// Returns [`InvalidPlan`] if the text is not a plan.
    pub fn load(text: &str) -> Result<Self, InvalidPlan> {
        // The message of serde_yaml could quote a key, if the file is not a plan.
        serde_yaml::from_str(text)
            .map_err(|error| InvalidPlan { line: error.location().map(|at| at.line()) })
    }

    /// Writes the plan as YAML.
    #[must_use]
    pub fn save(&self) -> String {
        let yaml = serde_yaml::to_string(self).expect("a plan is plain text");
        format!(
            "# A rotation of keys by `kubectl envcrypt at-rest rotate`. It holds no key.\n{yaml}"
        )
    }

    /// Goes to the next step, if the proof proves this one.
    ///
    /// `hash` is the hash of the configuration that the next step needs, if it changes the file. Save
    /// the plan before you write that file.
    ///
    /// # Errors
    /// Returns [`NotProven`], and changes nothing, if the step is not proven.
    pub fn advance(
        &mut self,
        proof: &Proof,
        hash: Option<String>,
        now: &str,
    ) -> Result<Step, NotProven> {
        let step = next(self, proof)?;
        let changes_file = matches!(step, Step::NewKeyFirst | Step::WithoutOldKeys);
        match hash {
            Some(hash) if changes_file => drop(self.hashes.insert(step, hash)),
            None if changes_file => return Err(NotProven::NoHash(step)),
            _ => {}
        }
        self.step = step;
        self.updated = now.to_owned();
        Ok(step)
    }
}

/// Returns the step after the step of the plan, if the proof proves that one.
///
/// # Errors
/// Returns [`NotProven`] if it does not.
pub fn next(plan: &Plan, proof: &Proof) -> Result<Step, NotProven> {
    match (plan.step, proof) {
        (Step::NewKeySecond, Proof::ConfigLoaded { servers }) => {
            loaded(plan, servers).map(|()| Step::NewKeyFirst)
        }
        (Step::NewKeyFirst, Proof::ConfigLoaded { servers }) => {
            loaded(plan, servers).map(|()| Step::Reencrypt)
        }
        (Step::Reencrypt, Proof::Reencrypted) => Ok(Step::Verify),
        (Step::Verify, Proof::Verified { left: 0 }) => Ok(Step::WithoutOldKeys),
        (Step::Verify, Proof::Verified { left }) => Err(NotProven::Left(*left)),
        (Step::WithoutOldKeys, Proof::ConfigLoaded { servers }) => {
            loaded(plan, servers).map(|()| Step::Done)
        }
        (Step::Done, _) => Err(NotProven::Done),
        (step, _) => Err(NotProven::OtherStep(step)),
    }
}

/// Whether each server has loaded the configuration of the step.
fn loaded(plan: &Plan, servers: &[(String, Option<String>)]) -> Result<(), NotProven> {
    let hash = plan.hashes.get(&plan.step).ok_or(NotProven::NoHash(plan.step))?;
    let has_other = |(_, has): &&(String, Option<String>)| has.as_ref() != Some(hash);
    let others: Vec<_> = servers.iter().filter(has_other).map(|(name, _)| name.clone()).collect();
    match (servers, others.is_empty()) {
        ([], _) => Err(NotProven::NoServers),
        (_, true) => Ok(()),
        (_, false) => Err(NotProven::NotLoaded(others)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: &str = "2026-11-27T10:00:00Z";
    const LATER: &str = "2026-11-27T11:00:00Z";

    fn plan(step: Step) -> Plan {
        let mut plan = Plan::start(vec!["key1".into()], "key2".into(), "sha256:1".into(), NOW);
        plan.hashes.insert(Step::NewKeyFirst, "sha256:2".into());
        plan.hashes.insert(Step::WithoutOldKeys, "sha256:3".into());
        plan.step = step;
        plan
    }

    fn has(hashes: &[Option<&str>]) -> Proof {
        let name = |at| format!("10.0.0.{at}");
        let servers = hashes.iter().enumerate();
        let servers = servers.map(|(at, hash)| (name(at), hash.map(str::to_owned))).collect();
        Proof::ConfigLoaded { servers }
    }

    fn proofs() -> [Proof; 6] {
        [
            has(&[Some("sha256:1"), Some("sha256:1")]),
            has(&[Some("sha256:2"), Some("sha256:2")]),
            Proof::Reencrypted,
            Proof::Verified { left: 0 },
            has(&[Some("sha256:3")]),
            Proof::Verified { left: 1 },
        ]
    }

    const STEPS: [Step; 6] = [
        Step::NewKeySecond,
        Step::NewKeyFirst,
        Step::Reencrypt,
        Step::Verify,
        Step::WithoutOldKeys,
        Step::Done,
    ];

    #[test]
    fn each_step_is_proven_by_its_own_proof_only() {
        for (at, step) in STEPS.iter().enumerate() {
            for (of, proof) in proofs().iter().enumerate() {
                let expected = (at == of).then(|| STEPS.get(at + 1)).flatten();
                assert_eq!(next(&plan(*step), proof).ok().as_ref(), expected, "{step:?} {of}");
            }
        }
    }

    #[test]
    fn each_server_must_have_the_configuration_of_the_step() {
        let one = plan(Step::NewKeyFirst);
        let named = |names: &[&str]| {
            Err(NotProven::NotLoaded(names.iter().map(|&name| name.to_owned()).collect()))
        };
        assert_eq!(next(&one, &has(&[])), Err(NotProven::NoServers));
        assert_eq!(next(&one, &has(&[None, Some("sha256:2")])), named(&["10.0.0.0"]));
        assert_eq!(next(&one, &has(&[Some("sha256:2"), Some("sha256:1")])), named(&["10.0.0.1"]));
        let left = next(&plan(Step::Verify), &Proof::Verified { left: 3 });
        assert_eq!(left, Err(NotProven::Left(3)));
    }

    #[test]
    fn a_rotation_goes_through_all_steps_and_records_the_hashes() {
        let mut plan = Plan::start(vec!["key1".into()], "key2".into(), "sha256:1".into(), NOW);
        let no_hash = plan.clone().advance(&proofs()[0], None, LATER);
        assert_eq!(no_hash, Err(NotProven::NoHash(Step::NewKeyFirst)));
        for (at, proof) in proofs()[..5].iter().enumerate() {
            let hash = [Some("sha256:2"), None, None, Some("sha256:3"), None][at];
            let step = plan.advance(proof, hash.map(str::to_owned), LATER);
            assert_eq!(step, Ok(STEPS[at + 1]));
            assert_eq!(Plan::load(&plan.save()).as_ref(), Ok(&plan));
        }
        assert_eq!(plan.hashes.len(), 3);
        assert_eq!((plan.started.as_str(), plan.updated.as_str()), (NOW, LATER));
    }

    #[test]
    fn the_file_has_the_names_of_the_steps() {
        for step in STEPS {
            let text = plan(step).save();
            assert!(text.contains(&format!("\nstep: {}\n", step.as_str())), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_plan_is_refused_without_its_text() {
        let text = plan(Step::Verify).save().replace("newKey: key2", "newKey: {secret: c2VjcmV0}");
        let error = Plan::load(&text).unwrap_err();
        assert_eq!(error.to_string(), "the rotation plan is not valid: line 5");
        assert!(Plan::load("apiVersion: v1").is_err());
    }
}
