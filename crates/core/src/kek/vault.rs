//! Keys of the transit engine of HashiCorp Vault or OpenBao as KEKs: `encrypt` and `decrypt` of
//! the DEK.
//!
//! The context is the associated data. The caller needs `update` on `MOUNT/encrypt/KEY` to seal
//! and on `MOUNT/decrypt/KEY` to open. The text of Vault, `vault:v1:…`, is stored. It contains the
//! version, so a rotated key still opens.

#[cfg(feature = "vault")]
mod batch;
#[cfg(feature = "vault")]
mod kek;
#[cfg(feature = "vault")]
mod login;
#[cfg(feature = "vault")]
mod refusal;
#[cfg(test)]
#[cfg(feature = "vault")]
mod served;
mod settings;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_path_segment;

pub use settings::{VaultLogin, VaultSettings, Vaults};

/// The mount of the transit engine if a URI does not name another one.
const DEFAULT_MOUNT: &str = "transit";

/// The Vault kind of KEK: the transit engine of HashiCorp Vault and OpenBao.
pub(super) struct Vault;

impl Provider for Vault {
    fn prefix(&self) -> &'static str {
        "hashivault://"
    }

    /// Adds the default mount, because a key with two names would need trust for both.
    fn parse(&self, name: &str) -> Result<String, &'static str> {
        match name {
            _ if !name.split('/').all(is_segment) => {
                Err("`KEY` or `MOUNT/KEY` must follow `hashivault://`")
            }
            _ if name.contains('/') => Ok(name.to_owned()),
            _ => Ok(format!("{DEFAULT_MOUNT}/{name}")),
        }
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "vault")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "vault")]
        return Some(Arc::new(kek::Servers::new(
            surroundings.lifetimes,
            surroundings.vaults.clone(),
        )));
        #[cfg(not(feature = "vault"))]
        {
            let _ = surroundings;
            None
        }
    }
}

/// Returns whether the text is valid as one segment of a mount path, or as the name of a key.
fn is_segment(text: &str) -> bool {
    is_path_segment(text) && !text.contains([':', '@', '+'])
}
