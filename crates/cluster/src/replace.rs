//! Replaces a Secret with one of another type. The type of a Secret cannot change, so the old one
//! is deleted and the new one created. Before that, the sealed one of the two is saved under
//! another name. If the process ends between the two steps, the next one finds it there.

use std::time::Duration;

use kube::core::params::{DeleteParams, Preconditions};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time::sleep;

use super::{Cluster, ClusterError, Operation, Sort, WriteOptions, Written, secrets};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Object};
use envcrypt_core::secret::{Namespace, Place};

/// The label of a saved Secret.
pub(super) const ASIDE: &str = "envcrypt.dev/aside";
/// The annotation with the name of the Secret that it is saved for.
const ASIDE_FOR: &str = "envcrypt.dev/aside-for";
/// The suffix of its name.
const ENDING: &str = "-envcrypt-aside";
/// The maximum length of the name of a Secret, in bytes.
const MAX_NAME: usize = 253;

/// How long to wait before each further attempt to create the new Secret.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(100),
    Duration::from_millis(400),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// Why the new Secret was not created.
#[derive(Debug, Error)]
pub enum ReplaceError {
    /// Nothing was changed.
    #[error(transparent)]
    Before(#[from] ClusterError),
    /// The old Secret was deleted, and restored.
    #[error(
        "the new Secret `{place}` could not be created, and the old one was restored: {source}"
    )]
    PutBack {
        /// The Secret.
        place: Place,
        /// Why the new one was not created.
        source: ClusterError,
    },
    /// The old Secret was deleted, and neither exists now. The sealed one is saved.
    #[error("the Secret `{place}` was deleted, and the new one could not be created: {source}")]
    Lost {
        /// The Secret.
        place: Place,
        /// The name under which the sealed Secret is saved.
        aside: String,
        /// Why the new one was not created.
        source: ClusterError,
    },
}

impl Cluster {
    /// Deletes exactly the version `old`, and creates `new`. `sealed` is one of the two, and is
    /// saved meanwhile. If creating fails, it is tried again. If that fails too, the old Secret is
    /// restored. The error says what exists now.
    pub async fn replace(
        &self,
        place: &Place,
        old: Object,
        new: &Object,
        sealed: &SealedSecret,
    ) -> Result<(), ReplaceError> {
        self.check_consent(place, new).await?;
        let aside = self.put_aside(place, sealed).await?;
        if let Err(error) = self.delete(place, &old).await {
            self.take_off(&aside).await;
            return Err(error.into());
        }
        let Err(source) = self.make(place, new).await else {
            self.take_off(&aside).await;
            return Ok(());
        };
        let place = place.clone();
        match self.make(&place, &old.for_apply(&place)).await {
            Ok(()) => {
                self.take_off(&aside).await;
                Err(ReplaceError::PutBack { place, source })
            }
            Err(_) => Err(ReplaceError::Lost { place, aside: aside.name.to_string(), source }),
        }
    }

    /// Creates the Secret `place` from what an earlier process saved before it ended. Returns
    /// whether there was anything.
    pub async fn resume(&self, place: &Place) -> Result<bool, ClusterError> {
        let Some(object) = self.saved(place).await? else { return Ok(false) };
        self.make(place, &object.for_apply(place)).await?;
        self.take_off(&aside(place)).await;
        Ok(true)
    }

    /// The sealed Secret that an earlier process saved before it ended, as it was.
    pub async fn saved(&self, place: &Place) -> Result<Option<Object>, ClusterError> {
        let Some(mut object) = self.find(&aside(place)).await? else { return Ok(None) };
        let annotations = object.metadata.annotations.get_or_insert_default();
        let is_ours = annotations.remove(ASIDE_FOR).as_deref() == Some(place.name.as_str());
        object.metadata.labels.get_or_insert_default().remove(ASIDE);
        object.metadata.name = Some(place.name.to_string());
        Ok(Some(object).filter(|object| is_ours && object.is_sealed()))
    }

    /// Deletes what an earlier process saved, if the Secret itself is in its place.
    pub async fn forget_saved(&self, place: &Place) {
        self.take_off(&aside(place)).await;
    }

    /// Whether something is saved for this Secret.
    pub async fn is_put_aside(&self, place: &Place) -> Result<bool, ClusterError> {
        Ok(self.find(&aside(place)).await?.is_some())
    }

