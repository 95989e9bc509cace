//! What a Secret is before it is sealed: checked names, and values that
//! cannot be printed, cloned or serialised, and are wiped when dropped.

mod kind;
mod labels;
mod name;
mod random;
mod stack;
mod value;

use std::collections::BTreeMap;

pub use kind::{SecretType, TypeError, tls_pair};
pub use labels::{LabelError, MAX_ANNOTATIONS, parse_annotation, parse_label};
pub use name::{Key, NameError, Namespace, SecretName};
pub use random::random_bytes;
pub use stack::wipe_stack;
pub use value::SecretValue;

/// The API server's bound on the decoded values of one Secret: 1 MiB.
pub const MAX_SECRET_SIZE: usize = 1 << 20;

/// Where a Secret lives: what a sealed value is bound to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: SecretName,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What a Secret carries besides its values, sealed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meta {
    /// Where it lives.
    pub place: Place,
    /// The type it has once unwrapped.
    pub kind: SecretType,
    /// Whether the API server refuses changes to it.
    pub immutable: bool,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`, without those of the sealed format.
    pub annotations: BTreeMap<String, String>,
}

/// A Secret in the clear. It has neither `Debug` nor `Clone`.
pub struct PlainSecret {
    /// All but the values.
    pub meta: Meta,
    /// The values by key.
    pub values: BTreeMap<Key, SecretValue>,
}

impl PlainSecret {
    /// Whether that is the value of that key.
    #[must_use]
    pub fn holds(&self, key: &Key, value: &SecretValue) -> bool {
        self.values.get(key).is_some_and(|held| held.same_as(value))
    }

    /// Checks the values against the type, as the API server does.
    ///
    /// # Errors
    /// [`TypeError`] names the key that is missing or unfit, never its value.
    pub fn check(&self) -> Result<(), TypeError> {
        self.meta.kind.check(&self.meta, &self.values)?;
        let size: usize = self.values.values().map(SecretValue::len).sum();
        if size > MAX_SECRET_SIZE {
            return Err(TypeError::TooLarge { size });
        }
        Ok(())
    }
}
