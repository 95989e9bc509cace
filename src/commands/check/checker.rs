//! What is checked in one file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ages;
use super::conflicts;
use super::history::InUse;
use super::keks::Known;
use super::look::{self, Seen};
use super::peers::Peers;
use super::report::{Finding, IgnoreArgs};
use super::since::Since;
use crate::config::KekName;
use crate::failure::Failure;
use crate::scan::{self, Buffer};
use crate::session::{Contexts, Session};
use crate::signers;
use envcrypt_core::envelope::{OpenError, SealCheck, SealedSecret};
use envcrypt_core::manifest::{
    FileKind, Found, FoundSecret, ManifestError, Object, Position, RESOURCE_KIND,
};

const UNREADABLE: &str = "this Secret cannot be read";
const UNREADABLE_RESOURCE: &str =
    "this EnvcryptSecret cannot be read: check its `apiVersion` and its fields";

/// Checks files, and keeps what it finds.
pub struct Checker<'a> {
    session: &'a Session,
    pub known: Known<'a>,
    pub since: Option<Since>,
    /// The sealed Secrets, if their values are compared later.
    pub in_use: Option<InUse>,
    pub findings: Vec<Finding>,
    pub failures: Vec<Failure>,
    /// Files with sealed Secrets.
    pub sealed: BTreeSet<PathBuf>,
    pub peers: Peers,
    ignore: &'a IgnoreArgs,
}

impl<'a> Checker<'a> {
    pub fn new(
        session: &'a Session,
        keks: &[KekName],
        ignore: &'a IgnoreArgs,
    ) -> Result<Self, Failure> {
        Ok(Self {
            session,
            known: Known::new(session, keks)?,
            since: None,
            in_use: None,
            findings: Vec::new(),
            failures: Vec::new(),
            sealed: BTreeSet::new(),
            peers: Peers::new(false),
            ignore,
        })
    }

    /// Checks files, each on any core, and keeps what is found in their order.
    pub fn files(&mut self, paths: &[PathBuf]) {
        let wants_seals = self.since.is_some();
        let look = |path: &PathBuf, buffer: &mut Buffer| look::file(path, buffer, wants_seals);
        scan::in_order(paths, look, |path, seen| match seen {
            Ok(Some(seen)) => self.take(path, seen),
            Ok(None) => {}
            Err(failure) => self.failures.push(failure),
        });
    }

    /// Checks the contents of a file.
    pub fn examine(&mut self, path: &Path, kind: FileKind, bytes: &[u8]) {
        self.take(path, look::contents(bytes, kind, self.since.is_some()));
    }

    /// Decides what of that which was seen in a file is a finding.
    fn take(&mut self, path: &Path, seen: Seen) {
        let Seen { others, conflicts, found, seals } = seen;
        self.findings.extend(self.peers.take(path, others));
        for at in &conflicts {
            self.add(path, *at, "merge-conflict", conflicts::TEXT);
        }
        for found in found {
            match found {
                Found::Sealed(at) => {
                    self.add(path, at, "out-of-place", "a sealed value is outside a Secret");
                }
                // The conflict is why.
                Found::Unreadable(_) if !conflicts.is_empty() => {}
                Found::Unreadable(at) => self.add(path, at, "wrong-form", UNREADABLE),
                Found::Secret(secret) => self.secret(path, *secret),
            }
        }
        if let Some(since) = &mut self.since {
            since.note_seals(path, seals);
        }
        self.ignore.drop_from(&mut self.findings);
    }

    fn secret(&mut self, path: &Path, secret: FoundSecret) {
        let (is_sealed, at) = (secret.is_sealed, secret.at);
        let literal = secret.literals.first().cloned();
        let others = secret.literals.len().saturating_sub(1);
        // If a template sets the name, there is no object, and no more to report.
        let has_object = secret.object.is_some();
        let kind = secret.object.as_ref().and_then(|object| object.get("kind"));
        let unreadable = match kind.is_some_and(|kind| *kind == RESOURCE_KIND) {
            true => UNREADABLE_RESOURCE,
            false => UNREADABLE,
        };
        let object = secret.into_object();
        if let Some((key, at)) = literal {
            let name = object.as_ref().map_or_else(String::new, |o| format!(" `{}`", o.title()));
            let form = if is_sealed { "sealed Secret" } else { "Secret" };
            let mut text = format!("the {form}{name} has a plaintext value");
            if let Some(key) = key {
                text += &format!(": `{}`", key.escape_default());
                if others > 0 {
                    text += &format!(" and {others} more");
                }
            }
            return self.add(path, at, "plain-secret", &text);
        }
        match object {
            Some(object) if is_sealed => self.sealed(path, at, &object),
            None if is_sealed && has_object => self.add(path, at, "wrong-form", unreadable),
            None if is_sealed => self.templated(path, at),
            _ => {}
        }
    }

