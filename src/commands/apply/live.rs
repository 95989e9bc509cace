//! What the cluster has before a file is applied.

use super::Application;
use crate::failure::Failure;
use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError};
use envcrypt_core::manifest::{Form, Object};
use envcrypt_core::secret::Place;

impl Application<'_> {
    /// The live object. Whoever may write it need not be allowed to read it.
    pub(super) async fn find(
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
        match cluster.find_as(place, other).await {
            Err(ClusterError::Forbidden { .. } | ClusterError::NoCustomResource) => Ok(None),
            found => Ok(found?),
        }
    }
}
