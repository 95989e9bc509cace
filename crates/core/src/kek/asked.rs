//! One KEK that is asked for a DEK: when it is its turn, alone or together with others.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::calls::Call;
use super::provider::{Connector, Cost};
use super::ring::Ring;
use super::{Context, Kek, KekError, KekId, Opened, Refusal, WrappedKey};

/// A wrapped DEK, and the context that it was wrapped with.
pub(super) type Candidate<'c> = (&'c WrappedKey, &'c Context);

/// Why there is no answer of a KEK.
pub(super) enum Unanswered<'c> {
    Refused(KekError),
    /// It became slow before it was asked. It can be asked later.
    Slow(Candidate<'c>),
}

impl From<KekError> for Unanswered<'_> {
    fn from(error: KekError) -> Self {
        Self::Refused(error)
    }
}

/// A KEK that is asked.
pub(super) struct Asked<'a, 'c> {
    pub ring: &'a Ring,
    pub candidate: Candidate<'c>,
    pub connector: &'a Arc<dyn Connector>,
    /// Whether it can be asked later, if it becomes slow before it is its turn.
    pub may_wait: bool,
    pub slow: SlowUnlessAnswered<'a>,
}

impl<'a, 'c> Asked<'a, 'c> {
    /// Unwraps the DEK.
    pub(super) async fn unwrap(&self) -> Result<Result<Opened, KekError>, Unanswered<'c>> {
        let (wrapped, context) = self.candidate;
        let kek = self.connector.clone().kek(&wrapped.kek);
        if kek.most_at_once() > 1 {
            match self.unwrap_together(&*kek).await? {
                Ok(None) => {}
                Ok(Some(opened)) => return Ok(Ok(opened)),
                Err(error) => return Ok(Err(error)),
            }
        }
        Ok(self.turn().await?.make(|| kek.unwrap(wrapped, context)).await)
    }

    /// Unwraps the DEK together with all others that wait for the same KEK. Whose turn is first makes
    /// the call for all. Returns `None` if the DEK must be unwrapped alone.
    async fn unwrap_together(
        &self,
        kek: &dyn Kek,
    ) -> Result<Result<Option<Opened>, KekError>, Unanswered<'c>> {
        let (wrapped, context) = self.candidate;
        let batches = self.ring.batches();
        loop {
            let mut answer = batches.add(wrapped, context);
            let call = tokio::select! {
                biased;
                answer = &mut answer => match answer {
                    Ok(answer) => return Ok(answer),
                    // Whoever made the call gave up.
                    Err(_) => continue,
                },
                call = self.turn() => call?,
            };
            // What is ready to wait does so first.
            tokio::task::yield_now().await;
            let batch = batches.take(&wrapped.kek.id(), kek.most_at_once());
            match batch.is_empty() {
                true => drop(call),
                false => {
                    let answers = call.make(|| batch.unwrap(kek)).await;
                    batch.answer(answers);
                }
            }
            if let Ok(answer) = answer.await {
                return Ok(answer);
            }
        }
    }

    /// Waits until the KEK may be asked.
    async fn turn(&self) -> Result<Call<'a>, Unanswered<'c>> {
        let kek = &self.candidate.0.kek;
        let call = self.ring.calls().turn(kek, &**self.connector).await?;
        if self.may_wait && self.ring.cost(kek) == Cost::Slow {
            return Err(Unanswered::Slow(self.candidate));
        }
        self.slow.since.get_or_init(Instant::now);
        Ok(call)
    }
}

/// Marks a KEK as slow if it cannot be reached, or if its call is dropped after the patience.
pub(super) struct SlowUnlessAnswered<'a> {
    pub ring: &'a Ring,
    pub kek: KekId,
    /// The start of the first call. It is not set while the call waits, or after the answer.
    pub since: OnceLock<Instant>,
}

impl SlowUnlessAnswered<'_> {
    pub(super) fn answered(mut self, answer: &Result<Opened, KekError>) {
        match answer {
            Err(error) if error.refusal == Refusal::Unreachable => {
                self.ring.slow().insert(self.kek.clone());
            }
            _ => drop(self.ring.slow().remove(&self.kek)),
        }
        self.since.take();
    }
}

impl Drop for SlowUnlessAnswered<'_> {
    fn drop(&mut self) {
        if self.since.get().is_some_and(|since| since.elapsed() >= self.ring.patience()) {
            self.ring.slow().insert(self.kek.clone());
        }
    }
}
