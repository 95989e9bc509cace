//! `krm`: the check as a KRM function, for Kustomize and kpt.

use std::path::Path;

use clap::Args;
use serde_yaml::{Mapping, Value};

use super::checker::Checker;
use super::not_checked;
use super::report::{self, Finding, IgnoreArgs};
use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, SelectError};
use crate::select::files::read_file;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::manifest::FileKind;

/// The API group of the list that a function receives.
const GROUP: &str = "config.kubernetes.io/";
/// The annotations in which a function finds the file of an item, the current one first.
const PATHS: [&str; 2] = ["internal.config.kubernetes.io/path", "config.kubernetes.io/path"];

/// Check the output of Kustomize or kpt, as a KRM function.
///
/// The command reads a ResourceList from standard input. If nothing is found, it writes the list
/// unchanged. Otherwise it adds the findings as `results`, and fails. It checks the same things as
/// `check`, and never opens a Secret.
#[derive(Args)]
#[command(after_help = "Examples:
  # Let Kustomize run the check: list check.yaml in `transformers` of the kustomization
  kustomize build --enable-alpha-plugins --enable-exec overlays/prod

  # check.yaml
  apiVersion: envcrypt.dev/v1alpha1
  kind: Check
  metadata:
    name: envcrypt
    annotations:
      config.kubernetes.io/function: |
        exec: {path: kubectl-envcrypt, args: [krm]}")]
pub struct KrmArgs {
    /// Accept this KEK too, like those of rules, environment and settings (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks())]
    kek: Vec<KekName>,
    #[command(flatten)]
    ignore: IgnoreArgs,
}

/// Runs the function. A failure to check gets another exit code than a finding.
pub fn run(args: &KrmArgs, session: &Session) -> Result<(), Failure> {
    check(args, session).map_err(not_checked)
}

fn check(args: &KrmArgs, session: &Session) -> Result<(), Failure> {
    let bytes = read_file(Path::new("-"))?;
    let mut list = resource_list(&bytes)?;
    let items = match list.get("items") {
        None | Some(Value::Null) => &[],
        Some(Value::Sequence(items)) => &items[..],
        Some(_) => return Err(no_list()),
    };
    let count = items.len();
    let mut checker = Checker::new(session, &args.kek, &args.ignore)?;
    checker.examine(Path::new("-"), FileKind::Manifest, &bytes);
    checker.known.tell();
    if checker.findings.is_empty() {
        return Ok(terminal::stdout(&bytes)?);
    }
    let results = results(items, &mut checker)?;
    for finding in &checker.findings {
        terminal::stderr_line(&message(finding));
    }
    list.insert("results".into(), results);
    let text = serde_yaml::to_string(&list).map_err(|_| no_list())?;
    terminal::stdout(text.as_bytes())?;
    Err(report::failure(&checker.findings, count))
}

/// What was found in the list, with the item that each finding is about.
fn results(items: &[Value], checker: &mut Checker) -> Result<Value, Failure> {
    let in_list = std::mem::take(&mut checker.findings);
    let mut results = Vec::new();
    for item in items {
        let before = checker.findings.len();
        let text = serde_yaml::to_string(item).map_err(|_| no_list())?;
        // The rules of the directory apply. The path in an annotation decides nothing.
        checker.examine(Path::new("-"), FileKind::Manifest, text.as_bytes());
        results.extend(checker.findings[before..].iter().map(|finding| result(finding, item)));
    }
    // A tag such as `!!binary` hides a Secret from the reader of the items.
    if checker.findings.is_empty() {
        checker.findings = in_list;
        results = checker.findings.iter().map(|found| result(found, &Value::Null)).collect();
    }
    Ok(Value::Sequence(results))
}

/// The list that Kustomize and kpt write.
fn resource_list(bytes: &[u8]) -> Result<Mapping, Failure> {
    // The message of the parser would quote the text.
    let list: Value = serde_yaml::from_slice(bytes).map_err(|_| no_list())?;
    let field = |name: &str| list.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_list = field("kind") == "ResourceList" && field("apiVersion").starts_with(GROUP);
    match list {
        Value::Mapping(list) if is_list => Ok(list),
        _ => Err(no_list()),
    }
}

fn no_list() -> Failure {
    Failure::Select(SelectError::Read {
        path: "-".into(),
        source: std::io::Error::other(
            "it is not a ResourceList, which Kustomize and kpt give to a function",
        ),
    })
}

fn message(finding: &Finding) -> String {
    format!("{} [{}]", finding.text, finding.id)
}

/// One entry of `results`, in the form of the KRM functions specification.
fn result(finding: &Finding, item: &Value) -> Value {
    let metadata = |name: &str| item.get("metadata").and_then(|metadata| metadata.get(name));
    let text = |value: Option<&Value>| value?.as_str().map(Value::from);
    let path = PATHS.iter().find_map(|name| text(metadata("annotations")?.get(name)));
    let item = map([
        ("apiVersion", text(item.get("apiVersion"))),
        ("kind", text(item.get("kind"))),
        ("name", text(metadata("name"))),
        ("namespace", text(metadata("namespace"))),
    ]);
    let result = map([
        ("message", Some(message(finding).into())),
        ("severity", Some("error".into())),
        ("resourceRef", item),
        ("file", map([("path", path)])),
    ]);
    result.unwrap_or_default()
}

/// A mapping of what is there; `None` if nothing is.
fn map<const N: usize>(entries: [(&str, Option<Value>); N]) -> Option<Value> {
    let entries = entries.into_iter();
    let map: Mapping = entries.filter_map(|(name, value)| Some((name.into(), value?))).collect();
    (!map.is_empty()).then_some(Value::Mapping(map))
}
