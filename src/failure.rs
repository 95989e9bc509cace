//! Everything that can end a command, with its causes and hints, and the exit code.
//! Each area has an enum of its own here, which knows its hints.

mod access;
mod batch;
mod exec;
mod lower;
mod restart;
mod select;
mod values;

use std::process::ExitCode;

use thiserror::Error;

use crate::cluster::{ClusterError, ReplaceError};
use crate::config::ConfigError;
use crate::files::{FileError, MemoryError};
use crate::terminal::{EditError, OutputError, PromptError, Report};
use envcrypt_core::access::TrustError;
use envcrypt_core::envelope::{OpenError, RewrapError, SealError};
use envcrypt_core::kek::{KekError, UriError};
use envcrypt_core::manifest::ManifestError;
use envcrypt_core::secret::{LabelError, NameError, TypeError};

pub use access::AccessError;
pub use batch::BatchError;
pub use exec::ExecError;
pub use restart::RestartError;
pub use select::SelectError;
pub use values::{EnvFileError, ValuesError};

/// What a person is told beside the error itself.
pub trait Explain {
    /// Why, the nearest cause first.
    fn causes(&self) -> Vec<String> {
        Vec::new()
    }

    /// What to do, where there is one thing to say.
    fn hint(&self) -> Option<String> {
        None
    }

    /// All that there is to do.
    fn hints(&self) -> Vec<String> {
        self.hint().into_iter().collect()
    }

    /// The exit code of the program.
    fn exit_code(&self) -> u8 {
        1
    }
}

/// Why a command ended early.
#[derive(Debug, Error)]
pub enum Failure {
    /// Which Secrets.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// Which values.
    #[error(transparent)]
    Values(#[from] ValuesError),
    /// Which KEKs.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A change.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// A restart of workloads.
    #[error(transparent)]
    Restart(#[from] RestartError),
    /// A program that is run.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// Flags that do not go together.
    #[error("{0}")]
    Usage(String),
    /// A name that is none.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Values that do not fit the type.
    #[error(transparent)]
    Type(#[from] TypeError),
    /// A label or annotation that the API server would refuse.
    #[error(transparent)]
    Label(#[from] LabelError),
    /// A live object that is no sealed Secret.
    #[error(transparent)]
    Live(#[from] ManifestError),
    /// It could not be opened to see that it is whole.
    #[error("{source}")]
    NotLookedAt {
        /// Why not.
        source: Box<Self>,
    },
    /// A sealed Secret does not stand in the place of a plain one.
    #[error(transparent)]
    Replace(Box<ReplaceError>),
    /// An age identity that cannot be used.
    #[cfg(feature = "age")]
    #[error(transparent)]
    Identity(#[from] envcrypt_core::kek::age::IdentityError),
    /// A KEK's name that is none.
    #[error(transparent)]
    Uri(#[from] UriError),
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The list of trusted KEKs cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A KEK refused.
    #[error(transparent)]
    Kek(#[from] KekError),
    /// It was not sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// It was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// Files and cluster are not the same: no error, and told already.
    #[error("there are differences")]
    Differs,
    /// Whether they are the same, or all is well, could not be found out.
    #[error("{0}")]
    NotCompared(Box<Self>),
    /// Of some Secrets that could not be found out; each was reported.
    #[error("{failed} of {all} could not be compared")]
    SomeUnknown {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// Nobody to ask, or no answer.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// Nothing was edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// The program ended with this code, which is ours too.
    #[error("the program ended with {0}")]
    Ended(u8),
    /// Files that `check` could not look at; each was reported.
    #[error("{failed} of {all} files could not be looked at")]
    NotLookedThrough {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// `check` found something, and has told it.
    #[error("found {found} {}, {files} {} looked at", plural(*found, "problem"), plural(*files, "file"))]
    Found {
        /// How many.
        found: usize,
        /// In how many files that were looked at.
        files: usize,
        /// Whether any of it is a value in the clear.
        in_the_clear: bool,
    },
    /// There is no place for plaintext.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// It was not written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A file was not written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl From<ReplaceError> for Failure {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Before(error) => Self::Cluster(error),
            error => Self::Replace(Box::new(error)),
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
    /// 2 for wrong usage, 1 for anything else; 141, as for any program whose
    /// reader has gone, where standard output was closed.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::NotCompared(_) => 2,
            Self::Ended(code) => *code,
            failure => failure.area().map_or(1, Explain::exit_code),
        })
    }

    /// As it is shown; nothing where nobody reads any more.
    #[must_use]
    pub fn report(&self) -> Option<Report> {
        match self {
            Self::Output(OutputError::Closed) | Self::Differs | Self::Ended(_) => return None,
            Self::NotCompared(failure) => return failure.report(),
            Self::NotLookedAt { source } => {
                let mut report = source.report()?;
                report.hints.push("it is opened to see that it is whole, since a new seal would hide that it was not; `--encrypt-only` goes on without knowing".to_owned());
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
            report.hints.push("seal plain Secrets with `kubectl envcrypt seal -i -f FILE` (of a Kustomize generator, write the sealed Secret to a file and name that under `resources`), and change what they held: Git does not forget".to_owned());
        }
        Some(report)
    }

    /// The area's own error.
    fn area(&self) -> Option<&dyn Explain> {
        Some(match self {
            Self::Select(error) => error,
            Self::Values(error) => error,
            Self::Access(error) => error,
            Self::Batch(error) => error,
            Self::Restart(error) => error,
            Self::Exec(error) => error,
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
            _ => return None,
        })
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
