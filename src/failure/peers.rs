//! Errors about files of SOPS and of Sealed Secrets.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::kek::KekUri;
use envcrypt_peers::sealed_secrets::{KeyError, SealedSecretError};
use envcrypt_peers::sops::{MetadataError, SopsError};

#[derive(Debug, Error)]
pub enum PeersError {
    #[error("the SOPS file `{}` cannot be opened", path.display())]
    Sops { path: PathBuf, source: SopsError },
    /// No master key gave the data key.
    #[error("the data key of the SOPS file `{}` cannot be unwrapped", path.display())]
    Closed { path: PathBuf, causes: Vec<String>, hints: Vec<String> },
    #[error("the SOPS file `{}` is not a manifest of a Secret", .0.display())]
    NoSecret(PathBuf),
    /// A file of SOPS that holds no single value.
    #[error("the SOPS file `{}` does not hold one value", .0.display())]
    NotBinary(PathBuf),
    /// A value of SOPS without the metadata that opens it.
    #[error("line {line} of `{}` has a value that SOPS encrypted, without the metadata of SOPS", path.display())]
    Leftover { path: PathBuf, line: u32 },
    /// The file names a Secret in a way that cannot be.
    #[error("the SOPS file `{}` has an object whose place is not known", path.display())]
    Place { path: PathBuf, why: String },
    /// A value of a source that SOPS encrypted.
    #[error("the value of `{0}` is encrypted by SOPS")]
    CiphertextSource(String),
    /// A plaintext value that is a ciphertext of SOPS.
    #[error("the value `{key}` of the Secret `{place}` is encrypted by SOPS already")]
    Ciphertext { place: String, key: String },
    /// Only some Secrets of a file are selected, so the others would become plaintext.
    #[error("only some Secrets of `{}` are selected, but the file opens as a whole", .0.display())]
    Selected(PathBuf),
    /// A Secret of the file could not be sealed, so nothing of it is written.
    #[error("`{}` is unchanged, because a Secret in it was not sealed", .0.display())]
    NotWhole(PathBuf),
    #[error("the SealedSecrets of `{}` cannot be opened", path.display())]
    SealedSecret { path: PathBuf, source: SealedSecretError },
    #[error("there is no private key to open the SealedSecrets of `{}` with", .0.display())]
    NoPrivateKeys(PathBuf),
    #[error("the private keys of Sealed Secrets in {of} cannot be used")]
    PrivateKeys { of: String, source: KeyError },
    #[cfg(feature = "age")]
    #[error("the command of `{variable}` failed")]
    KeyCommand { variable: &'static str, why: String },
    /// SOPS has no master key of this kind.
    #[error("SOPS cannot use the KEK `{0}`")]
    NoMasterKey(KekUri),
    /// Other programs need the address of Vault.
    #[error("the address of Vault is not known")]
    NoVaultAddress,
}

impl Explain for PeersError {
    fn causes(&self) -> Vec<String> {
        match self {
            Self::Sops { source, .. } => vec![source.to_string()],
            Self::SealedSecret { source, .. } => vec![source.to_string()],
            Self::PrivateKeys { source, .. } => vec![source.to_string()],
            Self::Closed { causes, .. } => causes.clone(),
            #[cfg(feature = "age")]
            Self::KeyCommand { why, .. } => vec![why.clone()],
            Self::Place { why, .. } => vec![why.clone()],
            _ => Vec::new(),
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Closed { hints, .. } => {
                let mut once: Vec<String> = Vec::new();
                for hint in hints {
                    if !once.contains(hint) {
                        once.push(hint.clone());
                    }
                }
                once
            }
            _ => self.hint().into_iter().collect(),
        }
    }

