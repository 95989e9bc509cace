//! Files of SOPS and of Sealed Secrets: their keys, as far as this machine trusts them.

mod data_key;
mod export;
mod gpg;
mod identities;
mod import;
mod private_keys;
mod sources;

pub use export::export;
pub use import::{Import, ImportArgs};
pub use sources::open as open_sources;

use crate::failure::{Failure, PeersError};
use crate::session::Session;
use envcrypt_core::kek::Ring;
use envcrypt_core::secret::PlainSecret;
use envcrypt_peers::sops::Metadata;

/// The KEKs that open files of SOPS. The identities of SOPS are used here, and nowhere else.
async fn ring<'m>(
    session: &Session,
    files: impl Iterator<Item = &'m Metadata>,
) -> Result<Ring, Failure> {
    let ring = session.new_ring()?;
    #[cfg(feature = "age")]
    {
        use envcrypt_peers::sops::KeyKind;
        let mut keys = files.flat_map(Metadata::keys);
        if keys.any(|key| key.kind == KeyKind::Age) {
            let mut all = session.identities_with(identities::files())?;
            for (name, text) in identities::texts().await? {
                all = all.with_text(name, text);
            }
            return Ok(ring.with_identities(all));
        }
    }
    #[cfg(not(feature = "age"))]
    let _ = files;
    Ok(ring)
}

/// Refuses a Secret whose values SOPS encrypted: nobody could open them later.
pub fn refuse_ciphertext(plain: &PlainSecret) -> Result<(), Failure> {
    let is_ciphertext = |value: &[u8]| value.starts_with(b"ENC[AES256_GCM,");
    match plain.values.iter().find(|(_, value)| is_ciphertext(value.expose())) {
        None => Ok(()),
        Some((key, _)) => Err(Failure::Peers(PeersError::Ciphertext {
            place: plain.meta.place.to_string(),
            key: key.to_string(),
        })),
    }
}
