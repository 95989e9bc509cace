//! Why rights cannot be printed, or are missing.

use thiserror::Error;

use super::Kms;
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

#[derive(Debug, Error)]
pub enum PolicyError {
    /// Each right was printed.
    #[error("{missing} of {all} rights are missing")]
    Missing { missing: usize, all: usize },
    /// Its Secrets come with its pod.
    #[error("a workload needs no rights in the cluster")]
    NothingInCluster,
    #[error("`{kek}` is not a key of {kms}")]
    OtherKind { kek: KekUri, kms: Kms },
    #[error("no key of {kms} is named for the namespace `{namespace}`")]
    NoKek { kms: Kms, namespace: Namespace },
    /// A policy needs an account and a region.
    #[error("`{0}` does not include the account and the region of the key")]
    Bare(KekUri),
    /// It has roles of its own.
    #[error("`{0}` is a key of a managed HSM, which has roles of its own")]
    ManagedHsm(KekUri),
}
