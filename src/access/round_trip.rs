//! Tests whether a KEK works for this user.

use crate::failure::Failure;
use crate::session::Session;
use envcrypt_core::kek::{Context, DataKey, KekUri};

/// Wraps and unwraps a random key. Returns the name of the KEK that does not change.
pub async fn round_trip(session: &Session, kek: &KekUri) -> Result<KekUri, Failure> {
    let ring = session.ring()?;
    let key = DataKey::generate();
    let context = Context::new(Some("kubectl-envcrypt-test"), None);
    let wrapped = ring.wrap(std::slice::from_ref(kek), &key, &context).await?.remove(0);
    let same = |opened: &DataKey| opened.expose() == key.expose();
    let opened = ring.holds(&[&wrapped.key], &context, same).await;
    opened.map_err(|mut refusals| refusals.remove(0))?;
    Ok(wrapped.key.kek)
}
