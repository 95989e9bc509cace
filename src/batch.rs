//! One change to many sealed or plain Secrets, in files or in the cluster. The changes run in
//! parallel, up to a limit, and each is complete or not made. After an error or an interruption,
//! finished changes stay and the other Secrets are unchanged.

pub mod confirm;
pub mod edit_values;
mod files;
mod live;
pub mod progress;
pub mod store_again;
mod subject;

use std::cell::Cell;
use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use futures::{Stream, StreamExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::author::{Past, Signing, Signs};
use crate::batch::progress::{AT_ONCE, Done, IN_FLIGHT, Progress};
use crate::failure::{BatchError, Failure, SelectError};
use crate::guard::confirm_context;
use crate::process;
use crate::select::many::{self, ManyArgs};
use crate::select::names::named;
use crate::session::Session;
use envcrypt_cluster::{Cluster, Sort};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Form, Object};
use envcrypt_core::secret::{Namespace, Place};
pub use subject::{Plain, Subject, owner};

const UNCHANGED: &str = "unchanged";
const DRY_RUN: &str = "would be changed (dry run)";

/// How long running changes may take to end after an interruption. A second interruption ends them
/// at once. What has not ended by then is unchanged.
const GRACE: Duration = Duration::from_secs(2);

/// A change to each Secret.
pub trait Change {
    /// Sealed or plain Secrets.
    type Secret: Subject;

    /// Whether there is anything to do. May prompt the person, but calls no KMS to open anything.
    /// This runs for all Secrets before the first one is changed.
    async fn admit(&self, secret: &Self::Secret, path: Option<&Path>) -> Result<bool, Failure>;

    /// The changed Secret, and what was done in a few words.
    async fn change(
        &self,
        secret: Self::Secret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure>;

    /// Writes it to the cluster, in place of exactly the version `object`.
    async fn write(
        &self,
        cluster: &Cluster,
        place: &Place,
        mut object: Object,
        new: &SealedSecret,
    ) -> Result<(), Failure> {
        let mut gone: Vec<String> = object.keys().map(str::to_owned).collect();
        manifest::put(&mut object, new);
        gone.retain(|key| !object.keys().any(|k| k == key));
        Ok(cluster.reseal(place, &object, &gone).await?)
    }

    /// Notes a file that another program encrypted. Returns whether it is one.
    fn note(&self, _: &Path, _: &[u8]) -> bool {
        false
    }

    /// Gets the keys of all noted files, at once.
    async fn unlock(&self) -> Result<(), Failure> {
        Ok(())
    }

    /// The plain manifests of a noted file. They must never be written.
    fn open_noted(&self, _: &Path, _: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
        Ok(None)
    }

    /// Handles a Secret that is named but not in the cluster. Returns whether it now exists as
    /// wanted.
    async fn missing(&self, _: &Cluster, _: &Place) -> Result<bool, Failure> {
        Ok(false)
    }

    /// Whether an earlier run did this already to a Secret that is named, so that it is of the other
    /// sort now.
    fn is_done(&self, _: &Place) -> bool {
        false
    }

    /// The form in which a file gets a Secret that was plain. A sealed one keeps its form.
    fn form(&self) -> Form {
        Form::Secret
    }

    /// Which of the changed Secrets are signed.
    fn signs(&self) -> Signs {
        Signs::ByRule
    }

    /// Whether a Secret may be changed although Git has a newer one.
    fn allows_older(&self) -> bool {
        false
    }

    /// Whether the work may be interrupted right now.
    fn may_stop(&self) -> bool {
        true
    }

    /// How to continue after an interruption, if there are several Secrets.
    fn go_on(&self) -> String {
        "run the same command again to continue".to_owned()
    }
}

/// Changes all of them.
pub async fn run(args: &ManyArgs, session: &Session, change: &impl Change) -> Result<(), Failure> {
    let signing = Signing::new(session, change.signs());
    let many = Many {
        args,
        session,
        change,
        signing,
        past: Past::default(),
        default: session.namespace()?,
    };
    if !args.files.filename.is_empty() {
        return many.files().await;
    }
    if args.names.is_empty() && !args.all_namespaces && args.files.selector.is_none() {
        return Err(many::nothing_named());
    }
    for name in &args.names {
        named(&many.default, name)?;
    }
    if !args.is_dry_run() {
        confirm_context(session)?;
    }
    many.live(&session.cluster().await?).await
}

struct Many<'a, C> {
    args: &'a ManyArgs,
    session: &'a Session,
    change: &'a C,
    signing: Signing<'a>,
    past: Past,
    default: Namespace,
}

