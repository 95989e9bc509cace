//! `exec`: runs a program with the values of sealed Secrets in its environment, or in files in
//! memory.

mod names;
mod standalone;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Args;

use crate::access::opener::{OpenArgs, Opener};
use crate::candidates;
use crate::failure::{ExecError, Failure};
use crate::files::{Disk, MemoryDirectory};
use crate::process;
use crate::select::files::{FileArgs, LiveArgs, sealed_secrets};
use crate::session::Session;
use envcrypt_core::secret::SecretValue;

use names::is_harmless;
use standalone::Standalone;

/// Run a program with the values of sealed Secrets.
///
/// The program gets the values of the named Secrets in its environment or, with --files, as files
/// in memory. It receives all signals and uses the terminal, and its exit code is the exit code of
/// this command.
///
/// Each key becomes a variable of that name, with --prefix before it. The name must be typical for
/// a secret and must not control a program: password, API_TOKEN or DATABASE_URL. To use other
/// names, name the key with --only, or the variable with --allow-name.
///
/// As the entrypoint of a container, the command needs no cluster. It opens every environment
/// variable that has a sealed value and, with --mounted, the files of a mounted Secret. Only the
/// KEKs of --kek may open these values or, without --kek, those of `ENVCRYPT_KEKS`
/// (comma-separated). The values must have been sealed for the namespace of the pod (from -n, the
/// service account or `POD_NAMESPACE`).
///
/// The command refuses variables that control the login to a KMS (VAULT_ADDR, AWS_ROLE_ARN),
/// unless --spec-env names them. Name only variables that the pod's own `env` sets.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt exec NAME… [flags] -- COMMAND [ARG]…\n       kubectl envcrypt exec -f FILE [flags] -- COMMAND [ARG]…\n       kubectl envcrypt exec -- COMMAND [ARG]…",
    after_help = "Examples:
  # Run a client with the password of a Secret in the cluster
  kubectl envcrypt exec db --only password -n prod -- sh -c 'PGPASSWORD=$password psql'

  # Run a server that reads its certificate from files
  kubectl envcrypt exec -f web.yaml --files /dev/shm/web -- nginx

  # Start a container, with a sealed Secret mounted at /sealed
  kubectl-envcrypt exec --kek hashivault://prod --spec-env VAULT_ADDR,VAULT_ROLE \\
    --mounted /sealed --files /secrets -- /app"
)]
pub struct ExecArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Names of Secrets in the cluster
    #[arg(value_name = "NAME", conflicts_with_all = ["filename", "selector"], add = candidates::secrets())]
    names: Vec<String>,
    /// Program to run, and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
    /// Use only the value of this key (can be repeated, or comma-separated)
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    only: Vec<String>,
    /// Prefix for the names of the variables
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        conflicts_with = "files_in",
        hide_default_value = true
    )]
    prefix: String,
    /// Allow a variable of this name, even if it can control the program (can be repeated, or
    /// comma-separated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    allow_name: Vec<String>,
    /// Accept this variable for the login to the KMS, because the pod's own spec sets it (can be
    /// repeated, or comma-separated)
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    spec_env: Vec<String>,
    /// Write the values as files to this directory in memory, new or empty; it is emptied at the
    /// end
    #[arg(long = "files", id = "files_in", value_name = "DIRECTORY")]
    files_in: Option<PathBuf>,
    /// Open the files of this mounted Secret into the directory of --files, and copy its other
    /// files (can be repeated)
    #[arg(long, value_name = "DIRECTORY", requires = "files_in")]
    mounted: Vec<PathBuf>,
    /// Refuse values of the environment and of --mounted that were not sealed for this Secret
    #[arg(long, value_name = "NAME")]
    secret: Option<String>,
    /// Allow the directory of --files to be on a disk
    #[arg(long, requires = "files_in")]
    allow_disk: bool,
    #[command(flatten)]
    open: OpenArgs,
}

