//! Writes a Secret as SOPS would, for programs that read only SOPS.

use std::collections::BTreeMap;

use crate::failure::{Failure, PeersError};
use crate::session::Session;
use crate::terminal;
use envcrypt_core::envelope::now;
use envcrypt_core::kek::{Context, DataKey, KekUri};
use envcrypt_core::secret::PlainSecret;
use envcrypt_peers::sops::{Recipient, write};

/// The schemes of the KEKs that SOPS has master keys for.
const SCHEMES: [&str; 5] = ["age", "awskms", "gcpkms", "azurekms", "hashivault"];

/// Encrypts a Secret to these KEKs, under a data key of its own.
pub async fn export(
    session: &Session,
    secret: &PlainSecret,
    keks: &[KekUri],
) -> Result<String, Failure> {
    // What SOPS cannot use is refused before any KMS is called.
    if let Some(kek) = keks.iter().find(|kek| !SCHEMES.contains(&kek.scheme())) {
        return Err(Failure::Peers(PeersError::NoMasterKey(kek.clone())));
    }
    let key = DataKey::generate();
    let mut recipients = Vec::with_capacity(keks.len());
    for kek in keks {
        let recipient = recipient(session, secret, kek, &key).await?;
        // Two names can be one key.
        if !recipients.iter().any(|known: &Recipient| known.kek == recipient.kek) {
            recipients.push(recipient);
        }
    }
    let unknown = |kek| Failure::Peers(PeersError::NoMasterKey(kek));
    write(secret, &key, &recipients, &terminal::time(now())).map_err(unknown)
}

async fn recipient(
    session: &Session,
    secret: &PlainSecret,
    kek: &KekUri,
    key: &DataKey,
) -> Result<Recipient, Failure> {
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
