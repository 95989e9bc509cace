//! `at-rest verify`: what etcd really holds.

mod form;
mod survey;

use std::fmt::Write;
use std::path::PathBuf;

use clap::{ArgGroup, Args, ValueEnum};
use envcrypt_at_rest::residue;

use crate::etcd::{Etcd, EtcdOptions, Pod, PodOptions, Source};
use crate::failure::{AtRestError, Failure};
use crate::session::Session;
use crate::terminal;
use form::Expected;
use survey::Survey;

/// Show how each object in etcd is encrypted, and name every object that is not.
///
/// The command reads etcd itself, because the API server decrypts what it shows. It prints one
/// line for each way in which objects are stored, then the name of every object that is plain or
/// is encrypted with an old key. It never prints a value.
///
/// The exit code is 0 if everything is as expected, 1 if not, and 2 if etcd cannot be read.
#[derive(Args)]
#[command(
    group = ArgGroup::new("source").required(true),
    after_help = "Examples:
  # Look into a member of etcd, with its client certificate
  kubectl envcrypt at-rest verify --etcd https://127.0.0.1:2379 --cacert ca.crt --cert peer.crt --key peer.key

  # Look into the pod of etcd, as with minikube and kubeadm
  kubectl envcrypt at-rest verify --kubectl-exec etcd-minikube

  # Prove that a backup holds no plain Secret, not even a deleted one
  kubectl envcrypt at-rest verify --snapshot backup.db --residue

  # Require that the KMS provider `envcrypt` encrypts Secrets and ConfigMaps
  kubectl envcrypt at-rest verify --snapshot backup.db --expect kms:envcrypt secrets configmaps"
)]
pub struct VerifyArgs {
    /// Resources as the EncryptionConfiguration names them
    #[arg(value_name = "RESOURCE", default_value = "secrets")]
    resources: Vec<String>,
    /// Read a member of etcd at this URL
    #[arg(long, value_name = "URL", group = "source")]
    etcd: Option<String>,
    /// Read a file that `etcdctl snapshot save` wrote
    #[arg(long, value_name = "FILE", group = "source")]
    snapshot: Option<PathBuf>,
    /// Read the data directory of a member, for example /var/lib/etcd
    #[arg(long, value_name = "DIRECTORY", group = "source")]
    data_dir: Option<PathBuf>,
    /// Read etcd in this pod of kube-system (or of -n), with `kubectl exec`
    #[arg(long, value_name = "POD", group = "source")]
    kubectl_exec: Option<String>,
    #[command(flatten)]
    tls: TlsArgs,
    /// Require this provider: kms:NAME, secretbox:KEY, aesgcm:KEY, aescbc:KEY, or only its kind
    #[arg(long, value_name = "PROVIDER")]
    expect: Option<Expected>,
    /// Also find plaintext of Secrets in old revisions and unused pages of a file
    #[arg(long, conflicts_with_all = ["etcd", "kubectl_exec"])]
    residue: bool,
    /// The value of `--etcd-prefix` of kube-apiserver
    #[arg(long, value_name = "PREFIX", default_value = "/registry")]
    etcd_prefix: String,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
}

/// The TLS files for --etcd.
#[derive(Args)]
struct TlsArgs {
    /// Certificate authorities of etcd
    #[arg(long, value_name = "FILE", requires = "etcd")]
    cacert: Option<PathBuf>,
    /// Client certificate for etcd
    #[arg(long, value_name = "FILE", requires = "etcd", requires = "key")]
    cert: Option<PathBuf>,
    /// Key of the client certificate
    #[arg(long, value_name = "FILE", requires = "etcd", requires = "cert")]
    key: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub async fn run(args: VerifyArgs, session: &Session) -> Result<(), Failure> {
    let looked = look(&args, session).await;
    let (survey, residue) = looked.map_err(|failure| Failure::NotCompared(Box::new(failure)))?;
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
    let source = args.source(session).await?;
    let survey = Survey::of(&source, &args.etcd_prefix, &args.resources, args.expect.as_ref());
    let survey = survey.await?;
    let residue = if args.residue { source.residue()? } else { None };
    Ok((survey, residue))
}

impl VerifyArgs {
    async fn source(&self, session: &Session) -> Result<Source, Failure> {
        if let Some(path) = &self.snapshot {
            return Ok(Source::snapshot(path)?);
        }
        if let Some(path) = &self.data_dir {
            return Ok(Source::data_directory(path)?);
        }
        if let Some(name) = &self.kubectl_exec {
            let namespace = session.named_namespace().unwrap_or("kube-system").to_owned();
            let flags = session.kubectl_flags()?;
            let pod = session.cluster().await?.pod(&namespace, name).await?;
            let options = PodOptions { name: name.clone(), namespace, flags };
            return Ok(Source::Pod(Pod::new(options, &pod)?));
        }
        let endpoint = self.etcd.clone().unwrap_or_default();
        let client = self.tls.cert.clone().zip(self.tls.key.clone());
        Ok(Source::Live(Etcd::new(&EtcdOptions { endpoint, ca: self.tls.cacert.clone(), client })?))
    }
}

fn table(survey: &Survey, residue: Option<&[residue::Finding]>) -> String {
    let mut text = String::new();
    for class in &survey.classes {
        let (resource, count, form) = (&class.resource, class.count, &class.form);
        let _ = writeln!(text, "{resource:<24} {count:>7}  {form}{}", class.more());
    }
    if survey.classes.is_empty() {
        text.push_str("etcd holds no such objects\n");
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
