//! `at-rest verify`: what etcd really holds.

use std::fmt::Write;

use clap::{Args, ValueEnum};
use envcrypt_at_rest::residue;

use crate::etcd::{Expected, Survey, is_readable};
use crate::failure::{AtRestError, Failure};
use crate::select::etcd::SourceArgs;
use crate::session::Session;
use crate::terminal;

/// Show how each object in etcd is encrypted, and name every object that is not.
///
/// The command reads etcd itself, because the API server decrypts what it shows. It prints one
/// line for each way in which objects are stored, then the name of every object that is plain or
/// is encrypted with an old key. It never prints a value.
///
/// The exit code is 0 if everything is as expected, 1 if not, and 2 if etcd cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:
  # Look into a member of etcd, with its client certificate
  kubectl envcrypt at-rest verify --etcd https://127.0.0.1:2379 --cacert ca.crt --cert peer.crt --key peer.key

  # Look into the pod of etcd, as with minikube and kubeadm
  kubectl envcrypt at-rest verify --kubectl-exec etcd-minikube

  # Prove that a backup holds no plain Secret, not even a deleted one
  kubectl envcrypt at-rest verify --snapshot backup.db --residue

  # Require that the KMS provider `envcrypt` encrypts Secrets and ConfigMaps
  kubectl envcrypt at-rest verify --snapshot backup.db --expect kms:envcrypt secrets configmaps")]
pub struct VerifyArgs {
    /// Resources as the EncryptionConfiguration names them
    #[arg(value_name = "RESOURCE", default_value = "secrets")]
    resources: Vec<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// Require this provider: kms:NAME, secretbox:KEY, aesgcm:KEY, aescbc:KEY, or only its kind
    #[arg(long, value_name = "PROVIDER")]
    expect: Option<Expected>,
    /// Also find plaintext of Secrets in old revisions and unused pages of a file
    #[arg(long, conflicts_with_all = ["etcd", "kubectl_exec"])]
    residue: bool,
    /// Accept that etcd holds no object of a resource
    #[arg(long)]
    allow_empty: bool,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub async fn run(args: VerifyArgs, session: &Session) -> Result<(), Failure> {
    let looked = look(&args, session).await;
    let (survey, residue) = looked.map_err(|failure| Failure::NotCompared(Box::new(failure)))?;
    if !survey.empty.is_empty() && !args.allow_empty {
        let failure = AtRestError::NothingThere(survey.empty.join("`, `")).into();
        return Err(Failure::NotCompared(Box::new(failure)));
    }
    let text = match args.output {
        Output::Table => table(&survey, residue.as_deref()),
        Output::Json => json(&survey, residue.as_deref()),
    };
    terminal::stdout(text.as_bytes())?;
    let left = residue.map_or(0, |found| found.len());
    match (survey.plain(), survey.stale(), left) {
        (0, 0, 0) => Ok(()),
        (plain, stale, residue) => Err(AtRestError::NotAsExpected { plain, stale, residue }.into()),
    }
}

async fn look(
    args: &VerifyArgs,
    session: &Session,
) -> Result<(Survey, Option<Vec<residue::Finding>>), Failure> {
    if let Some(wildcard) = args.resources.iter().find(|name| !is_readable(name)) {
        return Err(AtRestError::Wildcard(wildcard.clone()).into());
    }
    let source = args.source.open(session).await?;
    let (prefix, expect) = (&args.source.etcd_prefix, args.expect.as_ref());
    let survey = Survey::of(&source, prefix, &args.resources, expect).await?;
    let residue = if args.residue { source.residue()? } else { None };
    Ok((survey, residue))
}

fn table(survey: &Survey, residue: Option<&[residue::Finding]>) -> String {
    let mut text = String::new();
    for class in &survey.classes {
        let (resource, count, form) = (&class.resource, class.count, &class.form);
        let _ = writeln!(text, "{resource:<24} {count:>7}  {form}{}", class.more());
    }
    for resource in &survey.empty {
        let _ = writeln!(text, "{resource:<24} {:>7}", 0);
    }
    for object in &survey.wrong {
        let _ = writeln!(text, "{}: {} ({})", object.problem, object.name, object.form);
    }
    let Some(residue) = residue else { return text };
    for finding in residue {
        let _ = writeln!(text, "residue: {} ({})", named(finding), place(finding.place));
    }
    let _ = writeln!(text, "residue of plain Secrets: {}", residue.len());
    text
}

fn named(finding: &residue::Finding) -> String {
    let part = |part: &Option<String>| part.clone().unwrap_or_else(|| "?".to_owned());
    format!("secrets/{}/{}", part(&finding.object.namespace), part(&finding.object.name))
}

fn place(place: residue::Place) -> String {
    match place {
        residue::Place::OldRevision(revision) => format!("old revision {}", revision.main),
        residue::Place::FreePage(page) => format!("unused page {page}"),
        residue::Place::PageTail(page) => format!("end of page {page}"),
    }
}

fn json(survey: &Survey, residue: Option<&[residue::Finding]>) -> String {
    let residue = residue.map(|found| {
        let one = |finding: &residue::Finding| {
            serde_json::json!({ "object": named(finding), "place": place(finding.place) })
        };
        found.iter().map(one).collect::<Vec<_>>()
    });
    let value = serde_json::json!({
        "classes": survey.classes, "wrong": survey.wrong, "residue": residue,
    });
    format!("{value:#}\n")
}