    fn sealed(&mut self, path: &Path, at: Position, object: &Object) {
        self.sealed.insert(path.to_owned());
        let namespace = scan::namespace(object, self.session);
        let secret = match object.sealed(&namespace, SealCheck::Required) {
            Ok(secret) => secret,
            Err(error @ ManifestError::Signatures { .. }) => {
                return self.add(path, at, "signature-form", &error.to_string());
            }
            Err(error) => return self.add(path, at, "wrong-form", &error.to_string()),
        };
        if let Err(error) = secret.check_place(SealCheck::Required) {
            let id = if secret.seal.is_none() { "wrong-form" } else { "out-of-place" };
            self.add(path, at, id, &error.to_string());
        }
        if let Some(since) = &mut self.since {
            since.note(path, at, &secret);
        }
        match self.known.check(&secret, path) {
            Ok(wrong) => wrong.into_iter().for_each(|(id, text)| self.add(path, at, id, &text)),
            // If the rules cannot be read, no KEK is allowed.
            Err(failure) => {
                let text = failure.to_string();
                if !self.findings.iter().any(|finding| finding.text == text) {
                    self.add(path, at, "kek-not-allowed", &text);
                }
            }
        }
        let bound = secret.seal.as_ref().and_then(|seal| seal.binding.namespace.as_ref());
        let is_placed = bound.is_some() || scan::has_namespace(object, self.session);
        self.signatures(path, at, &secret, is_placed);
        // If the rules cannot be read, this was reported.
        for (id, text, details) in
            ages::find(self.session, path, object, &secret).unwrap_or_default()
        {
            self.findings.push(Finding { path: path.to_owned(), at, id, text, details });
        }
        if let Some(in_use) = &mut self.in_use {
            in_use.note(path, at, secret);
        }
    }

    /// A Secret of a template has no name, so no signature can be checked.
    fn templated(&mut self, path: &Path, at: Position) {
        if self.may_need_signatures(path) {
            let text = "signatures cannot be checked, because a template sets the name of this Secret: check what the template makes";
            self.add(path, at, "signature-missing", text);
        }
    }

    /// Whether anything asks for signatures of Secrets in this file, whatever their namespace.
    fn may_need_signatures(&self, path: &Path) -> bool {
        signers::may_ask(self.session, path).unwrap_or(true)
    }

    /// `is_placed` says whether the namespace of the Secret is known. Without it, there is no rule.
    fn signatures(&mut self, path: &Path, at: Position, secret: &SealedSecret, is_placed: bool) {
        let place = &secret.meta.place;
        let demands = match &self.since {
            Some(since) => since.demands(self.session, place, path),
            None => signers::demands(self.session, place, Some(path), Contexts::Any),
        };
        match demands.and_then(|demands| signers::check_all(secret, &demands)) {
            Ok(None) if !is_placed && self.may_need_signatures(path) => {
                let text = "signatures cannot be checked without the namespace of this Secret: set `metadata.namespace`, or name it with `-n`";
                self.add(path, at, "signature-missing", text);
            }
            Ok(None) => {}
            Ok(Some(signed)) => {
                for name in signed.uncovered {
                    let text = format!("the signers of this Secret did not sign `{name}`");
                    self.add(path, at, "unsigned-label", &text);
                }
            }
            Err(Failure::Open(OpenError::Unsigned { place, refused })) => {
                let id = refused.name();
                let text = OpenError::Unsigned { place, refused }.to_string();
                self.add(path, at, id, &text);
            }
            // Without a list that can be used, nothing is known of any signature.
            Err(failure) => {
                let text = failure.to_string();
                // If the rules cannot be read, this was reported.
                let is_reported = self.findings.iter().any(|finding| finding.text == text)
                    || self.failures.iter().any(|other| other.to_string() == text);
                if !is_reported {
                    self.failures.push(failure);
                }
            }
        }
    }

    fn add(&mut self, path: &Path, at: Position, id: &'static str, text: &str) {
        let (path, text) = (path.to_owned(), text.to_owned());
        self.findings.push(Finding { path, at, id, text, details: serde_json::Value::Null });
    }
}
