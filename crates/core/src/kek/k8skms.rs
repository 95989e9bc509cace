//! Kubernetes KMS v2 plugins of any vendor as KEKs.
//!
//! This is the client side of the protocol that kube-apiserver uses (KEP-3299, package `v2` of
//! `k8s.io/kms/apis/v2`). It runs over the Unix socket of the KMS plugin. The mode of the socket
//! decides who may use the KMS plugin. The KMS behind it decides what the KMS plugin may do. The
//! protocol has no context.
//!
//! The KMS plugin needs its whole answer again to decrypt. It is stored as compact JSON with
//! `ciphertext`, `key_id` and `annotations`. Bytes are in base64url.

#[cfg(feature = "k8skms")]
mod kek;
#[cfg(feature = "k8skms")]
pub mod protocol;
#[cfg(feature = "k8skms")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_path_segment;

#[cfg(feature = "k8skms")]
pub use kek::{pack, unpack};

/// The Kubernetes kind of KEK: KMS v2 plugins.
pub(super) struct K8sKms;

impl Provider for K8sKms {
    fn prefix(&self) -> &'static str {
        "k8skms:///"
    }

    fn parse(&self, name: &str) -> Result<String, &'static str> {
        let wrong = "the absolute path of a socket must follow `k8skms://`";
        name.split('/').all(is_path_segment).then(|| name.to_owned()).ok_or(wrong)
    }

    fn is_built_in(&self) -> bool {
        cfg!(feature = "k8skms")
    }

    fn connector(&self, surroundings: &Surroundings) -> Option<Arc<dyn Connector>> {
        #[cfg(feature = "k8skms")]
        return Some(Arc::new(kek::Plugins::new(surroundings.lifetimes)));
        #[cfg(not(feature = "k8skms"))]
        {
            let _ = surroundings;
            None
        }
    }
}
