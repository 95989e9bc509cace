//! What is wrong with a configuration.

use serde::Serialize;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// kube-apiserver refuses the configuration.
    Error,
    /// kube-apiserver accepts the configuration, but it is not safe, or may not do what it seems to.
    Warning,
}

/// Something that is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The line, counted from 1. It is 0 if the finding is about the file as a whole.
    pub line: usize,
    /// How bad it is.
    pub severity: Severity,
    /// The name of the rule, such as `key-size`. It does not change between versions.
    pub rule: &'static str,
    /// What is wrong. It never contains a key.
    pub text: String,
    /// What to do.
    pub hint: Option<&'static str>,
}

impl Finding {
    pub(super) fn error(line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { line, severity: Severity::Error, rule, text: text.into(), hint: None }
    }

    pub(super) fn warning(line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(line, rule, text) }
    }

    pub(super) fn with_hint(self, hint: &'static str) -> Self {
        Self { hint: Some(hint), ..self }
    }
}

/// The findings so far.
#[derive(Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn error(&mut self, line: usize, rule: &'static str, text: impl Into<String>) {
        self.push(Finding::error(line, rule, text));
    }

    pub(super) fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }

    pub(super) fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// The findings in the order of their lines. On one line, the errors are first.
    pub(super) fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| (finding.line, finding.severity));
        self.0
    }
}

/// Returns a name from the configuration in backticks. Hides a name that could be a key in the
/// wrong place: base64 has no `.` or `*`.
pub(super) fn shown(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:*".contains(c);
    let most = if name.contains(['.', '*']) { 100 } else { 20 };
    match !name.is_empty() && name.len() <= most && name.chars().all(is_plain) {
        true => format!("`{name}`"),
        false => "with this name".to_owned(),
    }
}
