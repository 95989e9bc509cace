//! One change to many Secrets, sealed or plain, in files or in the cluster: bounded, in
//! parallel, each whole or not at all. What is done stays done when something
//! fails or the person interrupts; what is not is as it was.

pub mod confirm;
pub mod edit_values;
mod files;
mod live;
pub mod progress;
mod subject;

use std::cell::Cell;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::timeout;

use crate::batch::progress::{Done, IN_FLIGHT, Progress};
use crate::cluster::{Cluster, Sort};
use crate::failure::{BatchError, Failure, SelectError};
use crate::process;
use crate::select::many::{self, ManyArgs};
use crate::select::names::place_named;
use crate::session::Session;
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Object};
use envcrypt_core::secret::{Namespace, Place};
pub use subject::{Plain, Subject, owner};

const UNCHANGED: &str = "unchanged";
const DRY_RUN: &str = "would be changed (dry run)";

/// How long what is under way may take to end after an interruption; a second
/// one cuts it short. What is dropped then is as it was.
const GRACE: Duration = Duration::from_secs(2);

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
        return Err(many::nothing_named());
    }
    for name in &args.names {
        place_named(&many.default, name)?;
    }
    many.live(&session.cluster().await?).await
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
            Sort::Sealed => Failure::Select(SelectError::NothingSealed(place)),
            Sort::Plain => Failure::Select(SelectError::NothingPlain(place)),
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
        let mut progress = Progress::new(all);
        let stdin = self.args.files.filename.iter().any(|path| path == Path::new("-"));
        if stdin || self.args.to_stdout {
            progress = progress.on_stderr();
        }
        failures.into_iter().for_each(|failure| progress.count(Err(failure)));
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
                    Some(outcome) => progress.take(outcome.results, outcome.lost),
                    None => break,
                },
                () = &mut given_up, if !is_over => is_over = true,
            }
        }
        if interrupted.get() && progress.seen() < all {
            let go_on = match self.args.single {
                true => "it is as it was: run the command again".to_owned(),
                false => self.change.go_on(),
            };
            return Err(Failure::Batch(BatchError::Interrupted {
                done: progress.done(),
                all,
                go_on,
            }));
        }
        progress.summarise();
        progress.finish()
    }
}

impl Outcome {
    fn all_failed(count: usize, failure: Failure) -> Self {
        Self { results: vec![Err(failure)], lost: count.saturating_sub(1) }
    }
}
