//! Calls to a KEK, which are counted under a name.

use std::time::Instant;

use envcrypt_core::kek::{Context, DataKey, KekError, KekUri, Ring, Wrapped};

use crate::metrics::Metrics;

/// A KEK, and how to call it.
pub struct Caller<'a> {
    /// The name in metrics.
    pub name: &'a str,
    /// The KEK.
    pub kek: &'a KekUri,
    /// What the KMS authenticates with each call.
    pub context: &'a Context,
    /// The connections.
    pub ring: &'a Ring,
    /// Where the calls are counted.
    pub metrics: &'a Metrics,
}

impl Caller<'_> {
    /// Wraps a key.
    ///
    /// # Errors
    /// Returns the refusal of the KMS.
    pub async fn wrap(&self, key: &DataKey) -> Result<Wrapped, KekError> {
        let began = Instant::now();
        let answer = self.ring.wrap(std::slice::from_ref(self.kek), key, self.context).await;
        self.metrics.kek_call(self.name, "wrap", began, answer.as_ref().err());
        Ok(answer?.remove(0))
    }

    /// Unwraps a key again. Returns the version of the KEK, if only this call reports it.
    ///
    /// # Errors
    /// Returns the refusal of the KMS. It is also an error if another key comes back.
    pub async fn unwrap(
        &self,
        wrapped: &Wrapped,
        key: &DataKey,
    ) -> Result<Option<String>, KekError> {
        let began = Instant::now();
        let same = |opened: &DataKey| opened.expose() == key.expose();
        let answer = self.ring.holds(&[&wrapped.key], self.context, same).await;
        let answer = answer.map_err(|mut errors| errors.remove(0));
        self.metrics.kek_call(self.name, "unwrap", began, answer.as_ref().err());
        answer
    }
}
