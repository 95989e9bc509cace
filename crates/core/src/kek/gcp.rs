//! Keys of Google Cloud KMS as KEKs: `encrypt` and `decrypt` of the DEK.
//!
//! The context is the additional authenticated data. The login is by application default
//! credentials. The caller needs `cloudkms.cryptoKeyVersions.useToEncrypt` to seal and
//! `cloudkms.cryptoKeyVersions.useToDecrypt` to open.
//!
//! CRC32C checksums protect both directions. So damage on the way is noticed before the DEK is
//! lost.

#[cfg(feature = "gcp")]
mod kek;
#[cfg(feature = "gcp")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::{is_path_segment, is_plain};

/// The Google Cloud KMS kind of KEK.
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

/// Returns whether the text is `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
///
/// The name of a domain-scoped project has a colon and dots.
fn is_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let ["projects", project, "locations", location, "keyRings", ring, "cryptoKeys", key] =
        parts[..]
    else {
        return false;
    };
    is_path_segment(project) && [location, ring, key].iter().all(|part| is_plain(part))
}
