//! Causes and hints for the errors of the lower layers.

use super::Explain;
use crate::etcd::{EtcdError, PodError, SourceError};
use crate::files::{FileError, MemoryError};
use crate::terminal::{EditError, OutputError, PromptError};
use envcrypt_cluster::{ClusterError, ReplaceError};
use envcrypt_core::access::TrustError;
use envcrypt_core::envelope::{OpenError, Refused, SealError};
use envcrypt_core::kek::KekError;
use envcrypt_core::manifest::ManifestError;
use envcrypt_core::secret::TypeError;

const TOO_LARGE: &str = "sealing makes values a third larger: split the Secret into several, or store the large part elsewhere and only its key here";

impl Explain for KekError {
    fn causes(&self) -> Vec<String> {
        self.detail.iter().cloned().collect()
    }

    fn hint(&self) -> Option<String> {
        self.hint.clone()
    }
}

impl Explain for SealError {
    fn causes(&self) -> Vec<String> {
        if let Self::Kek(error) = self { error.causes() } else { Vec::new() }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Kek(error) => return error.hint.clone(),
            Self::NoKek(_) => "name another one with `--add`",
            Self::TooLarge { .. } => TOO_LARGE,
            Self::MixedQuantum { .. } => {
                "seal only to post-quantum recipients (`kubectl envcrypt kek new --post-quantum`) and symmetric KMS keys, or omit the post-quantum recipient"
            }
        };
        Some(text.to_owned())
    }
}

impl Explain for OpenError {
    fn causes(&self) -> Vec<String> {
        let (Self::Kek { refusals, .. } | Self::NotHeld { refusals, .. }) = self else {
            return Vec::new();
        };
        let causes = |refused: &KekError| [vec![refused.to_string()], refused.causes()].concat();
        refusals.iter().flat_map(causes).collect()
    }

