//! The kinds of KEK: how their URIs look, what a call costs, and how to connect.
//!
//! Each kind has a file of its name in this directory, and one line in [`PROVIDERS`].

use std::sync::Arc;

use async_trait::async_trait;

use super::lifetime::Lifetimes;
use super::limit::Quota;
use super::{Kek, KekError, KekUri};

/// Every kind that the sealed format defines, including those that this build does not support.
pub(super) static PROVIDERS: [&dyn Provider; 6] = [
    &super::age::Age,
    &super::aws::Aws,
    &super::gcp::Gcp,
    &super::azure::Azure,
    &super::vault::Vault,
    &super::k8skms::K8sKms,
];

/// One kind of KEK. In all methods, `name` is the part of a URI after the prefix.
pub(super) trait Provider: Send + Sync {
    /// Returns the start of its URIs, for example `awskms:///`.
    ///
    /// The part before the colon is the scheme: the `alg` of a recipient in the sealed format.
    fn prefix(&self) -> &'static str;

    /// Checks the name and returns it as it is stored. Each key has exactly one stored name.
    ///
    /// # Errors
    /// Returns a text that says what must follow the prefix.
    fn parse(&self, name: &str) -> Result<String, &'static str>;

    /// Returns the name of the key without its version.
    fn without_version<'a>(&self, name: &'a str) -> &'a str {
        name
    }

    /// Returns whether the key is a public key that a quantum computer can break.
    ///
    /// A quantum computer could then open Secrets that were sealed today. The symmetric keys of a
    /// KMS do not have this problem.
    fn is_classical_public_key(&self, _name: &str) -> bool {
        false
    }

    /// Returns whether the key is a public key that a quantum computer cannot break.
    fn is_post_quantum(&self, _name: &str) -> bool {
        false
    }

    /// Returns whether only the KMS knows which key this is, as for an alias.
    fn is_alias(&self, _name: &str) -> bool {
        false
    }

    /// Returns whether the key depends on the login, as for an alias without its account.
    fn is_bare(&self, _name: &str) -> bool {
        false
    }

    /// Returns whether `alias` may be an alias of `key`, as far as this is known offline.
    fn may_name(&self, _alias: &str, _key: &str) -> bool {
        false
    }

    /// Returns whether this build supports this kind.
    fn is_built_in(&self) -> bool;

    /// Returns what all keys of this kind share in one ring. It is `None` if this build does not
    /// support the kind.
    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>>;
}

/// What the keys of one kind share in a ring: a login, clients or identities.
///
/// It connects to nothing and reads nothing before a key is used.
#[async_trait]
pub(super) trait Connector: Send + Sync {
    /// Returns the key that a URI names.
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek>;

    /// Returns what it costs to unwrap with a key.
    fn cost(&self, _uri: &KekUri) -> Cost {
        Cost::Network
    }

    /// Returns the name of what a quota belongs to, such as an account or a server. The ring limits
    /// the calls to all its keys together.
    fn service(&self, uri: &KekUri) -> String {
        uri.id().uri().to_string()
    }

    /// Returns the quota that the service publishes, if it publishes one.
    fn quota(&self) -> Option<Quota> {
        None
    }

    /// Returns the key behind an alias. Any other key is returned unchanged.
    ///
    /// # Errors
    /// Returns the refusal of the KMS.
    async fn resolve(&self, uri: &KekUri) -> Result<KekUri, KekError> {
        Ok(uri.clone())
    }
}

/// What a connector gets from the ring.
pub(super) struct Surroundings {
    /// The age identities of the user.
    #[cfg(feature = "age")]
    pub identities: Arc<super::age::Identities>,
    /// How long logins and failures are kept, and the time limits.
    #[allow(dead_code, reason = "a build can be without any KMS")]
    pub lifetimes: Lifetimes,
    /// The settings of keys of Vault.
    #[allow(dead_code, reason = "a build can be without Vault")]
    pub vaults: super::Vaults,
}

/// What it costs to unwrap with a KEK, in the order of use.
#[allow(dead_code, reason = "a build can be without a kind")]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// An identity that needs no passphrase.
    Nothing,
    /// A call to a process on this machine.
    Socket,
    /// A call to a service.
    Network,
    /// A call to a KEK that did not answer the last time.
    Slow,
    /// A plugin, which may prompt for a PIN or for a touch.
    Plugin,
    /// A prompt for a passphrase. The identity may not open the DEK at all.
    Passphrase,
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_prefix_begins_another() {
        let prefixes: HashSet<_> = PROVIDERS.iter().map(|provider| provider.prefix()).collect();
        assert_eq!(prefixes.len(), PROVIDERS.len());
        for one in &prefixes {
            assert!(one.contains(':'), "{one}");
            assert_eq!(prefixes.iter().filter(|other| other.starts_with(one)).count(), 1, "{one}");
        }
    }
}