    /// The Secrets for which something is saved, in one or all namespaces, with these labels.
    pub async fn put_aside_for(
        &self,
        namespace: Option<&Namespace>,
        selector: Option<&str>,
    ) -> Result<Vec<Place>, ClusterError> {
        let mut found = Vec::new();
        let take = async |objects: Vec<Object>| {
            found.extend(objects.iter().filter_map(|object| {
                let name = object.metadata.annotations.as_ref()?.get(ASIDE_FOR)?.parse().ok()?;
                let namespace = object.metadata.namespace.as_deref()?.parse().ok()?;
                Some(Place { namespace, name })
            }));
        };
        let selector = selector.map_or_else(|| ASIDE.to_owned(), |text| format!("{ASIDE},{text}"));
        self.list(Sort::Sealed, namespace, Some(selector), take).await?;
        Ok(found)
    }

    async fn put_aside(&self, place: &Place, sealed: &SealedSecret) -> Result<Place, ClusterError> {
        let aside = aside(place);
        let mut object = manifest::sealed_object(sealed);
        object.metadata.name = Some(aside.name.to_string());
        let annotations = object.metadata.annotations.get_or_insert_default();
        annotations.insert(ASIDE_FOR.to_owned(), place.name.to_string());
        let labels = object.metadata.labels.get_or_insert_default();
        labels.insert(ASIDE.to_owned(), String::new());
        match self.create(&aside, &object, &WriteOptions::default()).await {
            // The Secret itself exists, so an older saved copy is not needed.
            Err(ClusterError::AlreadyExists(_)) => {
                let left = self.secret(&aside).await?;
                let is_ours = left
                    .metadata
                    .annotations
                    .iter()
                    .flatten()
                    .any(|(name, text)| name == ASIDE_FOR && text == place.name.as_str());
                if !is_ours {
                    return Err(ClusterError::AlreadyExists(aside));
                }
                self.delete(&aside, &left).await?;
                self.create(&aside, &object, &WriteOptions::default()).await?;
            }
            result => result?,
        }
        Ok(aside)
    }

    /// Deletes the saved copy, and tries again after errors that may pass. If that fails, lists still
    /// leave it out, and the next run deletes or overwrites it.
    async fn take_off(&self, aside: &Place) {
        let mut pauses = PAUSES.into_iter().take(2);
        loop {
            let result = match self.secret(aside).await {
                Ok(object) => self.delete(aside, &object).await,
                Err(error) => Err(error),
            };
            let pause = pauses.next().filter(|_| result.is_err_and(|error| passes(&error)));
            let Some(pause) = pause else { return };
            sleep(pause).await;
        }
    }

    /// Asks the server with a dry run whether it would accept the new Secret.
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
        let operation = Operation::write("delete", place, old);
        self.send_about::<Written>(request, operation, place).await.map(drop)
    }

    /// Creates a Secret, and tries again after errors that may pass. If an answer was lost, the
    /// Secret may exist already.
    async fn make(&self, place: &Place, object: &Object) -> Result<(), ClusterError> {
        let mut pauses = PAUSES.into_iter();
        loop {
            let result = self.create(place, object, &WriteOptions::default()).await;
            let error = match result {
                Ok(()) => return Ok(()),
                Err(ClusterError::AlreadyExists(_)) => return self.check_same(place, object).await,
                Err(error) => error,
            };
            match pauses.next().filter(|_| passes(&error)) {
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

/// Whether an error may pass.
fn passes(error: &ClusterError) -> bool {
    matches!(
        error,
        ClusterError::Unreachable { .. }
            | ClusterError::Timeout { .. }
            | ClusterError::Refused { .. }
            | ClusterError::Answer
    )
}

/// The place where the sealed Secret is saved.
fn aside(place: &Place) -> Place {
    let name = place.name.as_str();
    let name = match name.len() + ENDING.len() <= MAX_NAME {
        true => format!("{name}{ENDING}"),
        // Two long names may start with the same characters.
        false => {
            let hash = Sha256::digest(name);
            let hash: String = hash.iter().take(8).map(|b| format!("{b:02x}")).collect();
            let room = MAX_NAME - ENDING.len() - hash.len() - 1;
            format!("{}-{hash}{ENDING}", name[..room].trim_end_matches(['-', '.']))
        }
    };
    let name = name.parse().expect("a name with letters behind it is a name");
    Place { namespace: place.namespace.clone(), name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_aside_has_a_name_of_its_own_however_long_the_name_is() {
        let of = |name: &str| {
            let place = Place {
                namespace: "prod".parse().expect("valid"),
                name: name.parse().expect("valid"),
            };
            aside(&place).name.to_string()
        };
        assert_eq!(of("db"), "db-envcrypt-aside");
        let (one, two) = ("a".repeat(252) + "1", "a".repeat(252) + "2");
        assert_ne!(of(&one), of(&two));
        assert!(of(&one).len() <= MAX_NAME);
    }
}