/// The results for the Secrets of one file.
#[derive(Default)]
struct Outcome {
    results: Vec<Result<Done, Failure>>,
    /// How many more failed for a reason that is reported once.
    lost: usize,
}

impl<C: Change> Many<'_, C> {
    fn nothing(&self, place: String) -> Failure {
        match C::Secret::SORT {
            Sort::Sealed => Failure::Select(SelectError::NothingSealed(place)),
            Sort::Plain => Failure::Select(SelectError::NothingPlain(place)),
        }
    }

    /// Whether there is anything to do for a Secret. The key that signs it is found first: nobody
    /// types a value that cannot be signed.
    async fn admit(&self, secret: &C::Secret, path: Option<&Path>) -> Result<bool, Failure> {
        let is_signed = self.signing.admit(secret.place(), secret.sealed(), path)?;
        if let (Some(old), Some(path)) = (secret.sealed(), path)
            && !self.change.allows_older()
            && self.signing.is_asked(&old.meta.place, path)?
        {
            self.past.check(old, path, &self.default)?;
        }
        let is_wanted = self.change.admit(secret, path).await?;
        if is_wanted && is_signed {
            self.signing.plan();
        }
        Ok(is_wanted)
    }

    /// The file, if it is only one.
    fn only_file(&self) -> Option<&Path> {
        match &self.args.files.filename[..] {
            [path] if !path.is_dir() => Some(path),
            _ => None,
        }
    }

    /// The new Secret, or `None` if there is nothing to do.
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
                Ok((Some(self.signing.sign(new, path).await?), how))
            }
        }
    }

    /// Does the work. After an interruption, nothing new starts, and running changes get a short
    /// time to end.
    async fn until_interrupted<F: Future<Output = Outcome>>(
        &self,
        count: usize,
        failures: Vec<Failure>,
        work: impl Stream<Item = F>,
    ) -> Result<(), Failure> {
        let all = count + failures.len();
        let mut progress = Progress::new(all);
        if !self.args.is_dry_run() {
            self.signing.announce();
        }
        let stdin = self.args.files.filename.iter().any(|path| path == Path::new("-"));
        if stdin || self.args.to_stdout {
            progress = progress.on_stderr();
        }
        failures.into_iter().for_each(|failure| progress.count(Err(failure)));
        let interrupted = Cell::new(false);
        let at_once = if self.args.files.filename.is_empty() { IN_FLIGHT } else { AT_ONCE };
        let mut work = pin!(work.take_until(Box::pin(process::stopped())).buffered(at_once));
        let mut given_up = pin!(async {
            process::stopped().await;
            interrupted.set(true);
            let _ = timeout(GRACE, process::stopped()).await;
        });
        let mut is_over = false;
        while !(is_over && self.change.may_stop()) {
            tokio::select! {
                outcome = work.next() => match outcome {
                    Some(outcome) => {
                        // A program that was asked for a signature ended with the interruption.
                        let is_ended = |result: &Result<_, _>| matches!(result, Err(Failure::Ended(_)));
                        if outcome.results.iter().any(is_ended) {
                            interrupted.set(true);
                            break;
                        }
                        progress.take(outcome.results, outcome.lost);
                    }
                    None => break,
                },
                () = &mut given_up, if !is_over => is_over = true,
            }
        }
        if interrupted.get() && progress.seen() < all {
            let go_on = match self.args.single {
                true => "the Secret is unchanged: run the command again".to_owned(),
                false => self.change.go_on(),
            };
            return Err(Failure::Batch(BatchError::Interrupted {
                done: progress.done(),
                all,
                go_on,
            }));
        }
        progress.summarise();
        match self.args.files.filename.is_empty() {
            true => self.signing.tell_open_of("NAME"),
            false => self.signing.tell_open(self.only_file()),
        }
        progress.finish()
    }
}

impl Outcome {
    fn all_failed(count: usize, failure: Failure) -> Self {
        Self { results: vec![Err(failure)], lost: count.saturating_sub(1) }
    }
}
