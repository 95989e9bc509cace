//! Prints the findings as text, JSON or SARIF.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::scan::{self, Place};
use crate::terminal;
use envcrypt_core::manifest::Position;

/// One problem in a file.
pub struct Finding {
    pub path: PathBuf,
    pub at: Position,
    /// The id of the rule, for example `plain-secret`.
    pub id: &'static str,
    pub text: String,
    /// More members of its JSON, or `Null`.
    pub details: Value,
}

/// Every kind of finding, and its description.
const KINDS: [(&str, &str); 19] = [
    ("plain-secret", "A Secret with a plaintext value"),
    ("out-of-place", "A sealed value in a place that it was not sealed for"),
    ("wrong-form", "A sealed Secret that cannot be read, or has no seal"),
    ("unknown-kek", "A KEK that no rule, setting or flag names"),
    ("kek-not-allowed", "A KEK that the rules do not name for this Secret"),
    ("stale", "A value that is older than its rule allows"),
    ("rotate-by", "A value that is older than the date by which it had to be replaced"),
    ("merge-conflict", "A conflict that a merge left in a manifest with Secrets"),
    ("not-sealed", "An object that SOPS or Sealed Secrets encrypted"),
    ("was-plain", "A value that stood in the clear in the history of the repository"),
    ("still-in-use", "A value that stood in the clear in the history, and is still in use"),
    ("rolled-back", "A sealed Secret that is older than the one that it replaces"),
    ("seal-mismatch", "A sealed Secret that was changed without a new seal"),
    ("signature-missing", "A sealed Secret without the signature that its rule asks for"),
    ("signature-form", "A signature that cannot be read"),
    ("signature-mismatch", "A sealed Secret that was changed after it was signed"),
    ("signature-signer", "A signature by someone who may not sign"),
    ("signature-quorum", "A sealed Secret that too few have signed"),
    ("unsigned-label", "A label or an annotation that the signers did not sign"),
];

/// Which kinds of findings do not count.
#[derive(Args, Default)]
pub struct IgnoreArgs {
    /// Do not report findings of this kind (can be repeated, or comma-separated)
    #[arg(long, value_name = "ID", value_delimiter = ',', value_parser = ids(), hide_possible_values = true)]
    ignore: Vec<String>,
}

impl IgnoreArgs {
    /// Removes these findings.
    pub fn drop_from(&self, findings: &mut Vec<Finding>) {
        findings.retain(|finding| !self.ignore.iter().any(|id| id == finding.id));
    }
}

fn ids() -> PossibleValuesParser {
    KINDS.map(|(id, _)| id).into()
}

/// What ends the command after the findings were reported.
pub fn failure(findings: &[Finding], files: usize) -> Failure {
    let in_the_clear = findings.iter().any(|finding| finding.id == "plain-secret");
    Failure::Found { found: findings.len(), files, in_the_clear }
}

/// One line per finding, in the form that compilers use.
pub fn text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let Finding { path, at, id, text, .. } = finding;
        let line = format!("{}:{}:{}: {text} [{id}]", path.display(), at.line, at.column);
        // A file name may contain control characters.
        terminal::visible(&line).into_owned() + "\n"
    };
    findings.iter().map(line).collect()
}

/// One JSON object with all findings.
pub fn json(findings: &[Finding]) -> String {
    let findings: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let mut value = json!({
                "path": finding.path.to_string_lossy(),
                "line": finding.at.line,
                "column": finding.at.column,
                "id": finding.id,
                "message": finding.text,
            });
            if let (Some(value), Value::Object(details)) = (value.as_object_mut(), &finding.details)
            {
                value.extend(details.clone());
            }
            value
        })
        .collect();
    scan::pretty(&json!({ "findings": findings }))
}

/// SARIF 2.1.0, for code scanners.
pub fn sarif<'a>(findings: &'a [Finding]) -> String {
    let place = |Finding { path, at, id, text, .. }: &'a Finding| Place { path, at: *at, id, text };
    scan::sarif(&KINDS, findings.iter().map(place))
}
