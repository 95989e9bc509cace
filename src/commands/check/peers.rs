//! Objects that another program encrypted. They are not plaintext, so they are counted.

use std::path::Path;

use serde_json::Value;

use super::report::Finding;
use crate::terminal;
use envcrypt_core::manifest::Position;
use envcrypt_peers::{Encryption, may_mention, survey};

/// The objects of other programs.
pub struct Peers {
    /// Whether each of them is a finding.
    only_sealed: bool,
    sops: usize,
    sealed_secrets: usize,
}

impl Peers {
    pub fn new(only_sealed: bool) -> Self {
        Self { only_sealed, sops: 0, sealed_secrets: 0 }
    }

    /// Counts the objects of a file. Returns them as findings, if they are.
    pub fn look(&mut self, path: &Path, bytes: &[u8]) -> Vec<Finding> {
        let text = match may_mention(bytes) {
            true => std::str::from_utf8(bytes).unwrap_or_default(),
            false => return Vec::new(),
        };
        let mut findings = Vec::new();
        for found in survey(text).unwrap_or_default() {
            let by = match found.by {
                Encryption::Sops(_) => {
                    self.sops += 1;
                    "encrypted by SOPS"
                }
                Encryption::SealedSecret => {
                    self.sealed_secrets += 1;
                    "a SealedSecret"
                }
            };
            if self.only_sealed {
                let at = Position { line: found.line as usize, column: 1 };
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
