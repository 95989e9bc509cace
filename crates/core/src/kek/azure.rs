//! Keys of Azure Key Vault and of managed HSMs as KEKs: `wrapKey` and `unwrapKey` of the DEK with
//! RSA-OAEP-256.
//!
//! The caller needs the permissions `wrapKey` and `unwrapKey`. The role Key Vault Crypto Service
//! Encryption User has both. The version that wrapped the DEK is stored, so a rotated key still
//! opens. Key Vault has no context, but the binding and the commitment still protect the values.

#[cfg(feature = "azure")]
mod kek;
#[cfg(feature = "azure")]
mod login;
#[cfg(feature = "azure")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_plain;

/// The Azure kind of KEK: Key Vault and managed HSMs.
pub(super) struct Azure;

impl Provider for Azure {
    fn prefix(&self) -> &'static str {
        "azurekms://"
    }

    fn parse(&self, name: &str) -> Result<String, &'static str> {
        let wrong = "`HOST/KEY` or `HOST/KEY/VERSION` must follow `azurekms://`, with a host in a domain of Azure such as `NAME.vault.azure.net`";
        is_key(name).then(|| name.to_owned()).ok_or(wrong)
    }

    fn without_version<'a>(&self, name: &'a str) -> &'a str {
        let end = name.match_indices('/').nth(1).map(|(index, _)| index);
        &name[..end.unwrap_or(name.len())]
    }

    /// Every key is an RSA key.
    fn is_classical_public_key(&self, _: &str) -> bool {
        true
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "azure")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "azure")]
        return Some(Arc::new(kek::Clients::new(surroundings.lifetimes.limits)));
        #[cfg(not(feature = "azure"))]
        {
            let _ = surroundings;
            None
        }
    }
}

/// The domains of key vaults and managed HSMs. Tokens for them are sent to no other domain.
const DOMAINS: [&str; 6] = [
    ".vault.azure.net",
    ".vault.azure.cn",
    ".vault.usgovcloudapi.net",
    ".managedhsm.azure.net",
    ".managedhsm.azure.cn",
    ".managedhsm.usgovcloudapi.net",
];

/// Returns whether the text is `NAME.vault.azure.net/KEY` or `NAME.vault.azure.net/KEY/VERSION`.
/// Any domain in [`DOMAINS`] is allowed.
fn is_key(text: &str) -> bool {
    let mut parts = text.split('/');
    let host = parts.next().unwrap_or("");
    let vault = DOMAINS.iter().find_map(|domain| host.strip_suffix(domain));
    let parts: Vec<&str> = parts.collect();
    vault.is_some_and(is_plain)
        && host == host.to_ascii_lowercase()
        && matches!(parts.len(), 1 | 2)
        && parts.into_iter().all(is_plain)
}
