//! `at-rest config`: the EncryptionConfiguration of kube-apiserver.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand, ValueEnum};
use envcrypt_at_rest::config::{
    self, Cipher, EncryptionConfiguration, Finding, Kms, NewProvider, Severity,
};

use super::read_configuration;
use crate::access::choice::SealingArgs;
use crate::access::opener::{OpenArgs, Opener};
use crate::access::sealing;
use crate::failure::{AtRestError, Failure};
use crate::files;
use crate::select::files::{FileArgs, LiveArgs, sealed_secrets};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::manifest::{self, Format};
use envcrypt_core::secret::{Key, Meta, Place, PlainSecret, SecretType, SecretValue};

/// The key of the sealed Secret that holds a configuration.
const KEY: &str = "encryption-config.yaml";

/// Create, check and seal the EncryptionConfiguration of kube-apiserver.
#[derive(Args)]
#[command(after_help = "Examples:
  # Create a configuration for a KMS plugin
  kubectl envcrypt at-rest config new -w encryption-config.yaml

  # Check a configuration with the rules of kube-apiserver and some more
  kubectl envcrypt at-rest config check encryption-config.yaml")]
pub struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,
}

#[derive(Subcommand)]
enum ConfigCommand {
    New(NewArgs),
    Check(CheckArgs),
    Seal(SealArgs),
    Open(OpenConfigArgs),
}

/// Create a configuration, with a new random key if it needs one.
///
/// The last provider is `identity`, so that kube-apiserver can read what is not encrypted yet.
#[derive(Args)]
#[command(after_help = "Examples:
  # Encrypt Secrets with the KMS plugin at a socket
  kubectl envcrypt at-rest config new -w encryption-config.yaml

  # Encrypt Secrets and ConfigMaps with a local key
  kubectl envcrypt at-rest config new --provider secretbox --resources secrets,configmaps -w encryption-config.yaml")]
struct NewArgs {
    /// How to encrypt
    #[arg(long, value_enum, default_value = "kms")]
    provider: ProviderArg,
    /// Resources to encrypt (comma-separated), for example secrets,configmaps,'*.example.com'
    #[arg(long, value_name = "RESOURCE", value_delimiter = ',', default_value = "secrets")]
    resources: Vec<String>,
    /// Name of the KMS provider, which can never change, or of the new key
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Socket of the KMS plugin
    #[arg(long, value_name = "SOCKET", default_value = "/run/envcrypt/kms.sock")]
    socket: String,
    /// Write to this new file, with mode 0600
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ProviderArg {
    Kms,
    Secretbox,
    Aesgcm,
    Aescbc,
}

/// Check a configuration: what kube-apiserver refuses, and what it does not say.
///
/// The exit code is 1 if kube-apiserver would refuse the file. Warnings do not change it.
#[derive(Args)]
#[command(after_help = "Examples:
  # Check a file
  kubectl envcrypt at-rest config check encryption-config.yaml