    /// Hints of the KEKs come first: often, a login is all that is missing.
    fn hints(&self) -> Vec<String> {
        let refusals = match self {
            Self::Kek { refusals, .. } | Self::NotHeld { refusals, .. } => &refusals[..],
            _ => &[],
        };
        refusals.iter().filter_map(|refused| refused.hint.clone()).chain(self.hint()).collect()
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Untrusted { place, keks } => Some(format!(
                "if you know this KEK, run `kubectl envcrypt kek trust -n {} '{}'`; to use it only once, name it with `--kek` (with `--open-with` for `rewrap` and `rotate`)",
                place.namespace,
                keks.first().map_or("", String::as_str)
            )),
            Self::Refused { refused, .. } | Self::Unsigned { refused, .. } => refused_hint(refused),
            Self::NotHeld { .. } => Some(
                "someone who can write to the Secret could add their own KEK and receive new data keys; if you know this KEK, name it in `.envcrypt.yaml` and run `kubectl envcrypt kek trust --seal`, or name all KEKs that the Secret should have with `--kek`, including your own (for `rewrap`, name one more with `--add`)"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn refused_hint(refused: &Refused) -> Option<String> {
    let text = match refused {
        Refused::Binding(_) => {
            "it was moved or renamed after it was sealed; seal it for its new place, or with a wider `--scope`"
        }
        Refused::SealMissing | Refused::SealMismatch => {
            "someone added, removed or restored a value by hand; to open the Secret anyway, use `unwrap --insecure-skip-seal`"
        }
        Refused::SignatureMissing | Refused::SignatureQuorum(_) => {
            "look at the Secret and where it comes from; then let one of those who may sign run `kubectl envcrypt sign`"
        }
        Refused::SignatureMismatch(_) | Refused::SignatureForm(_) => {
            "restore what was signed from Git, or let one of those who may sign look at the change and run `kubectl envcrypt sign`"
        }
        Refused::SignatureSigner { .. } => {
            "if this person may sign, run `kubectl envcrypt signers add`; otherwise let one of those who may sign run `kubectl envcrypt sign`"
        }
        Refused::Tag | Refused::Commitment => "restore an intact copy from Git or from the cluster",
        _ => return None,
    };
    Some(text.to_owned())
}

impl Explain for TypeError {
    fn hint(&self) -> Option<String> {
        matches!(self, Self::TooLarge { .. }).then(|| TOO_LARGE.to_owned())
    }
}

impl Explain for TrustError {
    fn hint(&self) -> Option<String> {
        let is_line = matches!(self, Self::Line { .. });
        is_line.then(|| "an earlier version wrote another format: remove the file, then grant your KEKs again with `kubectl envcrypt kek trust`".to_owned())
    }
}

impl Explain for ManifestError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Plain(_) => {
                "this command needs a sealed Secret, of type `envcrypt.dev/sealed`; run `kubectl envcrypt seal` to create one"
            }
            Self::StringData(_) | Self::LastApplied(_) => {
                "remove the plaintext from the Secret and treat it as compromised; then set new values with `kubectl envcrypt set`"
            }
            Self::NoPlace { .. } => {
                "remove them from the EnvcryptSecret, or add `--force` to drop them"
            }
            Self::InPlace => {
                "write its values and its seal as plain or quoted scalars, without anchors"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl Explain for ClusterError {
    fn causes(&self) -> Vec<String> {
        self.cause().filter(|cause| !cause.is_empty()).map(str::to_owned).into_iter().collect()
    }

    fn hint(&self) -> Option<String> {
        Self::hint(self)
    }
}

impl Explain for ReplaceError {
    fn hint(&self) -> Option<String> {
        let Self::Lost { place, aside, .. } = self else { return None };
        Some(format!(
            "the sealed Secret is saved in the cluster as `{aside}`, and was written to standard output; when the cluster accepts it, run `kubectl envcrypt seal {} -n {} --replace` to finish",
            place.name, place.namespace
        ))
    }
}

impl Explain for MemoryError {
    fn hint(&self) -> Option<String> {
        let text =
            "to write plaintext to a disk, add `--allow-disk`; someone may find it there later";
        matches!(self, Self::NoPlace | Self::OnDisk(_)).then(|| text.to_owned())
    }
}

impl Explain for EditError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Memory(error) => error.hint(),
            Self::NoTerminal => Some(
                "without a terminal, run `kubectl envcrypt set` with `--from-stdin`, `--from-file` or `--generate`"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    fn exit_code(&self) -> u8 {
        if matches!(self, Self::Interrupted) { 130 } else { 1 }
    }
}

impl Explain for PromptError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoTerminal(_) => {
                "without a terminal, use `--from-stdin`, `--from-file` or `--generate`"
            }
            Self::SeveralLines(_) => {
                "for a value of several lines, use `--from-file` or `--from-stdin`"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

impl Explain for OutputError {
    fn exit_code(&self) -> u8 {
        if matches!(self, Self::Closed) { 141 } else { 1 }
    }
}

impl Explain for FileError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Exists(_) => "files are never overwritten: remove it, or choose another name",
            Self::Changed(_) => "check the file, then run the command again",
            Self::Io { .. } => return None,
        };
        Some(text.to_owned())
    }
}

impl Explain for SourceError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Live(EtcdError::Denied { .. }) => {
                "give a client certificate that etcd accepts with `--cacert`, `--cert` and `--key`; kubeadm keeps one in /etc/kubernetes/pki/etcd"
            }
            Self::Live(EtcdError::Unreachable { .. }) => {
                "on a node of the control plane, etcd listens on https://127.0.0.1:2379; from elsewhere, use `--kubectl-exec POD`"
            }
            Self::Pod(PodError::NotEtcd(_)) => {
                "run `kubectl get pods -n kube-system -l component=etcd` to find the pod"
            }
            Self::Pod(PodError::Exec { .. }) => {
                "you need the verb `create` on `pods/exec` there; otherwise save a snapshot and use `--snapshot`"
            }
            Self::File { .. } | Self::Records(_) => {
                "save a new snapshot with `etcdctl snapshot save`"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}
