//! A Secret of one type in the place of one of another: a Secret's type cannot
//! change, so the old one is deleted and the new one made.

use std::time::Duration;

use kube::core::params::{DeleteParams, Preconditions};
use thiserror::Error;
use tokio::time::sleep;

use super::{Cluster, ClusterError, Deed, WriteOptions, secrets};
use crate::manifest::Object;
use crate::secret::Place;

/// How long to wait before each further attempt to make the new one.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Why the new one does not stand.
#[derive(Debug, Error)]
pub enum ReplaceError {
    /// Nothing was changed.
    #[error(transparent)]
    Before(#[from] ClusterError),
    /// The old one was deleted, and put back.
    #[error(
        "the sealed Secret `{place}` could not be made, and the plain one was put back: {source}"
    )]
    PutBack {
        /// Where.
        place: Place,
        /// Why not.
        source: ClusterError,
    },
    /// The old one was deleted, and neither stands.
    #[error("the Secret `{place}` was deleted, and the sealed one could not be made: {source}")]
    Lost {
        /// Where.
        place: Place,
        /// Why not.
        source: ClusterError,
    },
}

impl Cluster {
    /// Deletes the very version that `old` is, and makes `new`. Where that fails
    /// between the two, it is tried again, and then the old one is put back.
    ///
    /// # Errors
    /// [`ReplaceError`] says what stands now.
    pub async fn replace(
        &self,
        place: &Place,
        old: Object,
        new: &Object,
    ) -> Result<(), ReplaceError> {
        self.check_consent(place, new).await?;
        self.delete(place, &old).await?;
        let Err(source) = self.make(place, new).await else { return Ok(()) };
        let place = place.clone();
        match self.make(&place, &old.for_apply(&place)).await {
            Ok(()) => Err(ReplaceError::PutBack { place, source }),
            Err(_) => Err(ReplaceError::Lost { place, source }),
        }
    }

    /// Has the server say that it would take the new one, were the old one not there.
    async fn check_consent(&self, place: &Place, new: &Object) -> Result<(), ClusterError> {
        let options = WriteOptions { dry_run: true, ..WriteOptions::default() };
        match self.create(place, new, &options).await {
            Ok(()) | Err(ClusterError::AlreadyExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, place: &Place, old: &Object) -> Result<(), ClusterError> {
        let text = |name: &str| {
            let value = old.metadata.other.get(name).and_then(|value| value.as_str());
            value.map(str::to_owned).ok_or(ClusterError::Answer)
        };
        let preconditions = Preconditions {
            uid: Some(text("uid")?),
            resource_version: Some(text("resourceVersion")?),
        };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let request = secrets(Some(&place.namespace)).delete(place.name.as_str(), &params);
        self.send::<serde::de::IgnoredAny>(request, Deed::write("delete", place, old)).await?;
        Ok(())
    }

    /// Makes it, with patience. An answer that was lost on its way may have been yes.
    async fn make(&self, place: &Place, object: &Object) -> Result<(), ClusterError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let result = self.create(place, object, &WriteOptions::default()).await;
            let error = match result {
                Ok(()) => return Ok(()),
                Err(ClusterError::AlreadyExists(_)) => return self.check_same(place, object).await,
                Err(error) => error,
            };
            let passing = matches!(
                error,
                ClusterError::Unreachable { .. }
                    | ClusterError::Timeout { .. }
                    | ClusterError::Refused { .. }
            );
            match pauses.next().filter(|_| passing) {
                Some(pause) => sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn check_same(&self, place: &Place, object: &Object) -> Result<(), ClusterError> {
        let there = self.secret(place).await?;
        match there.r#type == object.r#type && there.data == object.data {
            true => Ok(()),
            false => Err(ClusterError::AlreadyExists(place.clone())),
        }
    }
}
