//! Errors about which KEKs may be used, and where.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::kek::KekUri;

#[derive(Debug, Error)]
pub enum AccessError {
    #[error("there is no KEK to seal with")]
    NoKek,
    /// `local` is named, but there is no local key.
    #[error("there is no local key")]
    NoLocalKey,
    /// `kek new`, but there is a local key. Never suggest to remove it: everything that is sealed
    /// with it would be lost.
    #[cfg(feature = "age")]
    #[error("a local key already exists: `{0}`")]
    LocalKeyExists(PathBuf),
    /// The file of the local key is locked, so its recipient is not known.
    #[cfg(feature = "age")]
    #[error(
        "the recipient of the local key `{0}` is not known, because a passphrase protects the key"
    )]
    LockedLocalKey(PathBuf),
    /// `.envcrypt.yaml` names a KEK that has no consent for sealing.
    #[error("`{rules}` names a KEK that this machine may not seal to in `{namespace}`: `{kek}`")]
    UntrustedRule { rules: PathBuf, kek: KekUri, namespace: String },
    /// The command line or the environment names other KEKs.
    #[error(
        "`--kek`, `--open-with` or `ENVCRYPT_KEK` names none of the KEKs of the Secret `{place}`: {keks}"
    )]
    NotNamed {
        place: String,
        /// The KEKs of the Secret.
        keks: String,
    },
    /// The rule for the Secret names other KEKs.
    #[error("the rule in `{rules}` names none of the KEKs of the Secret `{place}`: {keks}")]
    NotInRule {
        place: String,
        /// The file with the rule.
        rules: PathBuf,
        /// The KEKs of the Secret.
        keks: String,
    },
    /// The parts have different KEKs: someone may have combined them.
    #[error("the values and the seal of the Secret `{0}` are under different KEKs")]
    DifferentKeks(String),
    /// The signers of the Secret did not sign some of its labels and annotations.
    #[error("the signers of the Secret `{place}` did not sign `{}`", names.join("`, `"))]
    UnsignedLabels {
        place: String,
        /// The names of labels and annotations.
        names: Vec<String>,
    },
    /// A change under other KEKs than the rest of the Secret.
    #[error("`--kek` must name exactly the KEKs of the Secret `{place}`: {keks}")]
    OtherKeks {
        place: String,
        /// The KEKs of the Secret.
        keks: String,
    },
    /// The rule for the Secret names another cluster.
    #[error(
        "the Secret `{place}` is not for the cluster `{server}`: the rule in `{rules}` names `{wanted}`"
    )]
    OtherCluster {
        place: String,
        /// The file with the rule.
        rules: PathBuf,
        /// The pattern in the rule.
        wanted: String,
        /// The URL of the API server.
        server: String,
    },
    #[error("you did not accept the KEK `{0}`")]
    NotAccepted(KekUri),
    /// Only the Secret itself names a KEK that it would be sealed to again.
    #[error("only the Secret `{place}` itself names the KEK `{kek}`")]
    UnnamedHolder { place: String, kek: KekUri },
    /// Neither flags nor rules name a change.
    #[error("no KEK is named for the Secret `{0}`")]
    NoKekFor(String),
    /// The change would remove the last KEK.
    #[error("the Secret `{0}` would have no KEK left")]
    NoKekLeft(String),
    #[error("the values of the Secret `{0}` have different scopes, so one scope cannot seal them")]
    MixedScopes(String),
}

impl AccessError {
    /// Whether `local` names no usable key.
    #[must_use]
    pub fn is_no_local_key(&self) -> bool {
        match self {
            Self::NoLocalKey => true,
            #[cfg(feature = "age")]
            Self::LockedLocalKey(_) => true,
            _ => false,
        }
    }
}

impl Explain for AccessError {
    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NotNamed { .. } => {
                "only the KEKs that you name may open the Secret; name one of its KEKs, or name none"
            }
            Self::NotInRule { .. } => {
                "if this KEK belongs there, add it to the rule; to use it only once, name it with `--kek` (with `--open-with` for `rewrap` and `rotate`)"
            }
            Self::DifferentKeks(_) => {
                "someone who may use one of these KEKs could put an old value under a new seal; if the KEKs are intended, name all of them with `--kek`, or in one rule of your own `config.yaml`, then run `kubectl envcrypt rewrap` with `--open-with`"
            }
            Self::UnsignedLabels { .. } => {
                "someone else may have added them, for example to have the plain Secret copied; let a signer look at them and run `kubectl envcrypt sign`, or leave them out with `--drop-unsigned` (for `unwrap` and `apply --unwrap`)"
            }
            Self::OtherKeks { .. } => {
                "a Secret opens only if all of its parts have the same KEKs; omit `--kek` to keep its KEKs, or run `kubectl envcrypt rewrap` to change them for the whole Secret"
            }
            Self::OtherCluster { .. } => {
                "choose the cluster with `--context`, or change the rule; `--any-cluster` ignores it for this run"
            }
            Self::UnnamedHolder { place, kek } => {
                let namespace = place.split('/').next().unwrap_or_default();
                return Some(format!(
                    "someone who can write to the Secret could add their own KEK and receive new data keys; if you know this KEK, run `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`, or name all KEKs that the Secret should have with `--kek`, including your own (for `rewrap`, name one more with `--add`)"
                ));
            }
            Self::UntrustedRule { kek, namespace, .. } => {
                return Some(format!(
                    "someone who can write this file could name their own KEK; if you know this KEK, run `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`"
                ));
            }
            Self::NoKek => {
                "name a KEK with `--kek`, `ENVCRYPT_KEK` or a rule in `.envcrypt.yaml`; to create a local key, run `kubectl envcrypt kek new`, then use `--kek local`"
            }
            #[cfg(feature = "age")]
            Self::LockedLocalKey(_) => "name its recipient instead of `local`: `--kek age:age1…`",
            #[cfg(feature = "age")]
            Self::LocalKeyExists(_) => "run `kubectl envcrypt kek list` to see it",
            Self::NoLocalKey => {
                "`kubectl envcrypt kek new` creates one for new Secrets; to open what another machine sealed, copy its identity file into the directory `identities` of your configuration"
            }
            Self::NoKekFor(_) => {
                "use `--add`, `--remove`, `--renew` or `--kek`, or name the KEKs in `.envcrypt.yaml`"
            }
            Self::NoKekLeft(_) => "name another KEK with `--add`",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
