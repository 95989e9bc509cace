//! What the cluster has before a file is applied.

use serde_json::json;

use super::{Application, older};
use crate::failure::Failure;
use crate::select::listed::Known;
use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError, FIELD_MANAGER, WriteOptions};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{Form, Object};
use envcrypt_core::secret::Place;

/// A version that no object has. Whoever applies an object with it creates it, or fails.
const NO_VERSION: &str = "1";

/// The live object, as far as it was read.
pub(super) enum Before {
    /// As it is, or `None` if it is not there or may not be read.
    Read(Option<Box<Object>>),
    /// A list did not have it.
    Absent,
}

impl Before {
    pub(super) fn live(&self) -> Option<&Object> {
        match self {
            Self::Read(live) => live.as_deref(),
            Self::Absent => None,
        }
    }

    pub(super) fn into_live(self) -> Option<Box<Object>> {
        match self {
            Self::Read(live) => live,
            Self::Absent => None,
        }
    }

    /// Lets an object be applied only to what was read.
    pub(super) fn pin(&self, object: &mut Object) {
        let version = match self {
            Self::Read(live) => {
                live.as_ref().and_then(|live| live.metadata.other.get("resourceVersion").cloned())
            }
            Self::Absent => Some(json!(NO_VERSION)),
        };
        object.metadata.other.remove("resourceVersion");
        object.metadata.other.extend(version.map(|v| ("resourceVersion".to_owned(), v)));
    }
}

impl Application<'_> {
    /// Applies it once. Another command of this program may have written its fields. Only a newer
    /// file may overwrite them: of the same seal, the live Secret may have other KEKs.
    pub(super) async fn patch(
        &self,
        cluster: &Cluster,
        secret: &SealedSecret,
        object: &Object,
        options: &WriteOptions,
        before: Option<&Object>,
    ) -> Result<Object, Failure> {
        let place = &secret.meta.place;
        match cluster.apply(place, object, options).await {
            Err(ClusterError::Conflict { managers, .. }) if managers == FIELD_MANAGER => {
                if let Some(live) = before.filter(|_| !self.args.allow_older) {
                    older::check_newer(secret, live)?;
                }
                let options = WriteOptions { force_conflicts: true, ..options.clone() };
                Ok(cluster.apply(place, object, &options).await?)
            }
            after => Ok(after?),
        }
    }

    /// The live object, from a list if that is enough.
    pub(super) async fn before(
        &self,
        cluster: &Cluster,
        place: &Place,
        object: &Object,
    ) -> Result<Before, Failure> {
        let form = object.form();
        // A list has only sealed ones.
        if object.is_sealed() {
            match self.listed.find(cluster, place, form).await {
                Known::There(live) => return Ok(Before::Read(Some(live))),
                Known::Absent => return Ok(Before::Absent),
                Known::Unknown => {}
            }
        }
        self.read(cluster, place, form).await
    }

    /// The live object as it is now.
    pub(super) async fn read(
        &self,
        cluster: &Cluster,
        place: &Place,
        form: Form,
    ) -> Result<Before, Failure> {
        Ok(Before::Read(self.find(cluster, place, form).await?.map(Box::new)))
    }

    /// The live object. Whoever may write it need not be allowed to read it.
    async fn find(
        &self,
        cluster: &Cluster,
        place: &Place,
        form: Form,
    ) -> Result<Option<Object>, Failure> {
        match cluster.find_as(place, form).await {
            Err(error @ ClusterError::Forbidden { .. }) if self.restarter.is_none() => {
                let text = format!("{error}, so the command cannot check that files are not older");
                if self.warned.borrow_mut().insert(text.clone()) {
                    terminal::warn(&text);
                }
                Ok(None)
            }
            found => Ok(found?),
        }
    }

    /// The live object of the other form: an older version must not come back as that one either.
    /// Someone may have no rights on it, which an older file cannot bring about.
    pub(super) async fn find_other(
        &self,
        cluster: &Cluster,
        place: &Place,
        object: &Object,
    ) -> Result<Option<Object>, Failure> {
        let other = match object.form() {
            Form::Resource => Form::Secret,
            Form::Secret => Form::Resource,
        };
        match self.listed.find(cluster, place, other).await {
            Known::There(live) => return Ok(Some(*live)),
            // A list has no plain Secret, which can have the time of an EnvcryptSecret.
            Known::Absent if other == Form::Resource => return Ok(None),
            Known::Absent | Known::Unknown => {}
        }
        match cluster.find_as(place, other).await {
            Err(ClusterError::Forbidden { .. } | ClusterError::NoCustomResource) => Ok(None),
            found => Ok(found?),
        }
    }
}
