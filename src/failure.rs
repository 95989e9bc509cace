//! Everything that can end a command, with its causes, hints and exit code. Each area has its own
//! enum here, which knows its hints.

mod access;
mod at_rest;
mod author;
mod batch;
mod exec;
mod git;
mod guard;
mod history;
mod lower;
mod merge;
mod peers;
mod policy;
mod restart;
mod select;
mod signers;
mod values;

use std::process::ExitCode;

use thiserror::Error;

use crate::config::ConfigError;
use crate::etcd::{EtcdError, PodError, SourceError};
use crate::files::{FileError, MemoryError};
use crate::git::GitError;
use crate::policy::PolicyError;
use crate::terminal::{EditError, OutputError, PromptError, Report};
use envcrypt_cluster::{ClusterError, ReplaceError};
use envcrypt_core::access::{self as access_core, TrustError};
use envcrypt_core::envelope::{OpenError, RewrapError, SealError};
use envcrypt_core::kek::{KekError, KekUri, UriError};
use envcrypt_core::manifest::ManifestError;
use envcrypt_core::secret::{LabelError, NameError, TypeError};

pub use access::AccessError;
pub use at_rest::AtRestError;
pub use author::{AuthorError, Refusal};
pub use batch::BatchError;
pub use exec::ExecError;
pub use guard::{GuardError, OtherCluster};
pub use history::HistoryError;
pub use merge::{MergeError, NotMerged, whose};
pub use peers::PeersError;
pub use restart::RestartError;
pub use select::SelectError;
pub use signers::SignersError;
pub use values::ValuesError;

/// What the report shows besides the error itself.
pub trait Explain {
    /// The reasons, the nearest one first.
    fn causes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What to do next, if there is one thing.
    fn hint(&self) -> Option<String> {
        None
    }

    /// Everything to do next.
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }

    fn exit_code(&self) -> u8 {
        1
    }
}