pub async fn run(args: ExecArgs, session: &Session) -> Result<(), Failure> {
    // The first process of a container ignores signals that it does not handle.
    let values = tokio::select! {
        values = args.values(session) => values?,
        number = process::stopped() => return Err(Failure::Ended(128 + number)),
    };
    let (program, arguments) = args.command.split_first().expect("clap demands one");
    let mut command = process::Child::new(program, arguments);
    for (name, value) in values.environment {
        set(&mut command, &name, &value)?;
    }
    let Some(folder) = &args.files_in else {
        // This returns only if the program cannot be started.
        return Err(Failure::Exec(ExecError::Start(command.replace_this())));
    };
    let disk = if args.allow_disk { Disk::Allowed } else { Disk::Refused };
    // Catch signals before the first file is written, so that the files are always removed.
    let signals = process::Signals::catch().map_err(ExecError::Signals)?;
    let folder = MemoryDirectory::at(folder, disk)?;
    for (path, value) in values.files {
        folder.write(path, value.expose())?;
    }
    let code = command.run(signals).map_err(ExecError::Start)?;
    drop(folder);
    match code {
        0 => Ok(()),
        code => Err(Failure::Ended(code)),
    }
}

/// What the program gets.
#[derive(Default)]
struct Given {
    environment: Vec<(OsString, SecretValue)>,
    files: Vec<(PathBuf, SecretValue)>,
}

impl ExecArgs {
    async fn values(&self, session: &Session) -> Result<Given, Failure> {
        let named = self.named(session).await?;
        let standalone =
            Standalone::new(session, &self.open, self.secret.as_deref(), &self.spec_env)?;
        let mut given = Given::default();
        let found = standalone.found();
        self.check_names(found.iter().map(|(name, _)| name.to_string_lossy()))?;
        given.environment = standalone.environment(found).await?;
        given.files = standalone.mounted(&self.mounted).await?;
        if self.files_in.is_some() {
            given.files.extend(named.into_iter().map(|(key, value)| (key.into(), value)));
            return Ok(given);
        }
        let variable = |key: &String| self.prefix.clone() + key;
        let unnamed = named.keys().filter(|key| !self.only.contains(key)).map(variable);
        self.check_names(unnamed.map(Cow::Owned))?;
        let values = named.into_iter().map(|(key, value)| (variable(&key).into(), value));
        given.environment.extend(values);
        Ok(given)
    }

    /// Refuses names that are neither allowed by flag nor known to be harmless. With such a name,
    /// someone who may seal a value could choose which code runs.
    fn check_names<'n>(&self, all: impl Iterator<Item = Cow<'n, str>>) -> Result<(), Failure> {
        let is_allowed =
            |name: &Cow<'_, str>| is_harmless(name) || self.allow_name.iter().any(|n| n == name);
        let refused: Vec<_> = all.filter(|name| !is_allowed(name)).collect();
        match refused.is_empty() {
            true => Ok(()),
            false => Err(Failure::Exec(ExecError::SteeringNames(refused.join(",")))),
        }
    }

    /// The values of the Secrets that are named, by key.
    async fn named(&self, session: &Session) -> Result<BTreeMap<String, SecretValue>, Failure> {
        let mut values = BTreeMap::new();
        let opener = match self.names.is_empty()
            && self.files.filename.is_empty()
            && self.files.selector.is_none()
        {
            true if self.only.is_empty() => return Ok(values),
            true => return Err(Failure::Usage("`--only` needs a NAME, `-f` or `-l`".to_owned())),
            false => Opener::new(session, &self.open)?,
        };
        let mut secrets = Vec::new();
        let words: Vec<_> = match self.names.is_empty() {
            true => vec![vec![]],
            false => self.names.iter().map(|name| vec![name.clone()]).collect(),
        };
        for words in words {
            let live = LiveArgs { words, ..LiveArgs::default() };
            secrets.extend(sealed_secrets(session, &self.files, &live, self.open.seal()).await?.0);
        }
        let plain = opener.open_all(&secrets).await?;
        for (key, value) in plain.into_iter().flat_map(|plain| plain.values) {
            if !self.only.is_empty() && !self.only.iter().any(|only| only == key.as_str()) {
                continue;
            }
            if values.insert(key.to_string(), value).is_some() {
                return Err(Failure::Exec(ExecError::SameKey(key.to_string())));
            }
        }
        match self.only.iter().find(|only| !values.contains_key(*only)) {
            Some(key) => Err(Failure::Exec(ExecError::NowhereKey(key.clone()))),
            None => Ok(values),
        }
    }
}

/// Adds a value to the environment of the program. A value with a zero byte is refused.
fn set(command: &mut process::Child, name: &OsStr, value: &SecretValue) -> Result<(), Failure> {
    if value.expose().contains(&0) {
        return Err(Failure::Exec(ExecError::NotInVariable(name.to_string_lossy().into_owned())));
    }
    command.env(name, OsStr::from_bytes(value.expose()));
    Ok(())
}
