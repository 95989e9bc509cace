//! Objects that another program encrypted. They are not plaintext, so they are counted.

use std::path::Path;

use serde_json::Value;

use super::report::Finding;
use crate::terminal;
use envcrypt_core::manifest::Position;
use envcrypt_peers::{Encryption, Found, may_mention, survey};

/// The objects of other programs.
pub struct Peers {
    /// Whether each of them is a finding.
    only_sealed: bool,
    sops: usize,
    sealed_secrets: usize,
}

/// An object that SOPS or Sealed Secrets encrypted.
pub struct Object {
    line: u32,
    is_sops: bool,
}

/// Finds the objects in a file.
pub fn objects(bytes: &[u8]) -> Vec<Object> {
    let text = match may_mention(bytes) {
        true => std::str::from_utf8(bytes).unwrap_or_default(),
        false => return Vec::new(),
    };
    let object = |found: Found| {
        let is_sops = matches!(found.by, Encryption::Sops(_));
        Object { line: found.line, is_sops }
    };
    survey(text).unwrap_or_default().into_iter().map(object).collect()
}

impl Peers {
    pub fn new(only_sealed: bool) -> Self {
        Self { only_sealed, sops: 0, sealed_secrets: 0 }
    }

    /// Counts the objects of a file. Returns them as findings, if they are.
    pub fn take(&mut self, path: &Path, objects: Vec<Object>) -> Vec<Finding> {
        let mut findings = Vec::new();
        for Object { line, is_sops } in objects {
            let (count, by) = match is_sops {
                true => (&mut self.sops, "encrypted by SOPS"),
                false => (&mut self.sealed_secrets, "a SealedSecret"),
            };
            *count += 1;
            if self.only_sealed {
                let at = Position { line: line as usize, column: 1 };
                let text = format!("this object is {by}: seal it with `kubectl envcrypt seal -i`");
                findings.push(Finding {
                    path: path.to_owned(),
                    at,
                    id: "not-sealed",
                    text,
                    details: Value::Null,
                });
            }
        }
        findings
    }

    /// Prints the counts.
    pub fn tell(&self) {
        let counts = [(self.sops, "under SOPS"), (self.sealed_secrets, "SealedSecrets")];
        let counts = counts.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<_> = counts.map(|(count, what)| format!("{count} {what}")).collect();
        if !counts.is_empty() && !self.only_sealed {
            terminal::note(&format!(
                "objects of other programs: {}; to report each of them, add `--only-sealed`",
                counts.join(", ")
            ));
        }
    }
}
