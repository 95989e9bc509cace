//! What was found, and how sure it is.

use std::fmt::Write;

use serde::Serialize;

use crate::failure::Failure;

/// How sure a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// No problem.
    Ok,
    /// It cannot be found out.
    Unknown,
    /// It follows from what an API server reports about itself.
    Likely,
    /// It is a fact.
    Proven,
}

#[derive(Serialize)]
struct Finding {
    grade: Grade,
    /// This machine, a server, or etcd.
    subject: String,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// All findings, in the order of the checks.
#[derive(Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    pub fn ok(&mut self, subject: &str, text: impl Into<String>) {
        self.push(Grade::Ok, subject, text.into(), None);
    }

    /// Something that can be better, and is no problem.
    pub fn note(&mut self, subject: &str, text: impl Into<String>, hint: impl Into<String>) {
        self.push(Grade::Ok, subject, text.into(), Some(hint.into()));
    }

    pub fn add(
        &mut self,
        grade: Grade,
        subject: &str,
        text: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.push(grade, subject, text.into(), Some(hint.into()));
    }

    /// `what` cannot be found out, for this reason.
    pub fn unknown_because(&mut self, subject: &str, what: &str, failure: &Failure) {
        let report = failure.report().unwrap_or_default();
        let hint = report.hints.into_iter().next();
        self.push(Grade::Unknown, subject, format!("{what}: {}", report.error), hint);
    }

    fn push(&mut self, grade: Grade, subject: &str, text: String, hint: Option<String>) {
        self.0.push(Finding { grade, subject: subject.to_owned(), text, hint });
    }

    /// How many problems have at least this grade.
    pub fn count(&self, from: Grade) -> usize {
        self.0.iter().filter(|finding| finding.grade >= from).count()
    }

    pub fn table(&self) -> String {
        let width = self.0.iter().map(|finding| finding.subject.len()).max().unwrap_or(0);
        let mut text = String::new();
        for Finding { grade, subject, text: what, hint } in &self.0 {
            let grade = match grade {
                Grade::Ok => "ok",
                Grade::Unknown => "unknown",
                Grade::Likely => "likely",
                Grade::Proven => "proven",
            };
            let what = crate::terminal::visible(what);
            let _ = writeln!(text, "{grade:<7}  {subject:<width$}  {what}");
            if let Some(hint) = hint {
                let _ = writeln!(
                    text,
                    "{:<7}  {:<width$}  hint: {}",
                    "",
                    "",
                    crate::terminal::visible(hint)
                );
            }
        }
        text
    }

    pub fn json(&self) -> String {
        let value = serde_json::to_value(&self.0).expect("findings are plain text");
        format!("{value:#}\n")
    }
}
