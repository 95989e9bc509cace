//! `create`: creates a sealed Secret, in the cluster or in a file.

mod questions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::access::choice::{self, Chooser, SealingArgs};
use crate::access::opener::consents;
use crate::ages::check_notes;
use crate::author::{Signing, SigningArgs, Signs};
use crate::candidates;
use crate::failure::Failure;
use crate::files::{self, FileError};
use crate::guard::{AnyClusterArgs, ClusterCheck, confirm_context};
use crate::peers;
use crate::process;
use crate::select::dry_run::DryRun;
use crate::select::kind::SealedKind;
use crate::select::names;
use crate::session::Session;
use crate::terminal;
use crate::values::allow::AllowArgs;
use crate::values::ask::AskArgs;
use crate::values::docker::DOCKER_DEFAULT_SERVER;
use crate::values::sources::{Opened, SourceArgs, Values, read_value};
use envcrypt_cluster::{Cluster, ClusterError, FIELD_MANAGER, WriteOptions};
use envcrypt_core::access::MayUse;
use envcrypt_core::envelope::{SealError, SealedSecret, Sealer, name_suffix, sealed_size_at_least};
use envcrypt_core::kek::DataKey;
use envcrypt_core::manifest::{self, Format};
use envcrypt_core::secret::{
    LabelError, MAX_ANNOTATIONS, Meta, Place, PlainSecret, SecretName, SecretType, SecretValue,
    parse_annotation, parse_label,
};
use questions::key;

/// The bytes that are reserved for the seal, out of the limit for annotations.
const ROOM_FOR_SEAL: usize = 32 << 10;
/// What the CRD accepts in the place of a seal.
const SEAL_TO_COME: &str = "{\"protected\":\"eyJ0eXAiOiJlbnZjcnlwdC12MS1zZWFsIn0\"}";

/// Create a sealed Secret.
///
/// The command prompts twice for each KEY, without echo. It seals the values before they leave
/// this machine. If you give no KEY and no other source, it prompts for keys and values. Enter
/// an empty key to finish.
///
/// With --write or --dry-run=client, the command needs no cluster. With --kind envcryptsecret, the
/// command creates a custom resource, from which envcrypt-controller makes the plain Secret.
#[derive(Args)]
#[command(after_help = "Examples:
  # Prompt for two values, and create the sealed Secret in the cluster
  kubectl envcrypt create db username password --visible username -n prod --kek awskms:///alias/prod

  # Generate a password that nobody sees, and write the sealed Secret to a file
  kubectl envcrypt create db --generate password -n prod --kek local -w db.yaml

  # Read a value from standard input, for example in CI
  printf %s \"$TOKEN\" | kubectl envcrypt create ci --from-stdin token --kek awskms:///alias/ci

  # Create a Secret of the type kubernetes.io/tls
  kubectl envcrypt create web --type tls --cert tls.crt --key tls.key --kek local -w web.yaml")]
pub struct CreateArgs {
    /// Name of the Secret
    name: String,
    /// Keys to prompt for
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    #[command(flatten)]
    asking: AskArgs,

    #[command(flatten)]
    sources: SourceArgs,

    /// Type of the Secret: generic, basic-auth, ssh-auth, tls, docker-registry, bootstrap-token,
    /// or any other type
    #[arg(long, default_value = "generic", help_heading = "The Secret", add = candidates::types())]
    r#type: String,
    /// File with the certificate, for --type tls
    #[arg(long, value_name = "FILE", requires = "key", help_heading = "The Secret")]
    cert: Option<PathBuf>,
    /// File with the private key, for --type tls
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = "The Secret")]
    key: Option<PathBuf>,
    /// Address of the registry, for --type docker-registry
    #[arg(long, value_name = "URL", default_value = DOCKER_DEFAULT_SERVER, help_heading = "The Secret")]
    docker_server: String,
    /// User name for the registry; without it, the command prompts for it
    #[arg(long, value_name = "USER", help_heading = "The Secret")]
    docker_username: Option<String>,
    /// Email address of the user of the registry
    #[arg(long, value_name = "ADDRESS", help_heading = "The Secret")]
    docker_email: Option<String>,
    /// Read the password for the registry from standard input
    #[arg(long, conflicts_with = "from_stdin", help_heading = "The Secret")]
    docker_password_stdin: bool,
    /// Labels of the Secret (can be repeated, or comma-separated)
    #[arg(
        short,
        long,
        value_name = "KEY=VALUE",
        value_delimiter = ',',
        help_heading = "The Secret"
    )]
    labels: Vec<String>,
    /// Annotation of the Secret (can be repeated)
    #[arg(long, value_name = "KEY=VALUE", help_heading = "The Secret")]
    annotations: Vec<String>,
    /// Mark the Secret immutable
    #[arg(long, help_heading = "The Secret")]
    immutable: bool,
    /// Append a hash to the name that changes each time the Secret is sealed
    #[arg(long, help_heading = "The Secret")]
    append_hash: bool,

    #[command(flatten)]
    sealing: SealingArgs,
    #[command(flatten)]
    allow: AllowArgs,
    #[command(flatten)]
    any_cluster: AnyClusterArgs,

    /// Write the sealed Secret to a new file, not to the cluster
    #[arg(short, long, value_name = "FILE", help_heading = "Output", conflicts_with = "dry_run")]
    write: Option<PathBuf>,
    /// client: send nothing to the cluster; server: let the API server check the request without
    /// saving it
    #[arg(long, value_enum, default_value = "none", num_args = 0..=1, default_missing_value = "client", require_equals = true, help_heading = "Output")]
    dry_run: DryRun,
    /// Output format
    #[arg(short, long, value_enum, help_heading = "Output")]
    output: Option<Output>,
    /// Kind of object to create
    #[arg(long, value_enum, default_value = "secret", help_heading = "Output")]
    kind: SealedKind,
    /// Field manager that owns the fields of the Secret
    #[arg(long, value_name = "NAME", default_value = FIELD_MANAGER, help_heading = "Output", hide_short_help = true)]
    field_manager: String,
    #[command(flatten)]
    signing: SigningArgs,
}

