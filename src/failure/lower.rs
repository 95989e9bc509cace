//! Causes and hints of the errors of the lower floors.

use super::Explain;
use crate::cluster::{ClusterError, ReplaceError};
use crate::files::{FileError, MemoryError};
use crate::terminal::{EditError, OutputError, PromptError};
use envcrypt_core::access::TrustError;
use envcrypt_core::envelope::{OpenError, Refused, SealError};
use envcrypt_core::kek::KekError;
use envcrypt_core::manifest::ManifestError;
use envcrypt_core::secret::TypeError;

const TOO_LARGE: &str = "sealing adds a third: split it over several Secrets, or keep the large part elsewhere and only its key here";

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
                "seal to post-quantum recipients alone (`kek new --post-quantum`) and KMS keys that are symmetric, or leave the post-quantum one out"
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

    /// What the KEKs say of themselves comes first: a login may be all it takes.
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
                "if you know that it is yours, accept it with `kubectl envcrypt kek trust -n {} '{}'`, or name it this once with `--kek` (of `rewrap` and `rotate`, `--open-with`)",
                place.namespace,
                keks.first().map_or("", String::as_str)
            )),
            Self::Refused { refused, .. } => refused_hint(refused),
            Self::NotHeld { .. } => Some(
                "whoever can write to it could name their own, to be given its data keys: if it is meant, name it in `.envcrypt.yaml` and accept it with `kek trust --seal`, or give every KEK that it is to be under with `--kek`, your own too (of `rewrap`, one more with `--add`)"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

fn refused_hint(refused: &Refused) -> Option<String> {
    let text = match refused {
        Refused::Binding(_) => {
            "it was moved or renamed after it was sealed; seal it for its new place, or seal with a wider `--scope`"
        }
        Refused::SealMissing | Refused::SealMismatch => {
            "a value was added, dropped or put back by hand; `unwrap --insecure-skip-seal` opens what is there all the same"
        }
        Refused::Tag | Refused::Commitment => {
            "take it from where it was whole: Git, or the cluster"
        }
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
        is_line.then(|| "an earlier version wrote another form: remove the file, and grant again what you use with `kubectl envcrypt kek trust`".to_owned())
    }
}

impl Explain for ManifestError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Plain(_) => {
                "this command takes sealed Secrets, of type `envcrypt.dev/sealed`; `kubectl envcrypt seal` makes them"
            }
            Self::StringData(_) | Self::LastApplied(_) => {
                "take that plaintext for known: change the values, then seal them anew"
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
            "the sealed one is kept in the cluster as the Secret `{aside}`, and was written to standard output: once the cluster takes it, `kubectl envcrypt seal {} -n {} --replace` puts it in its place",
            place.name, place.namespace
        ))
    }
}

impl Explain for MemoryError {
    fn hint(&self) -> Option<String> {
        let text = "`--allow-disk` lets plaintext go to a disk, where it may be found later";
        matches!(self, Self::NoPlace | Self::OnDisk(_)).then(|| text.to_owned())
    }
}

impl Explain for EditError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Memory(error) => error.hint(),
            Self::NoTerminal => Some(
                "`set` takes values without one, with `--from-stdin`, `--from-file` or `--generate`"
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
                "without one, give values with `--from-stdin`, `--from-file` or `--generate`"
            }
            Self::SeveralLines(_) => {
                "values of several lines come from `--from-file` or `--from-stdin`"
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
            Self::Exists(_) => "it is not overwritten: remove it, or choose another name",
            Self::Changed(_) => "look at it, then run the command again",
            Self::Io { .. } => return None,
        };
        Some(text.to_owned())
    }
}
