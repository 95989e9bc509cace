//! Errors of which KEKs may be used, and where.

use std::path::PathBuf;

use thiserror::Error;

use super::Explain;
use envcrypt_core::kek::KekUri;

/// What is wrong with which KEKs may be used, and where.
#[derive(Debug, Error)]
pub enum AccessError {
    /// No KEK is named anywhere.
    #[error("no KEK is named to seal with")]
    NoKek,
    /// `local`, and there is no local key.
    #[error("there is no local key")]
    NoLocalKey,
    /// `kek new`, and there is a local key. Never "remove it": that would lose
    /// everything that is sealed with it.
    #[cfg(feature = "age")]
    #[error("there is a local key already: `{0}`")]
    LocalKeyExists(PathBuf),
    /// The local key's file is locked, so its recipient is not known.
    #[cfg(feature = "age")]
    #[error("the local key `{0}` is protected by a passphrase, which hides its recipient")]
    LockedLocalKey(PathBuf),
    /// `.envcrypt.yaml` names a KEK that nothing was sealed to from here.
    #[error("`{rules}` names a KEK that this machine does not seal to in `{namespace}`: `{kek}`")]
    UntrustedRule {
        /// The file.
        rules: PathBuf,
        /// The KEK.
        kek: KekUri,
        /// For which namespace.
        namespace: String,
    },
    /// The command line or the environment names other KEKs.
    #[error(
        "the Secret `{place}` is under none of the KEKs that `--kek`, `--open-with` or `ENVCRYPT_KEK` names: {keks}"
    )]
    NotNamed {
        /// The Secret.
        place: String,
        /// Its KEKs.
        keks: String,
    },
    /// The rule for it names other KEKs.
    #[error(
        "the Secret `{place}` is under none of the KEKs that the rule of `{rules}` names: {keks}"
    )]
    NotInRule {
        /// The Secret.
        place: String,
        /// The file with the rule.
        rules: PathBuf,
        /// Its KEKs.
        keks: String,
    },
    /// Parts under different KEKs: someone may have put them together.
    #[error("values and seal of the Secret `{0}` are under different KEKs")]
    DifferentKeks(String),
    /// A change under other KEKs than the rest.
    #[error("`--kek` names other KEKs than the Secret `{place}` is under: {keks}")]
    OtherKeks {
        /// The Secret.
        place: String,
        /// Its KEKs.
        keks: String,
    },
    /// The rule for it names another cluster.
    #[error(
        "the Secret `{place}` is not for the cluster `{server}`: the rule of `{rules}` names `{wanted}`"
    )]
    OtherCluster {
        /// The Secret.
        place: String,
        /// The file with the rule.
        rules: PathBuf,
        /// The pattern of the rule.
        wanted: String,
        /// The API server's URL.
        server: String,
    },
    /// The person said no.
    #[error("the KEK `{0}` was not accepted")]
    NotAccepted(KekUri),
    /// Only the Secret itself names the KEK that it would be sealed to again.
    #[error("nothing but the Secret `{place}` itself names `{kek}` for it")]
    UnnamedHolder {
        /// The Secret.
        place: String,
        /// The KEK.
        kek: KekUri,
    },
    /// Neither flags nor rules say what to change.
    #[error("nothing says which KEKs the Secret `{0}` is to be under")]
    NoKekFor(String),
    /// Everything that could open it would be gone.
    #[error("the Secret `{0}` would be under no KEK at all")]
    NoKekLeft(String),
    /// Values of one Secret with different scopes.
    #[error("the Secret `{0}` has values of different scopes, which one sealing cannot keep")]
    MixedScopes(String),
}

impl AccessError {
    /// Whether `local` stands for no key that could be used.
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
                "only the KEKs that are named open it; leave them out, or name its own"
            }
            Self::NotInRule { .. } => {
                "a rule says which KEKs a namespace uses: if this one is meant, add it to the rule, or name it this once with `--kek` (of `rewrap` and `rotate`, `--open-with`)"
            }
            Self::DifferentKeks(_) => {
                "someone who may use one of them could put an old value under a seal of their own; if it is meant, name every one of its KEKs with `--kek`, or in one rule of your own `config.yaml`, then `kubectl envcrypt rewrap` it with `--open-with`"
            }
            Self::OtherKeks { .. } => {
                "a Secret whose parts have different KEKs is not opened: leave `--kek` out to keep its KEKs, or change them for all of it with `kubectl envcrypt rewrap`"
            }
            Self::OtherCluster { .. } => "choose the cluster with `--context`, or change the rule",
            Self::UnnamedHolder { place, kek } => {
                let namespace = place.split('/').next().unwrap_or_default();
                return Some(format!(
                    "whoever can write to it could name their own, to be given its data keys: if it is meant, `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`, or give every KEK that it is to be under with `--kek`, your own too (of `rewrap`, one more with `--add`)"
                ));
            }
            Self::UntrustedRule { kek, namespace, .. } => {
                return Some(format!(
                    "whoever can write the file could name their own: if you know it, accept it with `kubectl envcrypt kek trust --seal -n {namespace} '{kek}'`"
                ));
            }
            Self::NoKek => {
                "`kubectl envcrypt kek new` makes a local one; name it with `--kek local`, `ENVCRYPT_KEK` or a rule in `.envcrypt.yaml`"
            }
            #[cfg(feature = "age")]
            Self::LockedLocalKey(_) => "name the recipient, `--kek age:age1…`, in place of `local`",
            #[cfg(feature = "age")]
            Self::LocalKeyExists(_) => "`kubectl envcrypt kek list` shows it",
            Self::NoLocalKey => "`kubectl envcrypt kek new` makes one",
            Self::NoKekFor(_) => {
                "say what to change with `--add`, `--remove`, `--renew` or `--kek`, or name the KEKs in `.envcrypt.yaml`"
            }
            Self::NoKekLeft(_) => "name another one with `--add`",
            _ => return None,
        };
        Some(text.to_owned())
    }
}
