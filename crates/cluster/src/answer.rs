//! Answers about one object. Something between this program and the API server can mix answers up,
//! or say yes to anything. No other Secret may take the place of the one that was asked for, and
//! nothing counts as written that was not.

use http::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use envcrypt_core::manifest::Object;
use envcrypt_core::secret::{Namespace, Place};

use super::{Cluster, ClusterError, Operation};

/// An answer that names its object.
pub(crate) trait Answer: DeserializeOwned {
    /// Whether it is about this object.
    fn is_about(&self, place: &Place) -> bool;
}

impl Answer for Object {
    fn is_about(&self, place: &Place) -> bool {
        let (name, namespace) = (&self.metadata.name, &self.metadata.namespace);
        name.as_deref() == Some(place.name.as_str())
            && namespace.as_deref() == Some(place.namespace.as_str())
    }
}

/// The answer to a write: the object, or what was deleted.
#[derive(Deserialize)]
pub(crate) struct Written {
    metadata: Names,
    details: Option<Names>,
}

#[derive(Deserialize)]
struct Names {
    name: Option<String>,
    namespace: Option<String>,
}

impl Answer for Written {
    fn is_about(&self, place: &Place) -> bool {
        let is_name = |names: &Names| names.name.as_deref() == Some(place.name.as_str());
        let is_namespace =
            |names: &Names| names.namespace.as_deref() == Some(place.namespace.as_str());
        // What was deleted is named without its namespace.
        (is_name(&self.metadata) && is_namespace(&self.metadata))
            || self.details.as_ref().is_some_and(is_name)
    }
}

impl Cluster {
    /// Sends a request about one object.
    pub(crate) async fn send_about<T: Answer>(
        &self,
        request: Result<Request<Vec<u8>>, kube::core::request::Error>,
        operation: Operation,
        place: &Place,
    ) -> Result<T, ClusterError> {
        let answer: T = self.send(request, operation).await?;
        if answer.is_about(place) { Ok(answer) } else { Err(ClusterError::Answer) }
    }
}

/// Whether a list has only objects of this namespace. `None` means all namespaces.
pub(crate) fn are_of(namespace: Option<&Namespace>, objects: &[Object]) -> bool {
    let is_of = |namespace: &Namespace| {
        let of = |object: &Object| object.metadata.namespace.as_deref() == Some(namespace.as_str());
        objects.iter().all(of)
    };
    namespace.is_none_or(is_of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_about_another_object_or_about_none_is_not_taken() {
        let place =
            Place { namespace: "prod".parse().expect("valid"), name: "db".parse().expect("valid") };
        for (answer, is_about) in [
            (r#"{"metadata":{"name":"db","namespace":"prod"}}"#, true),
            (r#"{"metadata":{},"details":{"name":"db","kind":"secrets"}}"#, true),
            (r#"{"metadata":{"name":"db","namespace":"dev"}}"#, false),
            (r#"{"metadata":{"name":"web","namespace":"prod"}}"#, false),
            (r#"{"metadata":{},"details":{"name":"web"}}"#, false),
            (r#"{"metadata":{},"status":"Success"}"#, false),
        ] {
            let answer: Written = serde_json::from_str(answer).expect("JSON");
            assert_eq!(answer.is_about(&place), is_about);
        }
        for nothing in ["{}", "null", "[]"] {
            assert!(serde_json::from_str::<Written>(nothing).is_err(), "{nothing}");
        }
    }
}
