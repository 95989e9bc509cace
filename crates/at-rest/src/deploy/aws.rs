//! The least IAM policy for KEKs in AWS KMS.

use super::plan::Plan;
use super::text::{fill, indent};

/// The policy, below the output directory.
pub(super) const FILE: &str = "aws-policy.json";

/// The statements of the policy, as a JSON list. `None` without a KEK in AWS KMS.
///
/// The plugin never opens a key with an escrow KEK, so those have a statement of their own.
pub(super) fn statements(plan: &Plan<'_>) -> Option<String> {
    let open = statement(plan, plan.keks, &["kms:Encrypt", "kms:Decrypt"]);
    let escrow = statement(plan, plan.escrow, &["kms:Encrypt"]);
    let statements: Vec<String> = open.into_iter().chain(escrow).collect();
    (!statements.is_empty()).then(|| format!("[\n{}\n]\n", statements.join(",\n")))
}

/// The whole policy, as JSON. `None` without a KEK in AWS KMS.
pub(super) fn document(plan: &Plan<'_>) -> Option<String> {
    let statements = indent(2, &statements(plan)?);
    let statements = statements.trim();
    Some(format!("{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {statements}\n}}\n"))
}

fn statement(plan: &Plan<'_>, keks: &[String], actions: &[&str]) -> Option<String> {
    let arns: Vec<&str> = keks.iter().filter_map(|kek| kek.strip_prefix("awskms:///")).collect();
    // An ARN and a cluster name have only characters that JSON does not escape.
    let list = |texts: &[&str]| format!("\"{}\"", texts.join("\", \""));
    let values =
        [("actions", list(actions)), ("keys", list(&arns)), ("cluster", plan.cluster.to_owned())];
    let values: Vec<(&str, &str)> = values.iter().map(|(k, v)| (*k, v.as_str())).collect();
    let statement = || fill(include_str!("templates/aws-statement.json"), &values);
    (!arns.is_empty()).then(|| indent(2, &statement()).trim_end().to_owned())
}
