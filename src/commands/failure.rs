//! Everything that can end a command, with its causes and hints, and the exit code.

mod hint;

use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use crate::access::TrustError;
use crate::cluster::{ClusterError, ReplaceError};
use crate::config::ConfigError;
use crate::envelope::{OpenError, RewrapError, SealError};
use crate::kek::{KekError, KekUri, UriError};
use crate::manifest::ManifestError;
use crate::process::StartError;
use crate::secret::{EnvFileError, LabelError, NameError, TypeError};
use crate::terminal::{EditError, MemoryError, OutputError, PromptError, Report};

/// Why a command ended early.
#[derive(Debug, Error)]
pub enum Failure {
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
    /// The same key from two sources.
    #[error("the key `{0}` is given twice")]
    DuplicateKey(String),
    /// A file or standard input that cannot be read.
    #[error("`{path}` cannot be read: {source}")]
    Read {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A file with a name that cannot be a key.
    #[error("`{path}` cannot be a key of a Secret by its name")]
    FileName {
        /// The file.
        path: PathBuf,
    },
    /// An env file that is none.
    #[error("the env file `{path}` cannot be used: {source}")]
    EnvFile {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: EnvFileError,
    },
    /// An env file's line without `=`, and no such variable.
    #[error("the env file `{path}` takes `{key}` from the environment, which does not hold it")]
    NotInEnvironment {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A manifest that is none.
    #[error("`{path}` cannot be used: {source}")]
    Manifest {
        /// The file, `-` for standard input.
        path: PathBuf,
        /// Why not.
        source: ManifestError,
    },
    /// A live object that is no sealed Secret.
    #[error(transparent)]
    Live(#[from] ManifestError),
    /// Nothing sealed in the files, or in the cluster.
    #[error("there is no sealed Secret in {0}")]
    NothingSealed(String),
    /// No plain Secret in the files, or in the cluster.
    #[error("there is no plain Secret in {0}")]
    NothingPlain(String),
    /// The command is for one Secret.
    #[error("this is for one Secret, and {place} holds {count}")]
    NotOne {
        /// The file.
        place: String,
        /// How many.
        count: usize,
    },
    /// It could not be opened to see that it is whole.
    #[error("{source}")]
    NotLookedAt {
        /// Why not.
        source: Box<Self>,
    },
    /// Someone else keeps the Secret, and would not let go of it.
    #[error("the Secret `{place}` belongs to {keeper}, and cannot be replaced by a sealed one")]
    Kept {
        /// Which.
        place: String,
        /// Who.
        keeper: String,
    },
    /// A sealed Secret does not stand in the place of a plain one.
    #[error(transparent)]
    Replace(Box<ReplaceError>),
    /// The object is of another namespace than the flag.
    #[error("the Secret `{place}` is not of the namespace `{flag}`, which `-n` names")]
    OtherNamespace {
        /// The object's place.
        place: String,
        /// The flag's.
        flag: String,
    },
    /// No KEK is named anywhere.
    #[error("no KEK is named to seal with")]
    NoKek,
    /// `local`, and there is no local key.
    #[error("there is no local key")]
    NoLocalKey,
    /// `kek new`, and there is a local key. Never "remove it": that would lose
    /// everything that is sealed with it.
    #[error("there is a local key already: `{0}`")]
    LocalKeyExists(PathBuf),
    /// The local key's file is locked, so its recipient is not known.
    #[error("the local key `{0}` is protected by a passphrase, which hides its recipient")]
    LockedLocalKey(PathBuf),
    /// An age identity that cannot be used.
    #[cfg(feature = "age")]
    #[error(transparent)]
    Identity(#[from] crate::kek::age::IdentityError),
    /// A KEK's name that is none.
    #[error(transparent)]
    Uri(#[from] UriError),
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
    /// The file is not newer than the live Secret, which another command changed.
    #[error(
        "the file's Secret `{place}` is not newer than the live one: it was sealed at {file}, the live one at {live}"
    )]
    OlderFile {
        /// The Secret.
        place: String,
        /// When the file's was sealed.
        file: String,
        /// When the live one was.
        live: String,
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
    /// The person said no to all of it.
    #[error("nothing was done")]
    Declined,
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
    /// The person, or the system, said to stop.
    #[error("interrupted: {done} of {all} are done, the others are as they were")]
    Interrupted {
        /// How many are done.
        done: usize,
        /// Of how many.
        all: usize,
        /// How to go on.
        go_on: String,
    },
    /// The Secret has no such key.
    #[error("the Secret `{place}` has no key `{key}`")]
    NoSuchKey {
        /// The Secret.
        place: String,
        /// The key.
        key: String,
    },
    /// A value that the output format cannot carry.
    #[error("the value of `{key}` cannot be written {how}")]
    Unprintable {
        /// The key.
        key: String,
        /// Where to.
        how: &'static str,
    },
    /// The cluster refused.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The same Secret in two documents: which one wins would be chance.
    #[error("the Secret `{0}` stands twice in what is to be applied")]
    Twice(String),
    /// Files hold fewer Secrets than when they were checked.
    #[error("the files were changed while they were being applied")]
    FilesChanged,
    /// No Secret at all in the files.
    #[error("there is no Secret in {0}")]
    NothingThere(String),
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
    /// Some of many failed; each was reported.
    #[error("{failed} of {all} failed{}", if failed < all { "; the others are done" } else { "" })]
    Some {
        /// How many failed.
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
    /// The edited text is wrong, and was left so.
    #[error("the edited text cannot be used, and nothing was changed: {0}")]
    Edited(String),
    /// What was edited was changed by someone else, too.
    #[error("the value of `{key}` of `{place}` was changed by someone else while it was edited")]
    EditedMeanwhile {
        /// The Secret.
        place: String,
        /// The key.
        key: String,
    },
    /// The program does not start.
    #[error(transparent)]
    Start(StartError),
    /// Signals cannot be caught.
    #[error("signals cannot be caught: {0}")]
    Signals(std::io::Error),
    /// Keys that may say which code a program runs, and that nobody named.
    #[error("these are not on the list of names that are known to steer no program: {0}")]
    SteeringNames(String),
    /// Variables that steer the login to a KMS, beside sealed ones.
    #[error(
        "these variables steer the login to a KMS, and may come from whoever can write a Secret of this pod: {0}"
    )]
    NotOfSpec(String),
    /// Two namespaces for one pod.
    #[error("`POD_NAMESPACE` says `{told}`, and the pod's service account `{written}`")]
    OtherPodNamespace {
        /// What the variable says.
        told: String,
        /// What the kubelet wrote down.
        written: String,
    },
    /// A sealed value that belongs to a namespace, in one that is not known.
    #[error("{0} is sealed for one namespace, and which one this is is not known")]
    LooseNamespace(String),
    /// The program ended with this code, which is ours too.
    #[error("the program ended with {0}")]
    Ended(u8),
    /// Two of the Secrets have the same key.
    #[error("the key `{0}` is in two of the Secrets")]
    SameKey(String),
    /// None of the Secrets has the key.
    #[error("none of the Secrets has the key `{0}`")]
    NowhereKey(String),
    /// A value that no environment variable can hold.
    #[error("the value for `{0}` holds a zero byte, which no environment variable can")]
    NotInVariable(String),
    /// A sealed value that stands alone and cannot be opened.
    #[error("{what} cannot be opened: {why}")]
    Loose {
        /// Which variable or file.
        what: String,
        /// Why not.
        why: String,
    },
    /// None of its KEKs may be asked.
    #[error(
        "{what} holds a value sealed under KEKs that neither `--kek` nor `ENVCRYPT_KEKS` names: {keks}"
    )]
    LooseKeks {
        /// Which variable or file.
        what: String,
        /// The KEKs.
        keks: String,
    },
    /// Others' keys stand in a sealed Secret, which so does not open.
    #[error(
        "the Secret `{place}` was applied, but keeps keys that others manage, and does not open with them: `{keys}`"
    )]
    Surplus {
        /// Which.
        place: String,
        /// The keys.
        keys: String,
    },
    /// Some workloads were not restarted; each was reported.
    #[error("{failed} of {all} were not restarted")]
    NotRestarted {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A restart that does not get on.
    #[error("`{0}` does not get on with its restart")]
    RolloutStuck(String),
    /// A restart that takes longer than it may.
    #[error("`{0}` was not restarted in time")]
    RolloutSlow(String),
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
        match self {
            Self::Usage(_) | Self::NotCompared(_) => ExitCode::from(2),
            Self::Interrupted { .. } | Self::Edit(EditError::Interrupted) => ExitCode::from(130),
            Self::Output(OutputError::Closed) => ExitCode::from(141),
            Self::Ended(code) => ExitCode::from(*code),
            // As every shell has it.
            Self::Start(error) => match error.source.kind() {
                std::io::ErrorKind::NotFound => ExitCode::from(127),
                _ => ExitCode::from(126),
            },
            _ => ExitCode::FAILURE,
        }
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
        self.causes(&mut report);
        // What the KEKs say of themselves comes first: a login may be all it takes.
        if let Self::Open(OpenError::Kek { refusals, .. } | OpenError::NotHeld { refusals, .. }) =
            self
        {
            report.hints.extend(refusals.iter().filter_map(|refused| refused.hint.clone()));
        }
        report.hints.extend(self.hint());
        Some(report)
    }

    fn causes(&self, report: &mut Report) {
        match self {
            Self::Kek(error) => report.causes.extend(error.detail.clone()),
            Self::Seal(SealError::Kek(error)) => report.causes.extend(error.detail.clone()),
            Self::Open(OpenError::Kek { refusals, .. } | OpenError::NotHeld { refusals, .. }) => {
                for refused in refusals {
                    report.causes.push(refused.to_string());
                    report.causes.extend(refused.detail.clone());
                }
            }
            Self::Cluster(error) => {
                report.causes.extend(error.cause().filter(|c| !c.is_empty()).map(str::to_owned))
            }
            _ => {}
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
