//! `unwrap`: prints plain manifests, an env file, a SOPS file or one value of sealed Secrets.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use zeroize::Zeroizing;

use crate::access::choice::Chooser;
use crate::access::opener::{OpenArgs, Opener};
use crate::batch::confirm;
use crate::candidates;
use crate::config::KekName;
use crate::failure::{Failure, SelectError, ValuesError};
use crate::files;
use crate::guard::{AnyClusterArgs, ClusterCheck, confirm_context};
use crate::peers;
use crate::select::files::{FileArgs, LiveArgs, Sealed, sealed_secrets};
use crate::select::names::place_named;
use crate::session::Session;
use crate::session::local::MakeLocal;
use crate::terminal;
use envcrypt_cluster::{ClusterError, ReplaceError};
use envcrypt_core::kek::KekUri;
use envcrypt_core::manifest::{self, Format, Object};
use envcrypt_core::secret::{Place, PlainSecret, SecretValue};

/// Unwrap sealed Secrets: print a plain manifest or one value.
///
/// Name a Secret in the cluster, or name files with -f. With a KEY, the command prints the bytes of
/// this value unchanged. If one Secret cannot be opened, the command prints none of them.
#[derive(Args)]
#[command(
    override_usage = "kubectl envcrypt unwrap NAME [KEY] [flags]\n       kubectl envcrypt unwrap -f FILE [KEY] [flags]",
    after_help = "Examples:
  # Print one value of a Secret in the cluster
  kubectl envcrypt unwrap db password -n prod

  # Print a plain manifest from a sealed file
  kubectl envcrypt unwrap -f db.yaml

  # Write all values to a new file of KEY=VALUE lines
  kubectl envcrypt unwrap -f db.yaml -o env -w db.env

  # Write a SOPS file, for Flux, with the same KEKs
  kubectl envcrypt unwrap -f db.yaml -o sops -w db.sops.yaml

  # Make a Secret in the cluster plain again, to undo `seal --replace`
  kubectl envcrypt unwrap db -n prod --replace"
)]
pub struct UnwrapArgs {
    #[command(flatten)]
    live: LiveArgs,
    #[command(flatten)]
    files: FileArgs,
    /// Output format for the whole Secret
    #[arg(short, long, value_enum, default_value = "yaml", help_heading = "Output")]
    output: Output,
    /// Encrypt the SOPS file to this KEK instead of those of the Secret (can be repeated)
    #[arg(long, value_name = "KEK", help_heading = "Output", add = candidates::keks())]
    to: Vec<KekName>,
    /// Write to a new file that only you can read
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    write: Option<PathBuf>,
    /// Replace the sealed Secret in the cluster with the plain one
    #[arg(long, conflicts_with_all = ["filename", "write", "all_namespaces", "selector"])]
    replace: bool,
    /// Replace the Secret without a prompt
    #[arg(short = 'y', long, requires = "replace")]
    yes: bool,
    /// Drop labels and annotations that the signers of the Secret did not sign
    #[arg(long, help_heading = "Opening")]
    drop_unsigned: bool,
    #[command(flatten)]
    any_cluster: AnyClusterArgs,
    #[command(flatten)]
    open: OpenArgs,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Plain manifest
    Yaml,
    /// Plain manifest as JSON
    Json,
    /// KEY=VALUE lines, for `--from-env-file`
    Env,
    /// SOPS file, for programs that read only SOPS
    Sops,
}

const TO_TERMINAL: &str = "to a terminal: it is not plain text";

pub async fn run(args: UnwrapArgs, session: &Session) -> Result<(), Failure> {
    if args.replace {
        return replace(&args, session).await;
    }
    let (secrets, rest) =
        sealed_secrets(session, &args.files, &args.live, args.open.seal()).await?;
    let key = match &rest[..] {
        [] => None,
        [key] => Some(key.as_str()),
        _ => return Err(Failure::Usage("`unwrap` takes at most one NAME and one KEY".to_owned())),
    };
    args.check(key, &secrets)?;
    let mut opener = Opener::new(session, &args.open)?;
    if key.is_none() && args.output != Output::Env {
        opener = opener.for_plain(args.drop_unsigned);
    }
    // Whoever may be encrypted to is decided before anything is opened.
    let keks = match args.output {
        Output::Sops => args.keks(&secrets[0], session, &opener)?,
        _ => Vec::new(),
    };
    let plain = opener.open_all(&secrets).await?;
    drop(secrets);
    match key {
        None if args.output == Output::Sops => {
            let text = peers::export(session, &plain[0], &keks).await?;
            args.deliver(text.as_bytes())
        }
        Some(key) => args.write_value(plain, key),
        None => args.write_secrets(&plain),
    }
}

