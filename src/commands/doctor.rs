//! `doctor`: what is wrong with this machine, your rights, and encryption at rest.

mod finding;
mod machine;
mod servers;

use clap::{Args, ValueEnum};

use crate::etcd::Survey;
use crate::failure::{AtRestError, Failure};
use crate::select::etcd::SourceArgs;
use crate::session::Session;
use crate::terminal;
use finding::{Findings, Grade};

/// Find what is wrong with this machine, your rights and encryption at rest.
///
/// Each line has a grade. `proven` is a fact, such as the bytes in etcd. `likely` follows from the
/// metrics of an API server since its start. `unknown` names the right that is missing to find out.
/// The command changes nothing.
#[derive(Args)]
#[command(after_help = "Examples:
  # Check this machine, and each API server of the cluster
  kubectl envcrypt doctor

  # Also prove what etcd holds
  kubectl envcrypt doctor --kubectl-exec etcd-minikube

  # Check this machine only, without a cluster
  kubectl envcrypt doctor --machine")]
pub struct DoctorArgs {
    /// Check this machine only
    #[arg(long)]
    machine: bool,
    /// URL of an API server (can be repeated); without it, those of the Service `kubernetes`
    #[arg(long, value_name = "URL", conflicts_with = "machine")]
    api_server: Vec<String>,
    /// End with exit code 1 from this grade on
    #[arg(long, value_enum, default_value = "likely", value_name = "GRADE")]
    fail_on: FailOn,
    #[command(flatten)]
    source: SourceArgs,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Proven,
    Likely,
    Unknown,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

pub async fn run(args: DoctorArgs, session: &Session) -> Result<(), Failure> {
    let mut findings = Findings::default();
    machine::check(session, &mut findings).await?;
    let is_proven = args.source.is_named() && etcd(&args.source, session, &mut findings).await;
    if !args.machine {
        servers::check(session, &args.api_server, is_proven, &mut findings).await;
    }
    let text = match args.output {
        Output::Table => findings.table(),
        Output::Json => findings.json(),
    };
    terminal::stdout(text.as_bytes())?;
    let from = match args.fail_on {
        FailOn::Proven => Grade::Proven,
        FailOn::Likely => Grade::Likely,
        FailOn::Unknown => Grade::Unknown,
    };
    match findings.count(from) {
        0 => Ok(()),
        count => Err(AtRestError::Unwell { count }.into()),
    }
}

/// The proof: the bytes in etcd. Returns whether every Secret is encrypted as new ones are.
async fn etcd(args: &SourceArgs, session: &Session, findings: &mut Findings) -> bool {
    let survey = async {
        let source = args.open(session).await?;
        let secrets = ["secrets".to_owned()];
        Ok::<_, Failure>(Survey::of(&source, &args.etcd_prefix, &secrets, None).await?)
    };
    match survey.await {
        Err(failure) => findings.unknown_because("etcd", "what etcd holds", &failure),
        Ok(survey) if survey.wrong.is_empty() => {
            findings.ok("etcd", "every Secret is encrypted in the way in which new ones are");
            return true;
        }
        Ok(survey) => findings.add(
            Grade::Proven,
            "etcd",
            format!(
                "Secrets that are not encrypted: {}; that are encrypted in an old way: {}",
                survey.plain(),
                survey.stale()
            ),
            "run `kubectl envcrypt at-rest verify` for their names, then `kubectl envcrypt at-rest reencrypt`",
        ),
    }
    false
}
