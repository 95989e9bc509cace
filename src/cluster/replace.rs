//! A Secret of one type in the place of one of another: a Secret's type cannot
//! change, so the old one is deleted and the new one made. Before that, the sealed one
//! of the two is put aside under another name, so that a process which ends between
//! the two steps loses nothing: the next one finds it there.

use std::time::Duration;

use kube::core::params::{DeleteParams, Preconditions};
use sha2::{Digest, Sha256};
use thiserror::Error;
use tokio::time::sleep;

use super::{Cluster, ClusterError, Operation, Sort, WriteOptions, secrets};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Object};
use envcrypt_core::secret::{Namespace, Place};

/// The label of a Secret that is put aside.
pub(super) const ASIDE: &str = "envcrypt.dev/aside";
/// The annotation with the name that it is put aside for.
const ASIDE_FOR: &str = "envcrypt.dev/aside-for";
/// How its name ends.
const ENDING: &str = "-envcrypt-aside";
/// The longest name of a Secret, in bytes.
const MAX_NAME: usize = 253;

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
    #[error("the new Secret `{place}` could not be made, and the old one was put back: {source}")]
    PutBack {
        /// Where.
        place: Place,
        /// Why not.
        source: ClusterError,
    },
    /// The old one was deleted, and neither stands. The sealed one is put aside.
    #[error("the Secret `{place}` was deleted, and the new one could not be made: {source}")]
    Lost {
        /// Where.
        place: Place,
        /// The name under which the sealed one is kept.
        aside: String,
        /// Why not.
        source: ClusterError,
    },
}

impl Cluster {
    /// Deletes the very version that `old` is, and makes `new`. One of them is
    /// `sealed`, which is put aside meanwhile. Where making fails, it is tried again,
    /// and then the old one is put back.
    ///
    /// # Errors
    /// [`ReplaceError`] says what stands now.
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

    /// Makes the Secret `place` of what an earlier process put aside for it, where that
    /// process ended before the new one stood. Says whether there was anything.
    ///
    /// # Errors
    /// [`ClusterError`]
    pub async fn resume(&self, place: &Place) -> Result<bool, ClusterError> {
        let aside = aside(place);
        let Some(mut object) = self.find(&aside).await? else { return Ok(false) };
        let is_sealed = object.is_sealed();
        let annotations = object.metadata.annotations.get_or_insert_default();
        if annotations.remove(ASIDE_FOR).as_deref() != Some(place.name.as_str()) || !is_sealed {
            return Ok(false);
        }
        object.metadata.labels.get_or_insert_default().remove(ASIDE);
        object.metadata.name = Some(place.name.to_string());
        self.make(place, &object.for_apply(place)).await?;
        self.take_off(&aside).await;
        Ok(true)
    }

    /// Whether something is put aside for it.
    ///
    /// # Errors
    /// [`ClusterError`]
    pub async fn is_put_aside(&self, place: &Place) -> Result<bool, ClusterError> {
        Ok(self.find(&aside(place)).await?.is_some())
    }

    /// The Secrets for which something is put aside, in a namespace or in all, with the
    /// labels that are asked for.
    ///
    /// # Errors
    /// [`ClusterError`]
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
            // The Secret itself stands there, so what is left from before is of no use.
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

    /// What is put aside is of no use any more. If it stays, lists leave it out, and the
    /// next replacement takes its place.
    async fn take_off(&self, aside: &Place) {
        let Ok(object) = self.secret(aside).await else { return };
        let _ = self.delete(aside, &object).await;
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
        self.send::<serde::de::IgnoredAny>(request, Operation::write("delete", place, old)).await?;
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

/// Where the sealed Secret is while its place changes hands.
fn aside(place: &Place) -> Place {
    let name = place.name.as_str();
    let name = match name.len() + ENDING.len() <= MAX_NAME {
        true => format!("{name}{ENDING}"),
        // The beginning alone could be that of another one, too.
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
