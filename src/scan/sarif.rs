//! The forms of a report, and SARIF 2.1.0, for code scanners.

use std::path::Path;

use clap::ValueEnum;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use crate::terminal;
use envcrypt_core::manifest::Position;

/// The ASCII characters that must be escaped in a URI.
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'<').add(b'>').add(b'?');

/// The form of a report.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One line for each finding
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code scanners
    Sarif,
}

/// One result: where it is, the id of its rule, and its message.
pub struct Place<'a> {
    pub path: &'a Path,
    pub at: Position,
    pub id: &'a str,
    pub text: &'a str,
}

/// Writes results. `rules` has every id with its description.
pub fn sarif<'a>(rules: &[(&str, &str)], results: impl IntoIterator<Item = Place<'a>>) -> String {
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } }))
        .collect();
    let result = |Place { path, at, id, text }: Place<'_>| {
        let path = path.to_string_lossy();
        let uri = utf8_percent_encode(&path, ESCAPED).to_string();
        json!({
            "ruleId": id,
            "level": "error",
            "message": { "text": text },
            "locations": [{
                "physicalLocation": {
                    "artifactLocation": { "uri": uri },
                    "region": { "startLine": at.line, "startColumn": at.column },
                },
            }],
        })
    };
    let results: Vec<Value> = results.into_iter().map(result).collect();
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

/// Indented JSON that is safe to print.
pub fn pretty(value: &Value) -> String {
    let json = serde_json::to_string_pretty(value).expect("it is plain text");
    terminal::visible_json(&json).into_owned() + "\n"
}
