//! `exec`: a program with the values of sealed Secrets in its environment, or in
//! files in memory.

mod loose;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::Args;
use futures::future::try_join_all;

use super::input::{FileArgs, LiveArgs, sealed_secrets};
use super::opening::{OpenArgs, Opener};
use super::{Failure, Session, complete};
use crate::process;
use crate::secret::SecretValue;
use crate::terminal::{Disk, Folder};
use loose::{Loose, Mounted};

/// Run a program with the values of sealed Secrets.
///
/// The values of the Secrets named are in the program's environment or, with
/// --files, in files in memory. Signals, exit code and terminal are the program's.
///
/// As a container's entrypoint it needs no cluster: every environment variable
/// that holds a sealed value is opened, and so are the files of a mounted Secret
/// (--mounted). `ENVCRYPT_KEKS` names the KEKs that may be asked for these, commas
/// between them, and no other is.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt exec NAME… [flags] -- COMMAND [ARG]…\n       kubectl envcrypt exec -f FILE [flags] -- COMMAND [ARG]…\n       kubectl envcrypt exec -- COMMAND [ARG]…",
    after_help = "Examples:
  # A shell client with the password of a Secret of the cluster
  kubectl envcrypt exec db --only password --prefix PG -n prod -- psql

  # A server that reads its certificate from files
  kubectl envcrypt exec -f web.yaml --files /dev/shm/web -- nginx

  # A container's entrypoint, with the sealed Secret mounted at /sealed
  kubectl-envcrypt exec --mounted /sealed --files /secrets -- /app"
)]
pub struct ExecArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Secrets of the cluster
    #[arg(value_name = "NAME", add = complete::secrets())]
    names: Vec<String>,
    /// Only the values of these keys; repeatable, or with commas
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    only: Vec<String>,
    /// Put this before each key, to make the variable's name
    #[arg(
        long,
        value_name = "PREFIX",
        default_value = "",
        conflicts_with = "files_in",
        hide_default_value = true
    )]
    prefix: String,
    /// Give the values as files in this folder, new or empty, in memory; it is emptied at the end
    #[arg(long = "files", id = "files_in", value_name = "FOLDER")]
    files_in: Option<PathBuf>,
    /// Open the files of a mounted sealed Secret into the folder of --files, and copy the others; repeatable
    #[arg(long, value_name = "FOLDER", requires = "files_in")]
    mounted: Vec<PathBuf>,
    /// Let the folder of --files be on a disk
    #[arg(long, requires = "files_in")]
    allow_disk: bool,
    #[command(flatten)]
    open: OpenArgs,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs it.
pub async fn run(args: ExecArgs, session: &Session) -> Result<(), Failure> {
    let named = args.named(session).await?;
    let loose = Loose::new(session)?;
    let mut environment: Vec<(OsString, SecretValue)> = loose.environment().await?;
    let mounted = loose.mounted(&args.mounted).await?;
    let (program, arguments) = args.command.split_first().expect("clap demands one");
    let mut command = process::Child::new(program, arguments);
    let Some(folder) = &args.files_in else {
        let named =
            named.into_iter().map(|(key, value)| ((args.prefix.clone() + &key).into(), value));
        environment.extend(named);
        set(&mut command, environment)?;
        // It never comes back but to say why not.
        return Err(Failure::Start(command.replace_this()));
    };
    set(&mut command, environment)?;
    let disk = if args.allow_disk { Disk::Allowed } else { Disk::Refused };
    let folder = Folder::at(folder, disk)?;
    for (key, value) in &named {
        folder.write(key, value.expose())?;
    }
    for Mounted { path, value } in &mounted {
        folder.write(path, value.expose())?;
    }
    drop((named, mounted));
    let code = command.run().await.map_err(Failure::Start)?;
    drop(folder);
    match code {
        0 => Ok(()),
        code => Err(Failure::Ended(code)),
    }
}

impl ExecArgs {
    /// The values of the Secrets that are named, by key.
    async fn named(&self, session: &Session) -> Result<BTreeMap<String, SecretValue>, Failure> {
        let mut values = BTreeMap::new();
        let opener = match self.names.is_empty()
            && self.files.filename.is_empty()
            && self.files.selector.is_none()
        {
            true if self.only.is_empty() => return Ok(values),
            true => return Err(Failure::Usage("`--only` goes with a NAME or `-f`".to_owned())),
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
        for secret in &secrets {
            opener.admit(secret).await?;
        }
        let plain = try_join_all(secrets.iter().map(|secret| opener.open(secret))).await?;
        for (key, value) in plain.into_iter().flat_map(|plain| plain.values) {
            if !self.only.is_empty() && !self.only.iter().any(|only| only == key.as_str()) {
                continue;
            }
            if values.insert(key.to_string(), value).is_some() {
                return Err(Failure::SameKey(key.to_string()));
            }
        }
        match self.only.iter().find(|only| !values.contains_key(*only)) {
            Some(key) => Err(Failure::NowhereKey(key.clone())),
            None => Ok(values),
        }
    }
}

/// Values into the program's environment; one that cannot stand there is refused.
fn set(command: &mut process::Child, values: Vec<(OsString, SecretValue)>) -> Result<(), Failure> {
    for (name, value) in values {
        if value.expose().contains(&0) {
            return Err(Failure::NotInVariable(name.to_string_lossy().into_owned()));
        }
        command.env(&name, OsStr::from_bytes(value.expose()));
    }
    Ok(())
}