/// `-o`
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Yaml,
    Json,
    Name,
}

/// Runs the command. Everything that can fail without the person fails before the first prompt:
/// names and files, the check by the cluster, the KMS.
pub async fn run(args: CreateArgs, session: &Session) -> Result<(), Failure> {
    names::check_not_kubectls(&args.name, &args.keys)?;
    let mut meta = args.meta(session)?;
    let opened = peers::open_sources(session, &args.sources).await?;
    let mut values = args.values(opened)?;
    let questions = args.questions(&meta.kind, &values)?;
    if !questions.is_empty() && !session.prompt().is_available() {
        return Err(args.nobody_to_ask(&questions));
    }
    check_size(&meta.place, &values)?;

    let key = DataKey::generate();
    if args.append_hash {
        meta.place.name = hashed_name(&meta, &key)?;
    }
    let plain = if questions.is_empty() {
        let plain =
            PlainSecret { meta: meta.clone(), values: std::mem::take(&mut values).into_inner() };
        plain.check()?;
        Some(plain)
    } else {
        None
    };
    let path = args.write.as_deref();
    if let Some(path) = path.filter(|path| path.symlink_metadata().is_ok()) {
        return Err(FileError::Exists(path.to_owned()).into());
    }
    let signing = Signing::new(session, args.signs());
    signing.admit(&meta.place, None, path)?;
    let consents = consents(session, session.policy_to_seal(MayUse::Granted)?);
    let chooser = Chooser::new(session, &consents);
    let named = choice::choose(session, &args.sealing.kek, &meta.place, path, &chooser)?;
    let cluster = args.cluster(session, &meta).await?;
    let sealer = Sealer::prepare(
        session.ring()?,
        &named,
        key,
        meta.place.clone(),
        args.sealing.scope.unwrap_or_default(),
    )
    .await?;

    let plain = match plain {
        Some(plain) => plain,
        None => {
            AskArgs::introduce(&**session.prompt(), &meta.place);
            args.ask(questions, &**session.prompt(), &mut values)?;
            let plain = PlainSecret { meta, values: values.into_inner() };
            plain.check()?;
            plain
        }
    };
    args.allow.warn(&plain.values, None);
    let keks: Vec<_> = sealer.keks().cloned().collect();
    let sealed = sealer.seal(plain, envcrypt_core::envelope::now())?;
    choice::remember(session, &mut consents.policy_mut(), &sealed.meta.place, &keks);
    choice::remember_aliases(&mut consents.policy_mut(), &named, &keks);
    choice::write_down(&mut consents.policy_mut());
    let sealed = signing.sign(sealed, path).await?;
    signing.tell_open(path);
    // While a program signs, this process catches the signals, and from then on.
    tokio::select! {
        delivered = args.deliver(&sealed, cluster) => delivered,
        number = process::stopped() => Err(Failure::Ended(128 + number)),
    }
}

impl CreateArgs {
    /// A dry run signs only what is printed, because that is often saved.
    fn signs(&self) -> Signs {
        let is_kept = self.output.and_then(Output::format).is_some();
        match self.dry_run == DryRun::None || is_kept {
            true => self.signing.signs(),
            false => Signs::Never,
        }
    }

    fn meta(&self, session: &Session) -> Result<Meta, Failure> {
        let name = self.name.parse()?;
        let kind: SecretType = self.r#type.parse()?;
        let pairs = |texts: &[String], parse: fn(&str) -> _| {
            texts.iter().map(|text| parse(text)).collect::<Result<BTreeMap<_, _>, _>>()
        };
        let labels = pairs(&self.labels, parse_label)?;
        let annotations = pairs(&self.annotations, parse_annotation)?;
        check_notes(&annotations).map_err(Failure::Usage)?;
        // The seal is an annotation too, and it grows with the number of KEKs.
        let size: usize = annotations.iter().map(|(name, value)| name.len() + value.len()).sum();
        if size > MAX_ANNOTATIONS - ROOM_FOR_SEAL {
            return Err(LabelError::TooLarge.into());
        }
        let place = Place { namespace: session.namespace()?, name };
        Ok(Meta { place, kind, immutable: self.immutable, labels, annotations })
    }

