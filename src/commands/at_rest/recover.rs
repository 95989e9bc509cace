//! `at-rest recover`: one Secret out of a backup of etcd, without a cluster.

mod open;
mod protobuf;

use std::path::PathBuf;

use clap::Args;
use zeroize::Zeroizing;

use crate::access::choice::SealingArgs;
use crate::access::sealing;
use crate::candidates;
use crate::config::KekName;
use crate::etcd::Source;
use crate::failure::{AtRestError, Failure};
use crate::select::etcd::SourceArgs;
use crate::select::names::place_named;
use crate::session::Session;
use crate::terminal;
use envcrypt_core::manifest::{self, Format};
use envcrypt_core::secret::{Place, PlainSecret};
use open::Openers;

/// Recover Secrets from a backup of etcd, and print them sealed.
///
/// The command finds each Secret in the backup, opens it with what you name, and seals it to a KEK.
/// It needs no cluster, so it also answers whether a backup is of any use without a key. The
/// plaintext stays in memory: unwrap the result to see it.
#[derive(Args)]
#[command(after_help = "Examples:
  # Recover a Secret that envcrypt-kms encrypted, with one of its KEKs
  kubectl envcrypt at-rest recover db -n prod --snapshot backup.db --open-with hashivault://k8s --kek local

  # Recover one that a key of the EncryptionConfiguration encrypted
  kubectl envcrypt at-rest recover db -n prod --snapshot backup.db --encryption-config enc.yaml --kek local

  # Recover one with a KMS plugin that runs on this machine
  kubectl envcrypt at-rest recover db -n prod --snapshot backup.db --socket /run/kms.sock --kek local")]
pub struct RecoverArgs {
    /// Names of Secrets
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
    #[command(flatten)]
    source: SourceArgs,
    /// Open what envcrypt-kms encrypted with this KEK: local, or a URI (can be repeated)
    #[arg(long, value_name = "KEK", add = candidates::keks(), help_heading = "Opening")]
    open_with: Vec<KekName>,
    /// Open what a KMS v2 plugin encrypted with the plugin at this socket
    #[cfg(feature = "k8skms")]
    #[arg(long, value_name = "SOCKET", help_heading = "Opening")]
    socket: Option<PathBuf>,
    /// Open what kube-apiserver encrypted with the keys of this EncryptionConfiguration
    #[arg(long, value_name = "FILE", help_heading = "Opening")]
    encryption_config: Option<PathBuf>,
    #[command(flatten)]
    sealing: SealingArgs,
}

pub async fn run(args: RecoverArgs, session: &Session) -> Result<(), Failure> {
    let default = session.namespace()?;
    let places = args.names.iter().map(|name| place_named(&default, name));
    let places: Vec<Place> = places.collect::<Result<_, _>>()?;
    let source = args.source.open(session).await?;
    let openers = Openers {
        keks: session.keks(&args.open_with, crate::session::local::MakeLocal::No)?,
        #[cfg(feature = "k8skms")]
        socket: args.socket.as_deref(),
        configuration: args.encryption_config.as_deref(),
        session,
    };
    // Everything is opened before the first Secret is sealed.
    let mut plain = Vec::new();
    for place in places {
        plain.push(recover(&source, &args.source.etcd_prefix, place, &openers).await?);
    }
    let mut objects = Vec::new();
    for plain in plain {
        objects.push(manifest::sealed_object(&sealing::seal(session, &args.sealing, plain).await?));
    }
    Ok(terminal::stdout(manifest::write(&objects, Format::Yaml).as_bytes())?)
}

async fn recover(
    source: &Source,
    prefix: &str,
    place: Place,
    openers: &Openers<'_>,
) -> Result<PlainSecret, Failure> {
    let prefix = prefix.trim_end_matches('/');
    let key = format!("{prefix}/secrets/{}/{}", place.namespace, place.name);
    let is_it = |found: &[u8], value: &[u8]| {
        (found == key.as_bytes()).then(|| Zeroizing::new(value.to_vec()))
    };
    let mut rows = source.rows(key.as_bytes(), is_it).await?;
    let value = rows.remove(key.as_bytes()).and_then(|row| row.digest);
    let value = value.ok_or_else(|| AtRestError::NotInBackup(place.to_string()))?;
    let plain = openers.open(&place, key.as_bytes(), value).await?;
    let secret = protobuf::secret(&plain, place.clone());
    Ok(secret.map_err(|why| AtRestError::NotASecret { place: place.to_string(), why })?)
}
