//! A key of Azure Key Vault, or of a managed HSM, as a KEK: `wrapKey` and
//! `unwrapKey` of the DEK with RSA-OAEP-256. Needs those two permissions, as the
//! role Key Vault Crypto Service Encryption User has them. The version that
//! wrapped is stored, so a key that was rotated still opens. Key Vault knows no
//! context; the binding and the commitment hold all the same.

#[cfg(feature = "azure")]
mod kek;
#[cfg(feature = "azure")]
mod login;
#[cfg(feature = "azure")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_plain;

/// Azure Key Vault, and managed HSMs.
pub(super) struct Azure;

impl Provider for Azure {
    fn prefix(&self) -> &'static str {
        "azurekms://"
    }

    fn parse(&self, name: &str) -> Result<String, &'static str> {
        let wrong = "a vault's host name in one of Azure's domains, as `NAME.vault.azure.net`, then `/KEY` or `/KEY/VERSION` must follow `azurekms://`";
        is_key(name).then(|| name.to_owned()).ok_or(wrong)
    }

    fn without_version<'a>(&self, name: &'a str) -> &'a str {
        let end = name.match_indices('/').nth(1).map(|(index, _)| index);
        &name[..end.unwrap_or(name.len())]
    }

    /// RSA.
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

/// Where Azure's key vaults and managed HSMs are: a token for them goes nowhere else.
const DOMAINS: [&str; 6] = [
    ".vault.azure.net",
    ".vault.azure.cn",
    ".vault.usgovcloudapi.net",
    ".managedhsm.azure.net",
    ".managedhsm.azure.cn",
    ".managedhsm.usgovcloudapi.net",
];

/// `NAME.vault.azure.net/KEY` or `NAME.vault.azure.net/KEY/VERSION`.
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
