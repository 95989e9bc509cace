//! The kinds of KEK: how each is named, what it costs to use, how it is connected.
//!
//! A kind is one file beside this one, or a directory, and one line in [`PROVIDERS`].

use std::sync::Arc;

use async_trait::async_trait;

use super::lifetime::Lifetimes;
use super::{Kek, KekError, KekUri};

/// Every kind that the sealed format knows, whether this build can use it or not.
pub(super) static PROVIDERS: [&dyn Provider; 6] = [
    &super::age::Age,
    &super::aws::Aws,
    &super::gcp::Gcp,
    &super::azure::Azure,
    &super::vault::Vault,
    &super::k8skms::K8sKms,
];

/// One kind of KEK. `name` is always what follows the prefix of a URI.
pub(super) trait Provider: Send + Sync {
    /// How its URIs begin: `awskms:///`. Up to the colon it is the scheme, which is
    /// the `alg` of a recipient in the sealed format.
    fn prefix(&self) -> &'static str;

    /// The name as it is stored: one name for one key.
    ///
    /// # Errors
    /// What must follow the prefix.
    fn parse(&self, name: &str) -> Result<String, &'static str>;

    /// The name of the key itself, whichever version of it is meant.
    fn without_version<'a>(&self, name: &'a str) -> &'a str {
        name
    }

    /// Whether a quantum computer breaks it: what was sealed to it and kept can be
    /// opened then. A KMS with symmetric keys is not of that kind.
    fn is_classical_public_key(&self, _name: &str) -> bool {
        false
    }

    /// Whether only the KMS knows which key it is: an alias.
    fn is_alias(&self, _name: &str) -> bool {
        false
    }

    /// Whether which key it is depends on who asks: an alias without its account.
    fn is_bare(&self, _name: &str) -> bool {
        false
    }

    /// Whether an alias may stand for this key, as far as can be known offline.
    fn may_name(&self, _alias: &str, _key: &str) -> bool {
        false
    }

    /// Whether this build can use it.
    fn is_built_in(&self) -> bool;

    /// What all its keys share in one ring; `None` where the build cannot use it.
    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>>;
}

/// What the keys of one kind share in a ring: a login, clients, identities. It
/// connects and reads nothing before a key is used.
#[async_trait]
pub(super) trait Connector: Send + Sync {
    /// The key that a URI names.
    fn kek(self: Arc<Self>, uri: &KekUri) -> Arc<dyn Kek>;

    /// What it costs to unwrap with it.
    fn cost(&self, _uri: &KekUri) -> Cost {
        Cost::Network
    }

    /// The key behind an alias, else the same.
    ///
    /// # Errors
    /// The KMS's refusal to say.
    async fn resolve(&self, uri: &KekUri) -> Result<KekUri, KekError> {
        Ok(uri.clone())
    }
}

/// What a connector gets of this machine.
pub(super) struct Surroundings {
    /// The person's age identities.
    #[cfg(feature = "age")]
    pub identities: Arc<super::age::Identities>,
    /// How long things live.
    #[allow(dead_code, reason = "a build may have no KMS")]
    pub lifetimes: Lifetimes,
}

/// What it costs to unwrap with a KEK, the cheapest first.
#[allow(dead_code, reason = "a build may have none of a kind")]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// An identity at hand.
    Nothing,
    /// A process on this machine.
    Socket,
    /// A service.
    Network,
    /// One that did not answer the last time.
    Slow,
    /// The person's attention, if it opens at all.
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
