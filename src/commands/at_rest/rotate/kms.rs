//! After a KMS has rotated a KEK, or a KEK was added or removed: everything under the new key id.

use std::collections::BTreeMap;

use tokio::time::Instant;

use super::{ASK_EVERY, RotateArgs, say};
use crate::batch::store_again::store_again;
use crate::etcd::{Expected, Survey};
use crate::failure::{AtRestError, Failure};
use crate::session::Session;

/// The hash of the key id that each provider of an API server uses.
type KeyIds = BTreeMap<String, String>;

pub async fn run(args: &RotateArgs, session: &Session) -> Result<(), Failure> {
    let ids = agreed(args, session).await?;
    for (provider, id) in &ids {
        say(&format!("`{provider}` uses the key id {id} on each API server\n"))?;
    }
    let cluster = session.cluster().await?;
    store_again(&cluster, &args.resources, &args.pace).await?;
    let source = args.source.open(session).await?;
    let expected: Expected = "kms".parse().map_err(Failure::Usage)?;
    let prefix = &args.source.etcd_prefix;
    let of_kms = Survey::of(&source, prefix, &args.resources, Some(&expected)).await?;
    // Of the KMS, but under an old key id.
    let newest = Survey::of(&source, prefix, &args.resources, None).await?;
    match of_kms.wrong.len().max(newest.wrong.len()) {
        0 => say("no object is left under an old key: the old one can be disabled\n"),
        left => Err(AtRestError::Left(left).into()),
    }
}

/// Waits until the API servers agree on the key ids.
async fn agreed(args: &RotateArgs, session: &Session) -> Result<KeyIds, Failure> {
    let until = Instant::now() + args.wait.unwrap_or_default();
    loop {
        let mut of_server: BTreeMap<String, KeyIds> = BTreeMap::new();
        for server in session.target()?.api_servers(&args.api_server).await? {
            of_server.insert(server.name, server.cluster.metrics().await?.key_ids());
        }
        let first = of_server.values().next().cloned().unwrap_or_default();
        if first.is_empty() {
            return Err(AtRestError::NoKms.into());
        }
        if of_server.values().all(|ids| *ids == first) {
            return Ok(first);
        }
        if Instant::now() + ASK_EVERY > until {
            return Err(AtRestError::KeyIdsDiffer.into());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