/// Why a command ended early.
#[derive(Debug, Error)]
pub enum Failure {
    #[error(transparent)]
    Select(#[from] SelectError),
    #[error(transparent)]
    Values(#[from] ValuesError),
    #[error(transparent)]
    Access(#[from] AccessError),
    #[error(transparent)]
    Guard(#[from] GuardError),
    #[error(transparent)]
    Batch(#[from] BatchError),
    #[error(transparent)]
    Restart(#[from] RestartError),
    #[error(transparent)]
    AtRest(#[from] AtRestError),
    #[error(transparent)]
    Exec(#[from] ExecError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Merge(#[from] MergeError),
    #[error(transparent)]
    Peers(#[from] PeersError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Author(#[from] AuthorError),
    #[error(transparent)]
    Signers(#[from] SignersError),
    /// Flags that conflict.
    #[error("{0}")]
    Usage(String),
    /// An invalid name.
    #[error(transparent)]
    Name(#[from] NameError),
    #[error(transparent)]
    Type(#[from] TypeError),
    #[error(transparent)]
    Label(#[from] LabelError),
    /// A live object that is not a sealed Secret.
    #[error(transparent)]
    Live(#[from] ManifestError),
    /// The Secret could not be opened to check that it is intact.
    #[error("{source}")]
    NotLookedAt { source: Box<Self> },
    /// A sealed Secret could not replace a plain one, or the reverse.
    #[error(transparent)]
    Replace(Box<ReplaceError>),
    #[cfg(feature = "age")]
    #[error(transparent)]
    Identity(#[from] envcrypt_core::kek::age::IdentityError),
    /// An invalid KEK name.
    #[error(transparent)]
    Uri(#[from] UriError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Trust(#[from] TrustError),
    #[error(transparent)]
    Kek(#[from] KekError),
    #[error(transparent)]
    Seal(#[from] SealError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Files and cluster differ. This is not an error, and it was reported already.
    #[error("there are differences")]
    Differs,
    /// The comparison or the check itself failed.
    #[error("{0}")]
    NotCompared(Box<Self>),
    /// Some Secrets could not be compared. Each one was reported.
    #[error("{failed} of {all} could not be compared")]
    SomeUnknown { failed: usize, all: usize },
    /// Nobody to prompt, or no answer.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The program ended with this exit code, which becomes ours.
    #[error("the program ended with {0}")]
    Ended(u8),
    /// Files that `check` could not read. Each one was reported.
    #[error("{failed} of {all} files could not be checked")]
    NotLookedThrough { failed: usize, all: usize },
    /// `check` found problems, and reported them.
    #[error("found {found} {}, checked {files} {}", plural(*found, "problem"), plural(*files, "file"))]
    Found {
        found: usize,
        /// How many files were checked.
        files: usize,
        /// Whether any problem is a plaintext value.
        in_the_clear: bool,
    },
    /// No place for plaintext.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    File(#[from] FileError),
    /// etcd cannot be read.
    #[error(transparent)]
    Etcd(#[from] SourceError),
}

impl From<EtcdError> for Failure {
    fn from(error: EtcdError) -> Self {
        Self::Etcd(error.into())
    }
}

impl From<PodError> for Failure {
    fn from(error: PodError) -> Self {
        Self::Etcd(error.into())
    }
}

impl From<ReplaceError> for Failure {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Before(error) => Self::Cluster(error),
            error => Self::Replace(Box::new(error)),
        }
    }
}

impl From<access_core::AccessError> for Failure {
    fn from(error: access_core::AccessError) -> Self {
        use access_core::AccessError as Core;
        let names = |keks: Vec<KekUri>| {
            keks.iter().map(|kek| format!("`{kek}`")).collect::<Vec<_>>().join(", ")
        };
        match error {
            Core::NotNamed { place, keks } => {
                AccessError::NotNamed { place: place.to_string(), keks: names(keks) }.into()
            }
            Core::NotInRule { place, rules, keks } => {
                let (place, keks) = (place.to_string(), names(keks));
                AccessError::NotInRule { place, rules, keks }.into()
            }
            Core::DifferentKeks(place) => AccessError::DifferentKeks(place.to_string()).into(),
            Core::Consent(error) => match error.downcast::<PromptError>() {
                Ok(error) => Self::Prompt(*error),
                Err(error) => Self::Usage(error.to_string()),
            },
            Core::Trust(error) => error.into(),
            Core::Kek(error) => error.into(),
            Core::Open(error) => error.into(),
            Core::Rewrap(error) => error.into(),
        }
    }
}

impl From<RewrapError> for Failure {
    fn from(error: RewrapError) -> Self {
        match error {
            RewrapError::Open(error) => Self::Open(error),
            RewrapError::Seal(error) => Self::Seal(error),
        }
    }
}

impl Failure {
    /// 2 for wrong usage, otherwise 1. If the reader of standard output is gone, 141 as for other
    /// programs.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::NotCompared(_) => 2,
            Self::Ended(code) => *code,
            failure => failure.area().map_or(1, Explain::exit_code),
        })
    }

    /// The report, or `None` if nobody reads it.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        match self {
            Self::Output(OutputError::Closed) | Self::Differs | Self::Ended(_) => return None,
            Self::NotCompared(failure) => return failure.report(),
            Self::NotLookedAt { source } => {
                let mut report = source.report()?;
                report.hints.push("the plugin opens the Secret first to check that it is intact, because a new seal would hide damage; to skip this check, add `--encrypt-only`".to_owned());
                return Some(report);
            }
            _ => {}
        }
        let mut report = Report { error: self.to_string(), ..Report::default() };
        if let Some(area) = self.area() {
            report.causes = area.causes();
            report.hints = area.hints();
        }
        if let Self::Found { in_the_clear: true, .. } = self {
            report.hints.push("seal plain Secrets with `kubectl envcrypt seal -i -f FILE`, then change their values, because Git keeps the old ones; with a Kustomize generator, write the sealed Secret to a file and list that file under `resources`".to_owned());
        }
        Some(report)
    }

    /// The error of the area.
    fn area(&self) -> Option<&dyn Explain> {
        Some(match self {
            Self::Select(error) => error,
            Self::Values(error) => error,
            Self::Access(error) => error,
            Self::Guard(error) => error,
            Self::Batch(error) => error,
            Self::Restart(error) => error,
            Self::AtRest(error) => error,
            Self::Exec(error) => error,
            Self::Policy(error) => error,
            Self::Git(error) => error,
            Self::Merge(error) => error,
            Self::Peers(error) => error,
            Self::History(error) => error,
            Self::Author(error) => error,
            Self::Signers(error) => error,
            Self::Type(error) => error,
            Self::Live(error) => error,
            Self::Replace(error) => &**error,
            Self::Trust(error) => error,
            Self::Kek(error) => error,
            Self::Seal(error) => error,
            Self::Open(error) => error,
            Self::Cluster(error) => error,
            Self::Prompt(error) => error,
            Self::Edit(error) => error,
            Self::Memory(error) => error,
            Self::Output(error) => error,
            Self::File(error) => error,
            Self::Etcd(error) => error,
            _ => return None,
        })
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