  # Check a file of another tool, and print JSON
  kops get secrets encryptionconfig -o plaintext | kubectl envcrypt at-rest config check - -o json")]
struct CheckArgs {
    /// File, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value = "table", help_heading = "Output")]
    output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

/// Seal a configuration, so that its keys can be stored in Git.
#[derive(Args)]
#[command(after_help = "Examples:
  # Seal a configuration
  kubectl envcrypt at-rest config seal encryption-config.yaml --kek awskms:///alias/admins > sealed.yaml")]
struct SealArgs {
    /// File, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the sealed Secret
    #[arg(long, value_name = "NAME", default_value = "encryption-config")]
    name: String,
    #[command(flatten)]
    sealing: SealingArgs,
}

/// Open a configuration that `config seal` sealed.
#[derive(Args)]
#[command(after_help = "Examples:
  # Open it on a node of the control plane
  kubectl envcrypt at-rest config open sealed.yaml -w /etc/kubernetes/encryption-config.yaml")]
struct OpenConfigArgs {
    /// File, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Write to this new file, with mode 0600
    #[arg(short, long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    open: OpenArgs,
}

pub async fn run(args: ConfigArgs, session: &Session) -> Result<(), Failure> {
    match args.command {
        ConfigCommand::New(args) => new(&args),
        ConfigCommand::Check(args) => check(&args),
        ConfigCommand::Seal(args) => seal(&args, session).await,
        ConfigCommand::Open(args) => open(args, session).await,
    }
}

fn new(args: &NewArgs) -> Result<(), Failure> {
    let key = || args.name.clone().unwrap_or_else(|| "key1".to_owned());
    let local = |cipher| NewProvider::Local { cipher, key: key() };
    let provider = match args.provider {
        ProviderArg::Kms => NewProvider::Kms(Kms {
            name: args.name.clone().unwrap_or_else(|| "envcrypt".to_owned()),
            endpoint: format!("unix://{}", args.socket),
            timeout: Some("3s".to_owned()),
        }),
        ProviderArg::Secretbox => local(Cipher::Secretbox),
        ProviderArg::Aesgcm => local(Cipher::AesGcm),
        ProviderArg::Aescbc => local(Cipher::AesCbc),
    };
    let text = config::new(&provider, &args.resources)
        .map_err(|error| AtRestError::NotMade(error.to_string()))?;
    deliver(&text, args.write.as_deref(), args.provider != ProviderArg::Kms)
}

/// Writes the text. A key is not shown on a terminal.
fn deliver(text: &str, write: Option<&Path>, has_key: bool) -> Result<(), Failure> {
    let Some(path) = write else {
        if has_key && terminal::stdout_is_terminal() {
            return Err(AtRestError::KeyToTerminal.into());
        }
        return Ok(terminal::stdout(text.as_bytes())?);
    };
    files::new_file(path, text.as_bytes())?;
    Ok(terminal::stdout(format!("written to {}\n", path.display()).as_bytes())?)
}

fn check(args: &CheckArgs) -> Result<(), Failure> {
    let (mut text, mut errors, mut all) = (String::new(), 0, Vec::new());
    for path in &args.files {
        let findings = findings(path)?;
        errors += findings.iter().filter(|found| found.severity == Severity::Error).count();
        for found in findings {
            text.push_str(&line(path, &found));
            all.push(serde_json::json!({ "file": path, "finding": found }));
        }
    }
    if text.is_empty() {
        text.push_str("kube-apiserver accepts it\n");
    }
    if args.output == Output::Json {
        text = format!("{:#}\n", serde_json::Value::Array(all));
    }
    terminal::stdout(text.as_bytes())?;
    match errors {
        0 => Ok(()),
        count => Err(AtRestError::BadConfiguration { count }.into()),
    }
}

fn findings(path: &Path) -> Result<Vec<Finding>, Failure> {
    let mut findings = config::check(&read_configuration(path)?);
    if path != Path::new("-")
        && let Ok(metadata) = std::fs::metadata(path)
        && metadata.is_file()
    {
        findings.extend(config::check_file(metadata.mode(), metadata.uid()));
    }
    Ok(findings)
}

fn line(path: &Path, found: &Finding) -> String {
    let mut text = path.display().to_string();
    if found.line > 0 {
        let _ = write!(text, ":{}", found.line);
    }
    let severity = if found.severity == Severity::Error { "error" } else { "warning" };
    let _ = writeln!(text, ": {severity}: {} [{}]", found.text, found.rule);
    if let Some(hint) = found.hint {
        let _ = writeln!(text, "  hint: {hint}");
    }
    text
}

async fn seal(args: &SealArgs, session: &Session) -> Result<(), Failure> {
    let text = read_configuration(&args.file)?;
    EncryptionConfiguration::parse(&text).map_err(|found| {
        AtRestError::NotAConfiguration(format!("line {}: {}", found.line, found.text))
    })?;
    let namespace = session.named_namespace().unwrap_or("kube-system").parse()?;
    let meta = Meta {
        place: Place { namespace, name: args.name.parse()? },
        kind: SecretType::Opaque,
        immutable: false,
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    };
    let value = SecretValue::new(text.as_bytes().to_vec());
    let plain = PlainSecret { meta, values: [(KEY.parse()?, value)].into() };
    let sealed = sealing::seal(session, &args.sealing, plain).await?;
    let text = manifest::write(&[manifest::sealed_object(&sealed)], Format::Yaml);
    Ok(terminal::stdout(text.as_bytes())?)
}

async fn open(args: OpenConfigArgs, session: &Session) -> Result<(), Failure> {
    let files = FileArgs { filename: vec![args.file.clone()], ..FileArgs::default() };
    let (secrets, _) =
        sealed_secrets(session, &files, &LiveArgs::default(), args.open.seal()).await?;
    let opened = Opener::new(session, &args.open)?.open_all(&secrets).await?;
    let key: Key = KEY.parse()?;
    let mut values = opened.into_iter().filter_map(|mut plain| plain.values.remove(&key));
    let value = values.next().ok_or_else(|| AtRestError::NoConfiguration(args.file.clone()))?;
    let text = str::from_utf8(value.expose());
    let text = text.map_err(|_| AtRestError::NotText(args.file.clone()))?;
    deliver(text, args.write.as_deref(), true)
}
