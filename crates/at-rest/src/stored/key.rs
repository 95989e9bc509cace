//! The keys in etcd that kube-apiserver gives its objects.

use std::fmt;

/// The object that a key in etcd belongs to. Escape its names before you show them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EtcdKey<'a> {
    /// The group of a custom resource, and of the few other resources that have it in the key.
    ///
    /// The key of other resources does not have it: it is `None` for `deployments` too.
    pub group: Option<&'a str>,
    /// The resource, as in `secrets`.
    pub resource: &'a str,
    /// The namespace, if the resource has namespaces.
    pub namespace: Option<&'a str>,
    /// The name of the object.
    pub name: &'a str,
}

impl<'a> EtcdKey<'a> {
    /// Reads a key. `prefix` is the flag `--etcd-prefix` of kube-apiserver, by default `/registry`.
    ///
    /// Returns `None` for a key that is not below the prefix, or is not that of an object.
    #[must_use]
    pub fn parse(prefix: &str, key: &'a [u8]) -> Option<Self> {
        let path = str::from_utf8(key).ok()?.strip_prefix('/')?;
        let path = match prefix.trim_matches('/') {
            "" => path,
            prefix => path.strip_prefix(prefix)?.strip_prefix('/')?,
        };
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let first = parts.next()?;
        let (group, resource) = match first {
            // The group of a custom resource has a dot, and no resource has one.
            group if group.contains('.') => (Some(group), parts.next()?),
            "services" => match parts.next()? {
                "specs" => (None, "services"),
                "endpoints" => (None, "endpoints"),
                _ => return None,
            },
            "minions" => (None, "nodes"),
            "controllers" => (None, "replicationcontrollers"),
            "ingress" => (None, "ingresses"),
            resource => (None, resource),
        };
        let (namespace, name) = match (parts.next()?, parts.next(), parts.next()) {
            (name, None, None) => (None, name),
            (namespace, Some(name), None) => (Some(namespace), name),
            _ => return None,
        };
        Some(Self { group, resource, namespace, name })
    }

    /// Returns the resource with its group, as in `widgets.example.com`.
    #[must_use]
    pub fn class(&self) -> String {
        match self.group {
            Some(group) => format!("{}.{group}", self.resource),
            None => self.resource.to_owned(),
        }
    }
}

impl fmt::Display for EtcdKey<'_> {
    /// Writes the resource, the namespace and the name, as in `secrets/default/db`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.class())?;
        for part in self.namespace.into_iter().chain([self.name]) {
            write!(f, "/{part}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(prefix: &str, key: &str) -> Option<String> {
        EtcdKey::parse(prefix, key.as_bytes()).map(|key| key.to_string())
    }

    #[test]
    fn each_layout_of_a_key_is_read() {
        for (key, expected) in [
            ("/registry/secrets/default/db", "secrets/default/db"),
            ("/registry/namespaces/default", "namespaces/default"),
            ("/registry/example.com/widgets/ns/gear", "widgets.example.com/ns/gear"),
            ("/registry/example.com/widgets/gear", "widgets.example.com/gear"),
            ("/registry/services/specs/ns/web", "services/ns/web"),
            ("/registry/services/endpoints/ns/web", "endpoints/ns/web"),
            ("/registry/minions/node-1.example.com", "nodes/node-1.example.com"),
            ("/registry/ingress/ns/web", "ingresses/ns/web"),
            ("/registry/clusterroles/system:node", "clusterroles/system:node"),
        ] {
            assert_eq!(shown("/registry", key).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_prefix_can_be_another() {
        for prefix in ["/kubernetes.io", "kubernetes.io", "/kubernetes.io/"] {
            let key = shown(prefix, "/kubernetes.io/secrets/default/db");
            assert_eq!(key.as_deref(), Some("secrets/default/db"));
            assert_eq!(shown(prefix, "/kubernetes.iox/secrets/default/db"), None);
        }
        assert_eq!(shown("/a/b", "/a/b/secrets/x/y").as_deref(), Some("secrets/x/y"));
        assert_eq!(shown("", "/secrets/x/y").as_deref(), Some("secrets/x/y"));
    }

    #[test]
    fn what_is_not_the_key_of_an_object_is_none() {
        for key in [
            "",
            "/registry",
            "/registry/",
            "/registry/secrets",
            "/registry/secrets/",
            "registry/secrets/a/b",
            "/registry/secrets/a/b/c",
            "/registry/example.com/widgets",
            "/registry/example.com/widgets/a/b/c",
            "/registry/services/other/a/b",
            "/other/secrets/a/b",
        ] {
            assert_eq!(shown("/registry", key), None, "{key}");
        }
        assert_eq!(EtcdKey::parse("/registry", b"/registry/secrets/a/\xff"), None);
    }
}
