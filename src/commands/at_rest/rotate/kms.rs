//! After a KMS has rotated a KEK, or a KEK was added or removed: everything under the new key id.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::{ASK_EVERY, RotateArgs, say};
use crate::batch::store_again::store_again;
use crate::etcd::{Expected, Source, Survey};
use crate::failure::{AtRestError, Failure};
use crate::guard::confirm_context;
use crate::session::Session;

/// The hash of the key id that each provider of an API server uses.
type KeyIds = BTreeMap<String, String>;

pub async fn run(args: &RotateArgs, session: &Session) -> Result<(), Failure> {
    let source = args.source.open(session).await?;
    let before = survey(args, &source).await?;
    if before.empty == args.resources {
        return Err(AtRestError::NothingThere(args.resources.join("`, `")).into());
    }
    let ids = agreed(args, session, &before).await?;
    for (provider, id) in &ids {
        say(&format!("`{provider}` uses the key id {id} on each API server\n"))?;
    }
    confirm_context(session)?;
    let cluster = session.cluster().await?;
    store_again(&cluster, &args.resources, &args.pace).await?;
    let after = survey(args, &source).await?;
    let known: BTreeSet<&String> = ids.values().collect();
    let is_new = after.key_ids().iter().all(|id| known.contains(id));
    match after.wrong.len() {
        0 if is_new => say("no object is left under an old key: the old one can be disabled\n"),
        left => Err(AtRestError::Left(left.max(1)).into()),
    }
}

async fn survey(args: &RotateArgs, source: &Source) -> Result<Survey, Failure> {
    let expected: Expected = "kms".parse().map_err(Failure::Usage)?;
    let prefix = &args.source.etcd_prefix;
    Ok(Survey::of(source, prefix, &args.resources, Some(&expected)).await?)
}

/// Waits until the API servers agree on key ids, and until objects in etcd are under another one.
/// Otherwise the plugins have not seen the rotation yet, and nothing would be proven.
async fn agreed(args: &RotateArgs, session: &Session, before: &Survey) -> Result<KeyIds, Failure> {
    let until = Instant::now() + args.wait.unwrap_or_default();
    let api_servers = session.target()?.api_servers(&args.api_server).await?;
    loop {
        let mut of_server: BTreeMap<&str, KeyIds> = BTreeMap::new();
        for server in &api_servers {
            of_server.insert(&server.name, server.cluster.metrics().await?.key_ids());
        }
        let first = of_server.values().next().cloned().unwrap_or_default();
        if first.is_empty() {
            return Err(AtRestError::NoKms.into());
        }
        let known: BTreeSet<String> = first.values().cloned().collect();
        let why = match of_server.values().all(|ids| *ids == first) {
            false => AtRestError::KeyIdsDiffer,
            true if before.key_ids().is_subset(&known) && before.plain() == 0 => {
                AtRestError::NothingToRotate
            }
            true => return Ok(first),
        };
        if Instant::now() + ASK_EVERY > until {
            return Err(why.into());
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}
