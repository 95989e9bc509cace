//! A Secret before it is sealed.
//!
//! Names, labels and types are checked as the API server checks them. A plaintext value
//! cannot be printed, cloned or serialised, and it is wiped when it is dropped.

mod env_file;
mod kind;
mod labels;
mod name;
mod random;
mod stack;
mod value;

use std::collections::BTreeMap;

pub use env_file::{EnvFileError, EnvLine, parse_env_file};
pub use kind::{SecretType, TypeError, tls_pair};
pub use labels::{
    LabelError, MAX_ANNOTATIONS, NEVER_STALE_ANNOTATION, OWNER_ANNOTATION, ROTATE_BY_ANNOTATION,
    is_note, parse_annotation, parse_label,
};
pub use name::{Key, NameError, Namespace, SecretName};
pub use random::random_bytes;
pub use stack::wipe_stack;
pub use value::SecretValue;

/// The maximum size of all decoded values of a Secret together, in bytes: 1 MiB.
///
/// The API server enforces this limit (`MaxSecretSize` in `k8s.io/api`).
pub const MAX_SECRET_SIZE: usize = 1 << 20;

/// The namespace and the name of a Secret. A sealed value is bound to them.
///
/// `Display` writes `NAMESPACE/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The namespace.
    pub namespace: Namespace,
    /// The name.
    pub name: SecretName,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Everything in a Secret except its values. It is the same for plain and sealed Secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// The namespace and the name.
    pub place: Place,
    /// The type of the Secret after unwrapping.
    pub kind: SecretType,
    /// `immutable`: whether the API server refuses changes to the Secret.
    pub immutable: bool,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`, without the annotations of the sealed format.
    pub annotations: BTreeMap<String, String>,
}

/// A plain Secret: an unencrypted Secret.
///
/// It does not implement `Debug` or `Clone`, because it holds plaintext.
pub struct PlainSecret {
    /// Everything except the values.
    pub meta: Meta,
    /// The plaintext values by key.
    pub values: BTreeMap<Key, SecretValue>,
}

impl PlainSecret {
    /// Returns whether `key` has this value.
    #[must_use]
    pub fn holds(&self, key: &Key, value: &SecretValue) -> bool {
        self.values.get(key).is_some_and(|held| held.same_as(value))
    }

    /// Checks the values against the type and [`MAX_SECRET_SIZE`], as the API server does.
    ///
    /// # Errors
    /// Returns a [`TypeError`] if a key is missing or a value is not valid for the type. It also
    /// does so if the values are too large. The error names the key and never contains a value.
    pub fn check(&self) -> Result<(), TypeError> {
        self.meta.kind.check(&self.meta, &self.values)?;
        let size: usize = self.values.values().map(SecretValue::len).sum();
        if size > MAX_SECRET_SIZE {
            return Err(TypeError::TooLarge { size });
        }
        Ok(())
    }
}