/// Makes a sealed Secret of the cluster plain again.
async fn replace(args: &UnwrapArgs, session: &Session) -> Result<(), Failure> {
    let [name] = &args.live.words[..] else {
        return Err(Failure::Usage("`--replace` takes one NAME".to_owned()));
    };
    let place = place_named(&session.namespace()?, name)?;
    ClusterCheck::new(session, &args.any_cluster).check(&place, None).await?;
    confirm_context(session)?;
    let cluster = session.cluster().await?;
    let object = match cluster.secret(&place).await {
        // An earlier run was interrupted after it deleted the Secret.
        Err(ClusterError::NotFound(_)) if cluster.resume(&place).await? => {
            cluster.secret(&place).await?
        }
        object => object?,
    };
    let opener = Opener::new(session, &args.open)?.for_plain(args.drop_unsigned);
    let done = format!("secret/{} unwrapped\n", place.name);
    if !object.is_sealed()
        && let Some(saved) = cluster.saved(&place).await?
        && is_same(args, &opener, &saved, &object, &place).await?
    {
        cluster.forget_saved(&place).await;
        return Ok(terminal::stdout(done.as_bytes())?);
    }
    let secret = object.sealed(&place.namespace, args.open.seal())?;
    let plain = opener.open(&secret, None).await?;
    plain.check()?;
    if !args.yes {
        let places = [place.clone()].into();
        confirm::confirm(session, &cluster, &places, "plain: readable by everyone who may get it")
            .await?;
    }
    let plain = manifest::plain_object(&plain);
    let replaced = cluster.replace(&place, object, &plain, &secret).await;
    if let Err(ReplaceError::Lost { .. }) = &replaced {
        let text = manifest::write(&[manifest::sealed_object(&secret)], Format::Yaml);
        let _ = terminal::stdout(text.as_bytes());
    }
    replaced?;
    Ok(terminal::stdout(done.as_bytes())?)
}

