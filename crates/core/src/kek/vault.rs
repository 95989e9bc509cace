//! A key of the transit engine of HashiCorp Vault or OpenBao as a KEK:
//! `encrypt` and `decrypt` of the DEK with the context as associated data.
//! Needs `update` on `MOUNT/encrypt/KEY` to seal and on `MOUNT/decrypt/KEY` to
//! open. What is stored is Vault's own text, `vault:v1:…`, so a key that was
//! rotated in Vault still opens.

#[cfg(feature = "vault")]
mod kek;
#[cfg(feature = "vault")]
mod login;
#[cfg(feature = "vault")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_path_segment;

/// Where the transit engine is mounted, unless a URI names another place.
const DEFAULT_MOUNT: &str = "transit";

/// The transit engine of HashiCorp Vault and OpenBao.
pub(super) struct Vault;

impl Provider for Vault {
    fn prefix(&self) -> &'static str {
        "hashivault://"
    }

    /// One name for one key: else it would have to be trusted under both.
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
        return Some(Arc::new(kek::Server::new(surroundings.lifetimes)));
        #[cfg(not(feature = "vault"))]
        {
            let _ = surroundings;
            None
        }
    }
}

/// A part of a mount's path, or a key's name.
fn is_segment(text: &str) -> bool {
    is_path_segment(text) && !text.contains([':', '@', '+'])
}
