//! What a change applies to: sealed or plain Secrets.

use serde_json::Value;

use super::Failure;
use envcrypt_cluster::Sort;
use envcrypt_core::envelope::{SealCheck, SealedSecret};
use envcrypt_core::manifest::{ManifestError, Object};
use envcrypt_core::secret::{Namespace, Place, PlainSecret};

/// A Secret of the sort that a change applies to.
pub trait Subject: Sized {
    /// The sort that the cluster lists.
    const SORT: Sort;

    /// Reads it; `None` if the object is of the other sort.
    fn read(object: &Object, default: &Namespace) -> Result<Option<Self>, ManifestError>;

    /// Refuses what can be refused before any work.
    fn check(&self) -> Result<(), Failure>;

    fn place(&self) -> &Place;

    /// The Secret itself, if it is sealed.
    fn sealed(&self) -> Option<&SealedSecret> {
        None
    }
}

impl Subject for SealedSecret {
    const SORT: Sort = Sort::Sealed;

    fn read(object: &Object, default: &Namespace) -> Result<Option<Self>, ManifestError> {
        match object.is_sealed() {
            true => object.sealed(default, SealCheck::Required).map(Some),
            false => Ok(None),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        Ok(self.check_place(SealCheck::Required)?)
    }

    fn place(&self) -> &Place {
        &self.meta.place
    }

    fn sealed(&self) -> Option<&SealedSecret> {
        Some(self)
    }
}

/// A plain Secret, and who owns it.
pub struct Plain {
    pub secret: PlainSecret,
    /// The controller that created it, or that keeps it.
    pub owner: Option<String>,
    /// Whether the object names a namespace.
    pub names_namespace: bool,
}

impl Subject for Plain {
    const SORT: Sort = Sort::Plain;

    fn read(object: &Object, default: &Namespace) -> Result<Option<Self>, ManifestError> {
        match object.is_sealed() {
            // A sealed Secret with a plaintext value would stay as it is, and look sealed.
            true => object.sealed(default, SealCheck::Skipped).map(|_| None),
            false => Ok(Some(Self {
                secret: object.plain(default)?,
                owner: owner(object),
                names_namespace: object.metadata.namespace.is_some(),
            })),
        }
    }

    fn check(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn place(&self) -> &Place {
        &self.secret.meta.place
    }
}

/// The controller that created a Secret, or that keeps it.
pub fn owner(object: &Object) -> Option<String> {
    let first = |name: &str| object.metadata.other.get(name)?.as_array()?.first();
    let text = |value: &Value, name: &str| value.get(name)?.as_str().map(str::to_owned);
    if let Some(owner) = first("ownerReferences") {
        let part = |name| text(owner, name).unwrap_or_default();
        return Some(format!("{} {}", part("kind"), part("name")));
    }
    if let Some(finalizer) = first("finalizers") {
        return Some(finalizer.as_str().unwrap_or_default().to_owned());
    }
    let labels = object.metadata.labels.iter().flatten();
    let annotations = object.metadata.annotations.iter().flatten();
    for (name, value) in labels.chain(annotations) {
        match name.as_str() {
            "app.kubernetes.io/managed-by" if value == "Helm" => return Some(value.clone()),
            _ if name.starts_with("cert-manager.io/") => return Some("cert-manager".to_owned()),
            _ if name.starts_with("meta.helm.sh/") => return Some("Helm".to_owned()),
            _ => {}
        }
    }
    match object.r#type.as_deref() {
        Some("kubernetes.io/service-account-token") => Some("the token controller".to_owned()),
        Some("helm.sh/release.v1") => Some("Helm".to_owned()),
        Some("bootstrap.kubernetes.io/token") => Some("kubeadm".to_owned()),
        _ => None,
    }
}
