//! Any Kubernetes KMS v2 plugin as a KEK: the client's half of the protocol by
//! which kube-apiserver asks it, over the plugin's unix socket (KEP-3299, package
//! `v2` of `k8s.io/kms/apis/v2`). Who may ask is decided by the socket's mode, and
//! by what the plugin itself may do. The protocol knows no context.
//!
//! What is stored is the plugin's answer, which it wants back whole: compact
//! JSON of `ciphertext`, `key_id` and `annotations`, bytes as base64url.

#[cfg(feature = "k8skms")]
mod kek;
#[cfg(feature = "k8skms")]
mod protocol;
#[cfg(feature = "k8skms")]
mod refusal;

use std::sync::Arc;

use super::provider::{Connector, Provider, Surroundings};
use super::uri::is_path_segment;

/// KMS v2 plugins of Kubernetes.
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
        return Some(Arc::new(kek::Plugins(surroundings.lifetimes)));
        #[cfg(not(feature = "k8skms"))]
        {
            let _ = surroundings;
            None
        }
    }
}