    /// The values that need no prompt.
    fn values(&self, opened: Opened) -> Result<Values, Failure> {
        let files = [&self.cert, &self.key].into_iter().flatten();
        let piped = files.filter(|file| file.as_os_str() == "-").count();
        let piped = piped + usize::from(self.docker_password_stdin);
        let mut values = self.sources.collect(piped, opened)?;
        for (key, file) in [("tls.crt", &self.cert), ("tls.key", &self.key)] {
            if let Some(file) = file {
                values.insert(key.parse()?, read_value(file)?)?;
            }
        }
        if self.docker_password_stdin {
            let username = self.docker_username.clone().ok_or_else(|| {
                Failure::Usage("`--docker-password-stdin` needs `--docker-username`".to_owned())
            })?;
            let password = without_line_break(read_value(Path::new("-"))?);
            if password.is_empty() {
                return Err(Failure::Usage("standard input has no password".to_owned()));
            }
            values.insert(key(".dockerconfigjson"), self.docker(&username, &password)?)?;
        }
        Ok(values)
    }

    /// Checks that the cluster would accept a Secret of this name, before anyone types a value.
    /// This also runs a credential plugin, which may have a prompt of its own.
    async fn cluster(&self, session: &Session, meta: &Meta) -> Result<Option<Cluster>, Failure> {
        if self.write.is_some() || self.dry_run == DryRun::Client {
            return Ok(None);
        }
        ClusterCheck::new(session, &self.any_cluster).check(&meta.place, None).await?;
        if self.dry_run == DryRun::None {
            confirm_context(session)?;
        }
        let cluster = session.cluster().await?;
        let empty = SealedSecret {
            meta: meta.clone(),
            values: BTreeMap::new(),
            seal: None,
            signatures: Vec::new(),
        };
        let mut empty = self.kind.object(&empty);
        if let Some(spec) = &mut empty.spec {
            // The API server checks this before it checks whether the name exists.
            spec.sealed.seal = Some(SEAL_TO_COME.to_owned());
        }
        let options = WriteOptions { dry_run: true, ..self.write_options() };
        match cluster.create(&meta.place, &empty, &options).await {
            // A webhook may refuse the Secret only because it is empty, or because of the dry run.
            Ok(()) | Err(ClusterError::Refused { .. }) => Ok(Some(cluster)),
            Err(error) => Err(error.into()),
        }
    }

    fn write_options(&self) -> WriteOptions {
        WriteOptions {
            dry_run: self.dry_run == DryRun::Server,
            field_manager: self.field_manager.clone(),
            force_conflicts: false,
        }
    }

    /// Sends the sealed Secret to the cluster, a file or standard output.
    async fn deliver(
        &self,
        sealed: &SealedSecret,
        cluster: Option<Cluster>,
    ) -> Result<(), Failure> {
        let object = self.kind.object(sealed);
        let (place, name) = (&sealed.meta.place, object.reference());
        if let Some(cluster) = cluster {
            cluster.create(place, &object, &self.write_options()).await?;
        }
        let mut done = match self.dry_run {
            DryRun::None => "created",
            DryRun::Client => "created (dry run)",
            DryRun::Server => "created (server dry run)",
        }
        .to_owned();
        if let Some(path) = &self.write {
            let is_json =
                path.extension().is_some_and(|e| e == "json") || self.output == Some(Output::Json);
            let format = if is_json { Format::Json } else { Format::Yaml };
            files::new_file(path, manifest::write(&[object], format).as_bytes())?;
            done = format!("written to {}", path.display());
        } else if let Some(format) = self.output.and_then(Output::format) {
            return Ok(terminal::stdout(manifest::write(&[object], format).as_bytes())?);
        }
        let line = match self.output {
            Some(Output::Name) => format!("{name}\n"),
            _ => format!("{name} {done}\n"),
        };
        Ok(terminal::stdout(line.as_bytes())?)
    }
}

impl Output {
    fn format(self) -> Option<Format> {
        match self {
            Self::Yaml => Some(Format::Yaml),
            Self::Json => Some(Format::Json),
            Self::Name => None,
        }
    }
}

fn check_size(place: &Place, values: &Values) -> Result<(), Failure> {
    let size = sealed_size_at_least(values.sizes());
    if size > envcrypt_core::envelope::MAX_SEALED_SIZE {
        return Err(SealError::TooLarge { place: place.clone(), size }.into());
    }
    Ok(())
}

fn hashed_name(meta: &Meta, key: &DataKey) -> Result<SecretName, Failure> {
    let suffix = name_suffix(key, meta.place.name.as_str(), meta.kind.as_str());
    Ok(format!("{}-{suffix}", meta.place.name).parse()?)
}

/// Removes a final line break, as `docker login --password-stdin` does.
fn without_line_break(value: SecretValue) -> SecretValue {
    let bytes = value.expose();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    SecretValue::new(bytes.strip_suffix(b"\r").unwrap_or(bytes).to_vec())
}
