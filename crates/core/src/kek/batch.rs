//! Collects the DEKs that wait for the same KEK, and unwraps them with one call.
//!
//! Nobody waits for others: whoever may call takes all that wait at that moment. While one call is
//! under way, the next ones collect.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::oneshot::{Receiver, Sender, channel};

use super::{Context, Kek, KekError, KekId, Opened, WrappedKey, lock};

/// The DEKs that wait, by their KEK.
#[derive(Default)]
pub(super) struct Batches(Mutex<HashMap<KekId, Vec<Waiting>>>);

/// The answer for one DEK. `None` means that it must be unwrapped alone.
type Answer = Result<Option<Opened>, KekError>;

/// A DEK that waits. Whoever waits for it can give up at any time.
struct Waiting {
    key: WrappedKey,
    context: Context,
    answer: Sender<Answer>,
}

/// The DEKs of one call. If it is dropped, they must wait again.
pub(super) struct Batch(Vec<Waiting>);

impl Batches {
    /// Adds a DEK. The answer comes from whoever calls next, and ends without one if they give up.
    pub(super) fn add(&self, key: &WrappedKey, context: &Context) -> Receiver<Answer> {
        let (answer, receiver) = channel();
        let waiting = Waiting { key: key.clone(), context: context.clone(), answer };
        self.lock().entry(key.kek.id()).or_default().push(waiting);
        receiver
    }

    /// Takes the DEKs that wait longest, at most `most`. None may be left.
    pub(super) fn take(&self, kek: &KekId, most: usize) -> Batch {
        let mut all = self.lock();
        let Some(waiting) = all.get_mut(kek) else { return Batch(Vec::new()) };
        waiting.retain(|waiting| !waiting.answer.is_closed());
        let taken = waiting.drain(..most.min(waiting.len())).collect();
        if waiting.is_empty() {
            all.remove(kek);
        }
        Batch(taken)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<KekId, Vec<Waiting>>> {
        lock(&self.0)
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Unwraps them with one call.
    ///
    /// # Errors
    /// Returns the error that ends all of them, such as a throttled call.
    pub(super) async fn unwrap(&self, kek: &dyn Kek) -> Result<Vec<Option<Opened>>, KekError> {
        match &self.0[..] {
            [one] => Ok(vec![Some(kek.unwrap(&one.key, &one.context).await?)]),
            several => {
                let keys: Vec<_> = several.iter().map(|one| (&one.key, &one.context)).collect();
                kek.unwrap_many(&keys).await
            }
        }
    }

    /// Gives each its answer. Without one, it must be unwrapped alone.
    pub(super) fn answer(self, answers: Result<Vec<Option<Opened>>, KekError>) {
        let mut answers = answers.map(Vec::into_iter);
        for waiting in self.0 {
            let answer = match &mut answers {
                Ok(answers) => Ok(answers.next().flatten()),
                Err(error) => Err(error.clone()),
            };
            // Whoever gave up needs none.
            let _ = waiting.answer.send(answer);
        }
    }
}
