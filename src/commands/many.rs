//! One change to many Secrets, sealed or plain, in files or in the cluster: bounded, in
//! parallel, each whole or not at all. What is done stays done when something
//! fails or the person interrupts; what is not is as it was.

mod files;
mod live;
mod subject;

use std::cell::Cell;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use clap::{Args, ValueEnum};
use futures::{Stream, StreamExt};
use tokio::time::timeout;

use super::input::FileArgs;
use super::local::MakeLocal;
use super::tally::{Done, IN_FLIGHT, Tally};
use super::words::place_named;
use super::{Failure, Session, complete};
use crate::cluster::{Cluster, Sort};
use crate::envelope::SealedSecret;
use crate::manifest::{self, Object};
use crate::process;
use crate::secret::{Namespace, Place};
pub use subject::{Plain, Subject, keeper};

const UNCHANGED: &str = "unchanged";
const DRY_RUN: &str = "would be changed (dry run)";

/// How long what is under way may take to end after an interruption; a second
/// one cuts it short. What is dropped then is as it was.
const GRACE: Duration = Duration::from_secs(2);

/// Which Secrets.
#[derive(Args, Default)]
pub struct ManyArgs {
    #[command(flatten)]
    pub files: FileArgs,
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    pub all_namespaces: bool,
    /// Secrets of the cluster
    #[arg(value_name = "NAME", conflicts_with_all = ["filename", "all_namespaces", "selector"], add = complete::secrets())]
    pub names: Vec<String>,
    /// Only tell what would be changed; no KMS is asked to wrap or to open
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    pub dry_run: Option<DryRun>,
    /// Whether it is for one Secret alone
    #[arg(skip)]
    pub single: bool,
    /// Whether a file is left as it is, and its new text goes to standard output
    #[arg(skip)]
    pub to_stdout: bool,
}

/// `--dry-run`: a server could not tell what a KMS would do.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DryRun {
    Client,
}

impl ManyArgs {
    /// Whether nothing is to be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.is_some()
    }

    /// Whether naming `local` may make the key.
    pub fn make_local(&self) -> MakeLocal {
        match self.is_dry_run() {
            true => MakeLocal::No,
            false => MakeLocal::Yes,
        }
    }
}

/// What is done to each Secret.
pub trait Change {
    /// To which Secrets: sealed or plain ones.
    type Secret: Subject;

    /// Whether there is anything to do; asks the person what has to be asked, and
    /// no KMS. All Secrets are asked about before the first is changed.
    async fn admit(&self, secret: &Self::Secret, path: Option<&Path>) -> Result<bool, Failure>;

    /// The changed Secret, and in a few words how.
    async fn change(
        &self,
        secret: Self::Secret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure>;

    /// Puts it into the cluster, in the place of the very version that `object` is.
    async fn write(
        &self,
        cluster: &Cluster,
        place: &Place,
        mut object: Object,
        new: &SealedSecret,
    ) -> Result<(), Failure> {
        let mut gone: Vec<String> = object.data.iter().flatten().map(|(k, _)| k.clone()).collect();
        manifest::put(&mut object, new);
        gone.retain(|key| !object.data.iter().flatten().any(|(k, _)| k == key));
        Ok(cluster.reseal(place, &object, &gone).await?)
    }

    /// What to do about a Secret that is named and is not in the cluster: whether it
    /// stands there now, as it is wanted.
    async fn missing(&self, _: &Cluster, _: &Place) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Whether the work may be cut short just now; else it goes on to the next end.
    fn may_stop(&self) -> bool {
        true
    }

    /// How to go on after an interruption, where there are several.
    fn go_on(&self) -> String {
        "the same command goes on where this one stopped".to_owned()
    }
}

/// Changes them all.
pub async fn run(args: &ManyArgs, session: &Session, change: &impl Change) -> Result<(), Failure> {
    let many = Many { args, session, change, default: session.namespace()? };
    if !args.files.filename.is_empty() {
        return many.files().await;
    }
    if args.names.is_empty() && !args.all_namespaces && args.files.selector.is_none() {
        return Err(nothing_named());
    }
    for name in &args.names {
        place_named(&many.default, name)?;
    }
    many.live(&session.cluster().await?).await
}

/// That the flags say nothing of which Secrets.
pub fn nothing_named() -> Failure {
    Failure::Usage("name Secrets, files with `-f`, or take some with `-l` or `-A`".to_owned())
}

struct Many<'a, C> {
    args: &'a ManyArgs,
    session: &'a Session,
    change: &'a C,
    default: Namespace,
}

/// What became of the Secrets of one file.
#[derive(Default)]
struct Outcome {
    results: Vec<Result<Done, Failure>>,
    /// How many more failed for the same reason as another.
    lost: usize,
}

impl<C: Change> Many<'_, C> {
    fn nothing(&self, place: String) -> Failure {
        match C::Secret::SORT {
            Sort::Sealed => Failure::NothingSealed(place),
            Sort::Plain => Failure::NothingPlain(place),
        }
    }

    /// The new Secret, `None` where nothing is to be done.
    async fn one(
        &self,
        secret: C::Secret,
        path: Option<&Path>,
        is_wanted: bool,
    ) -> Result<(Option<SealedSecret>, &'static str), Failure> {
        match (is_wanted, self.args.is_dry_run()) {
            (false, _) => Ok((None, UNCHANGED)),
            (true, true) => Ok((None, DRY_RUN)),
            (true, false) => {
                let (new, how) = self.change.change(secret, path).await?;
                Ok((Some(new), how))
            }
        }
    }

    /// Does the work. When the person says so, nothing new is begun, and what is
    /// under way may come to its end, within reason.
    async fn until_interrupted<F: Future<Output = Outcome>>(
        &self,
        count: usize,
        failures: Vec<Failure>,
        work: impl Stream<Item = F>,
    ) -> Result<(), Failure> {
        let all = count + failures.len();
        let mut tally = Tally::new(all);
        let stdin = self.args.files.filename.iter().any(|path| path == Path::new("-"));
        if stdin || self.args.to_stdout {
            tally = tally.on_stderr();
        }
        failures.into_iter().for_each(|failure| tally.count(Err(failure)));
        let interrupted = Cell::new(false);
        let mut work = pin!(work.take_until(Box::pin(process::stopped())).buffered(IN_FLIGHT));
        let mut given_up = pin!(async {
            process::stopped().await;
            interrupted.set(true);
            let _ = timeout(GRACE, process::stopped()).await;
        });
        let mut is_over = false;
        while !(is_over && self.change.may_stop()) {
            tokio::select! {
                outcome = work.next() => match outcome {
                    Some(outcome) => tally.take(outcome.results, outcome.lost),
                    None => break,
                },
                () = &mut given_up, if !is_over => is_over = true,
            }
        }
        if interrupted.get() && tally.seen() < all {
            let go_on = match self.args.single {
                true => "it is as it was: run the command again".to_owned(),
                false => self.change.go_on(),
            };
            return Err(Failure::Interrupted { done: tally.done(), all, go_on });
        }
        tally.summarise();
        tally.finish()
    }
}

impl Outcome {
    fn all_failed(count: usize, failure: Failure) -> Self {
        Self { results: vec![Err(failure)], lost: count.saturating_sub(1) }
    }
}
