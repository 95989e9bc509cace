//! Writes a Secret as SOPS would, for programs that read only SOPS.

use std::collections::BTreeMap;

use crate::failure::{Failure, PeersError};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::kek::{Context, DataKey, KekUri};
use envcrypt_core::secret::PlainSecret;
use envcrypt_peers::sops::{Recipient, write};

/// Encrypts a Secret to these KEKs, under a data key of its own.
pub async fn export(
    session: &Session,
    secret: &PlainSecret,
    keks: &[KekUri],
) -> Result<String, Failure> {
    let key = DataKey::generate();
    let mut recipients = Vec::with_capacity(keks.len());
    for kek in keks {
        let recipient = recipient(session, secret, kek, &key).await?;
        // Two names can be one key.
        if !recipients.iter().any(|known: &Recipient| known.kek == recipient.kek) {
            recipients.push(recipient);
        }
    }
    let unknown = || Failure::Peers(PeersError::NoMasterKey(keks[0].clone()));
    write(secret, &key, &recipients, &terminal::time(now())).ok_or_else(unknown)
}

async fn recipient(
    session: &Session,
    secret: &PlainSecret,
    kek: &KekUri,
    key: &DataKey,
) -> Result<Recipient, Failure> {
    if kek.scheme() == "k8skms" {
        return Err(Failure::Peers(PeersError::NoMasterKey(kek.clone())));
    }
    let address = match kek.scheme() {
        "hashivault" => {
            let address = std::env::var("VAULT_ADDR").ok().filter(|address| !address.is_empty());
            let address = address.ok_or(Failure::Peers(PeersError::NoVaultAddress))?;
            Some(address.trim_end_matches('/').to_owned())
        }
        _ => None,
    };
    // SOPS passes a context on to AWS alone.
    let place = &secret.meta.place;
    let context = match kek.scheme() {
        "awskms" => Context::new(Some(place.namespace.as_str()), Some(place.name.as_str())),
        _ => Context::default(),
    };
    let wrapped = session.ring()?.wrap(std::slice::from_ref(kek), key, &context).await?;
    let wrapped = wrapped.into_iter().next().expect("one KEK wraps once").key;
    let pairs = context.pairs().map(|(name, value)| (name.to_owned(), value.to_owned()));
    let context: BTreeMap<_, _> = pairs.collect();
    Ok(Recipient { kek: wrapped.kek, wrapped: wrapped.bytes, context, address })
}