/// Whether a plain Secret has what the sealed one has that an interrupted run saved.
async fn is_same(
    args: &UnwrapArgs,
    opener: &Opener<'_>,
    saved: &Object,
    object: &Object,
    place: &Place,
) -> Result<bool, Failure> {
    let saved = saved.sealed(&place.namespace, args.open.seal())?;
    let plain = manifest::plain_object(&opener.open(&saved, None).await?);
    Ok(plain.data == object.data && plain.r#type == object.r#type)
}

impl UnwrapArgs {
    /// The KEKs of a SOPS file: those of `--to`, otherwise those of the Secret. A Secret names its
    /// KEKs itself, so each of those must be the person's own, be granted, or be confirmed.
    fn keks(
        &self,
        sealed: &Sealed,
        session: &Session,
        opener: &Opener<'_>,
    ) -> Result<Vec<KekUri>, Failure> {
        if !self.to.is_empty() {
            return session.keks(&self.to, MakeLocal::No);
        }
        let secret = &sealed.secret;
        let keks: Vec<KekUri> = secret.keys().into_iter().map(KekUri::from).collect();
        let chooser = Chooser::new(session, opener.consents());
        keks.iter().try_for_each(|kek| chooser.accept_again(kek, &secret.meta.place))?;
        Ok(keks)
    }

    /// Refuses what can be refused before anything is opened.
    fn check(&self, key: Option<&str>, secrets: &[Sealed]) -> Result<(), Failure> {
        if !self.to.is_empty() && (key.is_some() || self.output != Output::Sops) {
            return Err(Failure::Usage("`--to` works with `-o sops` only".to_owned()));
        }
        let what = match (key, self.output) {
            (Some(_), Output::Sops) => {
                return Err(Failure::Usage("`-o sops` writes the whole Secret: omit KEY".into()));
            }
            (Some(_), _) => "a KEY",
            (None, Output::Env) => "`-o env`",
            (None, Output::Sops) => "`-o sops`",
            (None, _) => return Ok(()),
        };
        let [Sealed { secret, .. }] = secrets else {
            let count = secrets.len();
            return Err(Failure::Usage(format!(
                "{what} works with one Secret only, and there are {count}"
            )));
        };
        match key.filter(|key| !secret.values.keys().any(|k| k.as_str() == *key)) {
            None => Ok(()),
            Some(key) => Err(Failure::Select(SelectError::NoSuchKey {
                place: secret.meta.place.to_string(),
                key: key.to_owned(),
            })),
        }
    }

    fn write_secrets(&self, plain: &[PlainSecret]) -> Result<(), Failure> {
        let text = match self.output {
            Output::Env => self.env_file(&plain[0])?,
            Output::Yaml | Output::Sops => manifest::write(&objects(plain), Format::Yaml),
            Output::Json => {
                let json = manifest::write(&objects(plain), Format::Json);
                match terminal::visible_json(&json) {
                    Cow::Owned(escaped) => Zeroizing::new(escaped),
                    Cow::Borrowed(_) => json,
                }
            }
        };
        self.deliver(text.as_bytes())
    }

    fn write_value(&self, mut plain: Vec<PlainSecret>, key: &str) -> Result<(), Failure> {
        let values = std::mem::take(&mut plain[0].values);
        let found = values.into_iter().find(|(k, _)| k.as_str() == key);
        let value = found.map(|(_, value)| value).expect("its key was looked up before");
        if self.write.is_some() || !terminal::stdout_is_terminal() {
            return self.deliver(value.expose());
        }
        if !is_printable(&value) {
            return Err(Failure::Values(ValuesError::Unprintable {
                key: key.to_owned(),
                how: TO_TERMINAL,
            }));
        }
        self.deliver(value.expose())?;
        // Without a line break, the prompt of the shell would be on the same line.
        let line_break: &[u8] = if value.expose().ends_with(b"\n") { b"" } else { b"\n" };
        self.deliver(line_break)
    }

    /// Text that `--from-env-file` reads back unchanged, or an error: the format has no quotes.
    fn env_file(&self, plain: &PlainSecret) -> Result<Zeroizing<String>, Failure> {
        let size = plain.values.iter().map(|(k, v)| k.as_str().len() + v.len() + 2).sum();
        let mut text = Zeroizing::new(String::with_capacity(size));
        let to_terminal = self.write.is_none() && terminal::stdout_is_terminal();
        for (key, value) in &plain.values {
            if to_terminal && !is_printable(value) {
                return Err(Failure::Values(ValuesError::Unprintable {
                    key: key.to_string(),
                    how: TO_TERMINAL,
                }));
            }
            let line = std::str::from_utf8(value.expose())
                .ok()
                .filter(|line| !line.contains(['\n', '\r', '\0']));
            let line = line.ok_or_else(|| {
                Failure::Values(ValuesError::Unprintable {
                    key: key.to_string(),
                    how: "as a line of an env file: it has line breaks, or is not text",
                })
            })?;
            text.push_str(key.as_str());
            text.push('=');
            text.push_str(line);
            text.push('\n');
        }
        Ok(text)
    }

    fn deliver(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.write {
            Some(path) => files::new_file(path, bytes)?,
            None => terminal::stdout(bytes)?,
        }
        Ok(())
    }
}

fn objects(plain: &[PlainSecret]) -> Vec<Object> {
    plain.iter().map(manifest::plain_object).collect()
}

/// Whether it is text without control characters for a terminal.
fn is_printable(value: &SecretValue) -> bool {
    let text = std::str::from_utf8(value.expose());
    text.is_ok_and(|text| {
        let lines = text.split(['\n', '\t']);
        lines.into_iter().all(|line| matches!(terminal::visible(line), Cow::Borrowed(_)))
    })
}
