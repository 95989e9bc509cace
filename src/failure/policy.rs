//! Hints for the errors of `policy`.

use super::Explain;
use crate::policy::PolicyError;

impl Explain for PolicyError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Missing { .. } => {
                "run the same command without `--check`, and let an administrator apply what it prints"
            }
            Self::NothingInCluster => {
                "print its rights for a KMS with `-o aws`, `-o gcp`, `-o azure` or `-o vault`"
            }
            Self::OtherKind { .. } => {
                "name only keys of one KMS; run the command again for the others"
            }
            Self::NoKek { .. } => "name the key with `--kek`",
            Self::Bare(_) => "name the key by its ARN",
            Self::ManagedHsm(_) => {
                "assign `Managed HSM Crypto Service Encryption User` on the key with `az keyvault role assignment create`"
            }
        };
        Some(text.to_owned())
    }
}
