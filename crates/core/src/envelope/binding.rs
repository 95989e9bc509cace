//! The binding of a sealed value: the namespace, name and key that it belongs to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::kek::Context;
use crate::secret::{Key, Place};

/// How much of its place a value is bound to.
///
/// `FromStr` and `Display` use `strict`, `namespace` and `cluster`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Bound to the namespace, the name and the key.
    #[default]
    Strict,
    /// Bound to the namespace and the key: the Secret can be renamed.
    Namespace,
    /// Bound to the key only: the Secret can be copied anywhere.
    Cluster,
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "strict" => Ok(Self::Strict),
            "namespace" => Ok(Self::Namespace),
            "cluster" => Ok(Self::Cluster),
            other => Err(format!(
                "`{other}` is not a valid scope: use `strict`, `namespace` or `cluster`"
            )),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Strict => "strict",
            Self::Namespace => "namespace",
            Self::Cluster => "cluster",
        })
    }
}

/// The `binding` of a protected header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding {
    /// The namespace. It is `None` in [`Scope::Cluster`].
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub namespace: Option<String>,
    /// The name. It is present only in [`Scope::Strict`].
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub name: Option<String>,
    /// The key of a value. The binding of a seal has none.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub key: Option<String>,
}

/// Requires text if the member is present: `null` is not the same as a missing member.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

impl Binding {
    /// Returns the binding of a value with this key at `place`. Without a key, it is the binding of
    /// a seal.
    #[must_use]
    pub fn new(place: &Place, key: Option<&Key>, scope: Scope) -> Self {
        let namespace = (scope != Scope::Cluster).then(|| place.namespace.to_string());
        let name = (scope == Scope::Strict).then(|| place.name.to_string());
        Self { namespace, name, key: key.map(Key::to_string) }
    }

    /// Returns the scope, which the members define. A name without a namespace is not a valid
    /// scope and gives `None`.
    #[must_use]
    pub fn scope(&self) -> Option<Scope> {
        match (&self.namespace, &self.name) {
            (Some(_), Some(_)) => Some(Scope::Strict),
            (Some(_), None) => Some(Scope::Namespace),
            (None, None) => Some(Scope::Cluster),
            (None, Some(_)) => None,
        }
    }

    /// Returns whether the binding allows its value at `place` under `key`.
    #[must_use]
    pub fn holds_at(&self, place: &Place, key: Option<&Key>) -> bool {
        self.scope().is_some_and(|scope| *self == Self::new(place, key, scope))
    }

    /// Returns the context that the KMS receives with each call.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::new(self.namespace.as_deref(), self.name.as_deref())
    }
}

impl fmt::Display for Binding {
    /// Writes `NAMESPACE/NAME KEY` for an error, with `*` for what the scope leaves open.
    ///
    /// The text comes from a file, so it is escaped: it must not control a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |text: &Option<String>| {
            text.as_ref().map_or_else(|| "*".into(), |t| t.escape_default().to_string())
        };
        write!(f, "{}/{}", part(&self.namespace), part(&self.name))?;
        match &self.key {
            Some(key) => write!(f, " {}", key.escape_default()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, name: &str) -> Place {
        Place { namespace: namespace.parse().expect("valid"), name: name.parse().expect("valid") }
    }

    #[test]
    fn a_binding_holds_where_its_scope_lets_it() {
        let (here, key) = (place("prod", "db"), "password".parse::<Key>().expect("valid"));
        let other_key: Key = "user".parse().expect("valid");
        for (scope, renamed, moved) in [
            (Scope::Strict, false, false),
            (Scope::Namespace, true, false),
            (Scope::Cluster, true, true),
        ] {
            let binding = Binding::new(&here, Some(&key), scope);
            assert_eq!(binding.scope(), Some(scope));
            assert!(binding.holds_at(&here, Some(&key)));
            assert!(!binding.holds_at(&here, Some(&other_key)) && !binding.holds_at(&here, None));
            assert_eq!(binding.holds_at(&place("prod", "db2"), Some(&key)), renamed);
            assert_eq!(binding.holds_at(&place("dev", "db"), Some(&key)), moved);
        }
    }

    #[test]
    fn a_name_without_a_namespace_is_no_scope() {
        let binding: Binding = serde_json::from_str(r#"{"name":"db","key":"k"}"#).expect("json");
        assert!(!binding.holds_at(&place("prod", "db"), Some(&"k".parse().expect("valid"))));
    }

    #[test]
    fn null_is_not_left_out() {
        for bad in [r#"{"namespace":null,"key":"k"}"#, r#"{"key":"k","key":"k"}"#, r#"{"x":"y"}"#] {
            assert!(serde_json::from_str::<Binding>(bad).is_err(), "{bad}");
        }
    }
}
