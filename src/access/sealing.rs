//! Seals one plain Secret that does not come from a manifest.

use super::choice::{self, Chooser, SealingArgs};
use super::opener::consents;
use crate::failure::Failure;
use crate::session::Session;
use envcrypt_core::access::MayUse;
use envcrypt_core::envelope::{SealedSecret, Sealer, now};
use envcrypt_core::kek::DataKey;
use envcrypt_core::secret::PlainSecret;

/// Seals it to the KEKs that flags, environment, rules and settings name for its place.
pub async fn seal(
    session: &Session,
    args: &SealingArgs,
    plain: PlainSecret,
) -> Result<SealedSecret, Failure> {
    let place = plain.meta.place.clone();
    let consents = consents(session, session.policy_to_seal(MayUse::Granted)?);
    let chooser = Chooser::new(session, &consents);
    let keks = choice::choose(session, &args.kek, &place, None, &chooser)?;
    let (ring, key) = (session.ring()?, DataKey::generate());
    let sealer =
        Sealer::prepare(ring, &keks, key, place.clone(), args.scope.unwrap_or_default()).await?;
    let policy = &mut consents.policy_mut();
    choice::remember(session, policy, &place, sealer.keks());
    choice::remember_aliases(policy, &keks, sealer.keks());
    choice::write_down(policy);
    Ok(sealer.seal(plain, now())?)
}
