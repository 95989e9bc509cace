//! A key of Google Cloud KMS as a KEK: `encrypt` and `decrypt` of the DEK with
//! the context as additional authenticated data, under application default
//! credentials. Needs `cloudkms.cryptoKeyVersions.useToEncrypt` to seal and
//! `cloudkms.cryptoKeyVersions.useToDecrypt` to open. CRC32C sums go both ways, so
//! that a byte that changed on its way is noticed before the DEK is lost.

#[cfg(feature = "gcp")]
mod kek;
#[cfg(feature = "gcp")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::{is_path_segment, is_plain};

/// Google Cloud KMS.
pub(super) struct Gcp;

impl Provider for Gcp {
    fn prefix(&self) -> &'static str {
        "gcpkms://"
    }

    fn parse(&self, name: &str) -> Result<String, &'static str> {
        let wrong = "`projects/P/locations/L/keyRings/R/cryptoKeys/K` must follow `gcpkms://`, without a version";
        is_key(name).then(|| name.to_owned()).ok_or(wrong)
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "gcp")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "gcp")]
        return Some(Arc::new(kek::Connection::new(surroundings.lifetimes.limits)));
        #[cfg(not(feature = "gcp"))]
        {
            let _ = surroundings;
            None
        }
    }
}

/// `projects/P/locations/L/keyRings/R/cryptoKeys/K`; a domain-scoped project
/// has a colon and dots in its name.
fn is_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key] =
        parts[..]
    else {
        return false;
    };
    is_path_segment(project) && [location, ring, key].iter().all(|part| is_plain(part))
}
