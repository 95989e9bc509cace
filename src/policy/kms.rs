//! The rights for a KMS.

mod aws;
mod azure;
mod gcp;
mod vault;

use std::fmt;

use super::{PolicyError, Subject};
use envcrypt_core::kek::KekUri;
use envcrypt_core::secret::Namespace;

/// A KMS whose policies can be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kms {
    Aws,
    Gcp,
    Azure,
    Vault,
}

impl Kms {
    /// Whether this is a key of this KMS.
    pub fn has(self, kek: &KekUri) -> bool {
        let scheme = match self {
            Self::Aws => "awskms",
            Self::Gcp => "gcpkms",
            Self::Azure => "azurekms",
            Self::Vault => "hashivault",
        };
        kek.scheme() == scheme
    }
}

impl fmt::Display for Kms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "AWS KMS",
            Self::Gcp => "Google Cloud KMS",
            Self::Azure => "Azure Key Vault",
            Self::Vault => "Vault",
        })
    }
}

/// What someone does with a KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KekUse {
    Seal,
    Open,
}

/// What someone may do with KEKs, and for which Secrets.
pub struct KmsRights {
    /// The name of the policy or role.
    pub name: String,
    pub uses: KekUse,
    /// Each KEK, with the namespaces whose Secrets it is for. Without namespaces, the KMS itself
    /// takes the namespace from the login of the pod.
    pub keks: Vec<(KekUri, Vec<Namespace>)>,
    /// The names of the Secrets; if empty, all.
    pub names: Vec<String>,
    pub subjects: Vec<Subject>,
    /// Whether they are those of pods: without subjects, of all pods of the namespaces.
    pub are_of_pods: bool,
}

impl KmsRights {
    /// Writes them as this KMS takes them.
    ///
    /// # Errors
    /// Returns a [`PolicyError`] if a KEK cannot be named in a policy.
    pub fn text(&self, kms: Kms) -> Result<String, PolicyError> {
        match kms {
            Kms::Aws => aws::text(self),
            Kms::Gcp => Ok(gcp::text(self)),
            Kms::Azure => azure::text(self),
            Kms::Vault => Ok(vault::text(self)),
        }
    }

    /// Who gets the rights for a key of these namespaces: a pod only for its own namespace.
    fn subjects_of(&self, namespaces: &[Namespace]) -> impl Iterator<Item = &Subject> {
        self.subjects.iter().filter(move |subject| match subject {
            Subject::ServiceAccount { namespace, .. } => {
                !self.are_of_pods || namespaces.is_empty() || namespaces.contains(namespace)
            }
            Subject::User(_) | Subject::Group(_) => true,
        })
    }
}

/// Whether the Secrets of several namespaces have the same KEK.
fn is_shared(rights: &KmsRights) -> bool {
    rights.keks.iter().any(|(_, namespaces)| namespaces.len() > 1)
}
