//! Sealed Secrets of a cluster, in both forms.

use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError, Sort};
use envcrypt_core::manifest::Object;
use envcrypt_core::secret::Namespace;

/// Lists the sealed Secrets and the EnvcryptSecrets of one or all namespaces, one page at a time.
pub async fn list_sealed(
    cluster: &Cluster,
    namespace: Option<&Namespace>,
    selector: Option<&str>,
    mut each: impl AsyncFnMut(Vec<Object>),
) -> Result<(), ClusterError> {
    cluster.secrets(Sort::Sealed, namespace, selector, &mut each).await?;
    match cluster.envcrypt_secrets(namespace, selector, each).await {
        // Someone may have rights on Secrets alone.
        Err(error @ ClusterError::Forbidden { .. }) => {
            terminal::warn(&format!("{error}, so the command does not see them"));
            Ok(())
        }
        listed => listed,
    }
}