    fn hint(&self) -> Option<String> {
        #[cfg(feature = "age")]
        const DECRYPT: &str =
            "decrypt it with SOPS itself: `sops decrypt FILE | kubectl envcrypt seal -f -`";
        let text = match self {
            Self::Sops { source, .. } => return sops_hint(source),
            Self::SealedSecret { source, .. } => sealed_secret_hint(source)?,
            Self::NoSecret(_) => {
                "pass one value on: `sops decrypt FILE | kubectl envcrypt create NAME --from-stdin KEY`; for a dotenv file use `--from-env-file`, and for a binary file `--from-file`"
            }
            Self::NotBinary(_) => {
                "pass one value on: `sops decrypt FILE | kubectl envcrypt create NAME --from-stdin KEY`; for a dotenv file use `--from-env-file`"
            }
            Self::Leftover { .. } | Self::Ciphertext { .. } => {
                "restore the whole file with its `sops` metadata, from Git, and seal it again"
            }
            Self::Place { .. } => "correct the name and the namespace of this object",
            Self::CiphertextSource(_) => {
                "name the file with `--from-env-file FILE` or `--from-file KEY=FILE`, or pass plaintext on: `sops decrypt FILE | kubectl envcrypt create NAME --from-stdin KEY`"
            }
            Self::Selected(_) => "omit `-l`, or put the other Secrets into a file of their own",
            Self::NoPrivateKeys(_) => {
                "name a file with `--sealed-secrets-key FILE`, or use the keys of the cluster with `--sealed-secrets-key cluster`"
            }
            Self::PrivateKeys { .. } => {
                "save the keys of the controller with `kubectl get secret -n kube-system -l sealedsecrets.bitnami.com/sealed-secrets-key -o yaml`; for a controller in another namespace, use `--sealed-secrets-key cluster:NAMESPACE`"
            }
            Self::NoMasterKey(_) => {
                "name other KEKs with `--to`: SOPS uses age, AWS KMS, Google Cloud KMS, Azure Key Vault and Vault"
            }
            Self::NoVaultAddress => "set `VAULT_ADDR`: SOPS reads the address from the file",
            #[cfg(feature = "age")]
            Self::KeyCommand { .. } => DECRYPT,
            _ => return None,
        };
        Some(text.to_owned())
    }
}

fn sops_hint(error: &SopsError) -> Option<String> {
    let text = match error {
        SopsError::Mac => {
            "restore an intact copy from Git; if someone edited the `sops` metadata by hand, open the file with `seal --ignore-mac`"
        }
        SopsError::Value { .. } => "restore an intact copy from Git",
        SopsError::NotEncrypted { .. } => {
            "encrypt the value with `sops edit FILE`, or remove it; treat a plaintext value as compromised"
        }
        SopsError::Plain { .. } => {
            "encrypt these values with SOPS; if you know that they are right, use `seal --accept-plain`, or for a dotenv file `sops decrypt FILE | kubectl envcrypt create NAME --from-env-file -`"
        }
        SopsError::Type { .. } => {
            "restore an intact copy from Git, or decrypt it with SOPS itself: `sops decrypt FILE`"
        }
        SopsError::Outside { .. } => {
            "move this document into a file of its own with SOPS: `sops decrypt FILE`, then `sops encrypt` it without the Secrets"
        }
        SopsError::Metadata { source: MetadataError::CommentRule(_), .. } | SopsError::InPlace => {
            "decrypt it with SOPS itself: `sops decrypt FILE | kubectl envcrypt seal -f -`"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn sealed_secret_hint(error: &SealedSecretError) -> Option<&'static str> {
    Some(match error {
        SealedSecretError::Template { .. } => {
            "seal what the template makes instead: `kubectl get secret NAME -o yaml | kubectl envcrypt seal -f -`"
        }
        SealedSecretError::Whole { .. } => {
            "write it anew with `kubeseal --re-encrypt`, or seal the Secret of the cluster: `kubectl envcrypt seal NAME`"
        }
        SealedSecretError::List { .. } => "put it into a document of its own",
        SealedSecretError::Closed { .. } => {
            "the file may be for another cluster, or was moved or renamed; name every key of that controller with `--sealed-secrets-key`, and the namespace with `-n`"
        }
        _ => return None,
    })
}
