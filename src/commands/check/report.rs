//! Prints the findings as text, JSON or SARIF.

use std::path::PathBuf;

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::terminal;
use envcrypt_core::manifest::Position;

/// The ASCII characters that must be escaped in a URI.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?');

/// One problem in a file.
pub struct Finding {
    pub path: PathBuf,
    pub at: Position,
    /// The id of the rule, for example `plain-secret`.
    pub id: &'static str,
    pub text: String,
}

/// Every kind of finding, and its description.
const KINDS: [(&str, &str); 7] = [
    ("plain-secret", "A Secret with a plaintext value"),
    ("out-of-place", "A sealed value in a place that it was not sealed for"),
    ("wrong-form", "A sealed Secret that cannot be read, or has no seal"),
    ("unknown-kek", "A KEK that no rule, setting or flag names"),
    ("kek-not-allowed", "A KEK that the rules do not name for this Secret"),
    ("merge-conflict", "A conflict that a merge left in a manifest with Secrets"),
    ("not-sealed", "An object that SOPS or Sealed Secrets encrypted"),
];

/// What ends the command after the findings were reported.
pub fn failure(findings: &[Finding], files: usize) -> Failure {
    let in_the_clear = findings.iter().any(|finding| finding.id == "plain-secret");
    Failure::Found { found: findings.len(), files, in_the_clear }
}

/// One line per finding, in the form that compilers use.
pub fn text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let Finding { path, at, id, text } = finding;
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
            json!({
                "path": finding.path.to_string_lossy(),
                "line": finding.at.line,
                "column": finding.at.column,
                "id": finding.id,
                "message": finding.text,
            })
        })
        .collect();
    pretty(&json!({ "findings": findings }))
}

/// SARIF 2.1.0, for code scanners.
pub fn sarif(findings: &[Finding]) -> String {
    let rules: Vec<Value> = KINDS
        .iter()
        .map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } }))
        .collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| {
            let path = finding.path.to_string_lossy();
            let uri = utf8_percent_encode(&path, ESCAPED).to_string();
            json!({
                "ruleId": finding.id,
                "level": "error",
                "message": { "text": finding.text },
                "locations": [{
                    "physicalLocation": {
                        "artifactLocation": { "uri": uri },
                        "region": { "startLine": finding.at.line, "startColumn": finding.at.column },
                    },
                }],
            })
        })
        .collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kubectl-envcrypt",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "results": results,
        }],
    }))
}

fn pretty(value: &Value) -> String {
    let json = serde_json::to_string_pretty(value).expect("it is plain text");
    terminal::visible_json(&json).into_owned() + "\n"
}
