//! One change to many sealed Secrets, in files or in the cluster: bounded, in
//! parallel, each whole or not at all. What is done stays done when something
//! fails or the person interrupts; what is not is as it was.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::pin::pin;

use clap::{Args, ValueEnum};
use futures::future::{join_all, select_all};
use futures::{Stream, StreamExt, stream};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::input::{FileArgs, read_file};
use super::tally::{Done, IN_FLIGHT, Tally};
use super::{Failure, Session, complete};
use crate::cluster::{Cluster, ClusterError, place_of};
use crate::envelope::{SealCheck, SealedSecret};
use crate::manifest::{self, Document, ManifestError, Object};
use crate::secret::{Namespace, Place};
use crate::terminal;

/// How often a live Secret that others keep changing is tried.
const ATTEMPTS: usize = 5;
const UNCHANGED: &str = "unchanged";
const DRY_RUN: &str = "would be changed (dry run)";

/// Which Secrets.
#[derive(Args)]
pub struct ManyArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "filename")]
    all_namespaces: bool,
    /// Secrets of the cluster
    #[arg(value_name = "NAME", conflicts_with_all = ["filename", "all_namespaces", "selector"], add = complete::secrets())]
    names: Vec<String>,
    /// Only tell what would be changed; no KMS is asked to wrap or to open
    #[arg(long, value_enum, num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: Option<DryRun>,
}

/// `--dry-run`: a server could not tell what a KMS would do.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DryRun {
    Client,
}

impl ManyArgs {
    /// Whether nothing is to be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run.is_some()
    }
}

/// What is done to each Secret.
pub trait Change {
    /// Whether there is anything to do; asks the person what has to be asked, and
    /// no KMS. All Secrets are asked about before the first is changed.
    async fn admit(&self, secret: &SealedSecret, path: Option<&Path>) -> Result<bool, Failure>;

    /// The changed Secret, and in a few words how.
    async fn change(
        &self,
        secret: &SealedSecret,
        path: Option<&Path>,
    ) -> Result<(SealedSecret, &'static str), Failure>;

    /// What to add to the command to go on after an interruption.
    fn go_on(&self) -> String;
}

/// Changes them all.
pub async fn run(args: &ManyArgs, session: &Session, change: &impl Change) -> Result<(), Failure> {
    let many = Many { args, session, change, default: session.namespace()? };
    if !args.files.filename.is_empty() {
        return many.files().await;
    }
    if args.names.is_empty() && !args.all_namespaces && args.files.selector.is_none() {
        return Err(Failure::Usage(
            "name Secrets, files with `-f`, or take some with `-l` or `-A`".to_owned(),
        ));
    }
    many.live(&session.cluster().await?).await
}

struct Many<'a, C> {
    args: &'a ManyArgs,
    session: &'a Session,
    change: &'a C,
    default: Namespace,
}

/// A file, and which of its Secrets are to be changed, by their numbers.
struct Source {
    path: PathBuf,
    /// What standard input gave, which comes only once.
    piped: Option<Zeroizing<Vec<u8>>>,
    plan: BTreeMap<usize, bool>,
    /// Whether all of it can be done so far.
    is_whole: bool,
}

/// What became of the Secrets of one file.
#[derive(Default)]
struct Outcome {
    results: Vec<Result<Done, Failure>>,
    /// How many more failed for the same reason as another.
    lost: usize,
}

impl<C: Change> Many<'_, C> {
    async fn files(&self) -> Result<(), Failure> {
        let mut found = Findings::default();
        for path in self.paths(&mut found)? {
            let bytes = read_file(&path)?;
            let secrets = match self.parse(&path, &bytes, &mut found) {
                // Values of Helm, settings of CI: a folder holds much besides manifests.
                Err(Failure::Manifest {
                    source: ManifestError::NotObject { .. } | ManifestError::Syntax { .. },
                    ..
                }) if !self.is_named(&path) => {
                    found.no_manifests += 1;
                    continue;
                }
                Err(failure) => {
                    found.failures.push(failure);
                    continue;
                }
                Ok(secrets) => secrets,
            };
            let (mut plan, failed_before) = (BTreeMap::new(), found.failures.len());
            for (index, secret) in secrets {
                match self.change.admit(&secret, Some(&path)).await {
                    Ok(is_wanted) => drop(plan.insert(index, is_wanted)),
                    Err(failure) => found.failures.push(failure),
                }
            }
            let piped = (path == Path::new("-")).then_some(bytes);
            if piped.is_some() || !plan.is_empty() {
                let is_whole = found.failures.len() == failed_before;
                found.sources.push(Source { path, piped, plan, is_whole });
            }
        }
        found.tell();
        let count = found.sources.iter().map(|source| source.plan.len()).sum();
        if count == 0 && found.failures.is_empty() {
            return Err(Failure::NothingSealed(self.args.files.describe()));
        }
        let work = stream::iter(found.sources).map(|source| self.file(source));
        self.until_interrupted(count, found.failures, work).await
    }

    /// The files, each once; what a folder holds besides files is left out.
    fn paths(&self, found: &mut Findings) -> Result<Vec<PathBuf>, Failure> {
        let (mut paths, mut seen) = (Vec::new(), HashSet::new());
        for path in self.args.files.paths()? {
            if path != Path::new("-") {
                let error = |source| Failure::Read { path: path.clone(), source };
                let real = path.canonicalize().map_err(error)?;
                if !real.is_file() && self.is_named(&path) {
                    return Err(Failure::Usage(format!(
                        "`{}` is no file that could be changed in place: pipe it to `-f -`",
                        path.display()
                    )));
                }
                // Where a link leads is not for the folder to say.
                if !real.is_file() || (path.is_symlink() && !self.is_named(&path)) {
                    found.no_manifests += 1;
                    continue;
                }
                if !seen.insert(real) {
                    continue;
                }
            }
            paths.push(path);
        }
        Ok(paths)
    }

    fn is_named(&self, path: &Path) -> bool {
        self.args.files.filename.iter().any(|named| named == path)
    }

    /// The sealed Secrets of a file that are meant, by their number among all
    /// Secrets there.
    fn parse(
        &self,
        path: &Path,
        bytes: &[u8],
        found: &mut Findings,
    ) -> Result<BTreeMap<usize, SealedSecret>, Failure> {
        let error = |source| Failure::Manifest { path: path.to_owned(), source };
        let documents = manifest::parse(bytes).map_err(error)?;
        let objects = documents.iter().filter_map(|document| match document {
            Document::Secret(object) => Some(object),
            Document::Other(_) => None,
        });
        let mut secrets = BTreeMap::new();
        for (index, object) in objects.enumerate() {
            if !self.args.files.selects(object) {
                continue;
            }
            if !object.is_sealed() {
                found.plain += 1;
                continue;
            }
            let secret = object.sealed(&self.default, SealCheck::Required).map_err(error)?;
            self.session.check_namespace(&secret.meta.place)?;
            secret.check_place(SealCheck::Required)?;
            secrets.insert(index, secret);
        }
        Ok(secrets)
    }

    /// Changes the Secrets of one file, and writes it once.
    async fn file(&self, source: Source) -> Outcome {
        let Source { path, piped, plan, is_whole } = source;
        let is_piped = piped.is_some();
        let read = || -> Result<_, Failure> {
            let bytes = piped.map_or_else(|| read_file(&path), Ok)?;
            let secrets = self.parse(&path, &bytes, &mut Findings::default())?;
            Ok((bytes, secrets))
        };
        let (bytes, secrets) = match read() {
            Ok(read) => read,
            Err(failure) => return Outcome::all_failed(plan.len(), failure),
        };
        let planned = secrets.iter().filter_map(|(index, secret)| {
            plan.get(index).map(|is_wanted| (*index, secret, *is_wanted))
        });
        let each = planned.map(async |(index, secret, is_wanted)| {
            (index, &secret.meta.place, self.one(secret, Some(&path), is_wanted).await)
        });
        let (mut changed, mut results) = (BTreeMap::new(), Vec::new());
        for (index, place, result) in join_all(each).await {
            results.push(result.map(|(new, how)| {
                changed.extend(new.map(|secret| (index, secret)));
                Done { name: place.name.to_string(), how }
            }));
        }
        // A filter gives all or nothing.
        if is_piped && (!is_whole || results.iter().any(Result::is_err)) {
            let lost = results.iter().filter(|result| result.is_ok()).count();
            return Outcome { results: only_failed(results), lost };
        }
        match self.write(&path, &bytes, &changed, is_piped) {
            Ok(()) => Outcome { results, lost: 0 },
            Err(failure) => {
                let lost = results.iter().filter(|result| result.is_ok()).count().saturating_sub(1);
                let results = only_failed(results).into_iter().chain([Err(failure)]).collect();
                Outcome { results, lost }
            }
        }
    }

    fn write(
        &self,
        path: &Path,
        old: &[u8],
        changed: &BTreeMap<usize, SealedSecret>,
        is_piped: bool,
    ) -> Result<(), Failure> {
        let error = |source| Failure::Manifest { path: path.to_owned(), source };
        let new = match changed.is_empty() {
            true if is_piped => return Ok(terminal::stdout(old)?),
            true => return Ok(()),
            false => {
                let text = std::str::from_utf8(old).map_err(|_| error(ManifestError::NotText))?;
                manifest::replace(text, changed).map_err(error)?
            }
        };
        match is_piped {
            true => Ok(terminal::stdout(new.as_bytes())?),
            false => Ok(terminal::replace_file(path, old, new.as_bytes())?),
        }
    }

    /// The new Secret, `None` where nothing is to be done.
    async fn one(
        &self,
        secret: &SealedSecret,
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

    /// First all are looked at, and their names kept; then each is fetched anew:
    /// a list would be too old by its end, and too large to hold.
    async fn live(&self, cluster: &Cluster) -> Result<(), Failure> {
        let looked_at = match self.args.names.is_empty() {
            true => self.listed(cluster).await?,
            false => self.named(cluster).await?,
        };
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for result in looked_at {
            match result {
                Ok(secret) => found.push(secret),
                Err(failure) => failures.push(failure),
            }
        }
        let count = found.len();
        let work = stream::iter(found).map(async |(place, is_wanted)| {
            let result = match is_wanted {
                true => self.live_one(cluster, &place).await,
                false => Ok(Done { name: place.name.to_string(), how: UNCHANGED }),
            };
            Outcome { results: vec![result], lost: 0 }
        });
        self.until_interrupted(count, failures, work).await
    }

    async fn named(
        &self,
        cluster: &Cluster,
    ) -> Result<Vec<Result<(Place, bool), Failure>>, Failure> {
        let mut found = Vec::new();
        for name in &self.args.names {
            let place = place_of(&self.default, name)?;
            let object = cluster.secret(&place).await?;
            found.push(self.admit_live(&object).await);
        }
        Ok(found)
    }

    async fn listed(
        &self,
        cluster: &Cluster,
    ) -> Result<Vec<Result<(Place, bool), Failure>>, Failure> {
        let namespace = (!self.args.all_namespaces).then_some(&self.default);
        let selector = self.args.files.selector.as_ref().map(|selector| selector.as_str());
        let mut found = Vec::new();
        let admit = async |objects: Vec<Object>| {
            for object in &objects {
                found.push(self.admit_live(object).await);
            }
        };
        cluster.sealed_secrets(namespace, selector, admit).await?;
        if found.is_empty() {
            let scope = namespace.map_or("the cluster".into(), |n| format!("the namespace `{n}`"));
            return Err(Failure::NothingSealed(scope));
        }
        Ok(found)
    }

    async fn admit_live(&self, object: &Object) -> Result<(Place, bool), Failure> {
        let secret = self.sealed(object)?;
        let is_wanted = self.change.admit(&secret, None).await?;
        Ok((secret.meta.place, is_wanted))
    }

    fn sealed(&self, object: &Object) -> Result<SealedSecret, Failure> {
        let secret = object.sealed(&self.default, SealCheck::Required)?;
        secret.check_place(SealCheck::Required)?;
        Ok(secret)
    }

    /// Changes a live Secret; where someone else did meanwhile, their version.
    async fn live_one(&self, cluster: &Cluster, place: &Place) -> Result<Done, Failure> {
        for _ in 1..ATTEMPTS {
            match self.try_live(cluster, place).await {
                Err(Failure::Cluster(ClusterError::Changed(_))) => {}
                result => return result,
            }
        }
        self.try_live(cluster, place).await
    }

    async fn try_live(&self, cluster: &Cluster, place: &Place) -> Result<Done, Failure> {
        let mut object = cluster.secret(place).await?;
        let secret = self.sealed(&object)?;
        let is_wanted = self.change.admit(&secret, None).await?;
        let (new, how) = self.one(&secret, None, is_wanted).await?;
        if let Some(new) = new {
            manifest::put(&mut object, &new);
            cluster.reseal(place, &object).await?;
        }
        Ok(Done { name: place.name.to_string(), how })
    }

    /// Does the work. When the person says so, nothing new is begun, and what is
    /// under way comes to its end; the second time, that is not waited for.
    async fn until_interrupted<F: Future<Output = Outcome>>(
        &self,
        count: usize,
        failures: Vec<Failure>,
        work: impl Stream<Item = F>,
    ) -> Result<(), Failure> {
        let all = count + failures.len();
        let mut tally = Tally::new(all);
        if self.is_named(Path::new("-")) {
            tally = tally.on_stderr();
        }
        failures.into_iter().for_each(|failure| tally.count(Err(failure)));
        let interrupted = Cell::new(false);
        let stop = async {
            interruption().await;
            interrupted.set(true);
        };
        let mut work = pin!(work.take_until(stop).buffer_unordered(IN_FLIGHT));
        let mut again = pin!(async {
            interruption().await;
            interruption().await;
        });
        loop {
            tokio::select! {
                outcome = work.next() => match outcome {
                    Some(outcome) => tally.take(outcome.results, outcome.lost),
                    None => break,
                },
                () = &mut again => break,
            }
        }
        if interrupted.get() && tally.seen() < all {
            let go_on = self.change.go_on();
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

fn only_failed(results: Vec<Result<Done, Failure>>) -> Vec<Result<Done, Failure>> {
    results.into_iter().filter(Result::is_err).collect()
}

/// What the files hold.
#[derive(Default)]
struct Findings {
    sources: Vec<Source>,
    failures: Vec<Failure>,
    plain: usize,
    no_manifests: usize,
}

impl Findings {
    fn tell(&self) {
        if self.plain > 0 {
            terminal::note(&format!("plain Secrets, {} in all, are passed over", self.plain));
        }
        if self.no_manifests > 0 {
            terminal::note(&format!(
                "files that are no manifests, and links, {} in all, are passed over",
                self.no_manifests
            ));
        }
    }
}

/// Until the person, the system or the terminal's end says to stop.
async fn interruption() {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    let signals = kinds.map(|kind| async move {
        match signal(kind) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    });
    select_all(signals.map(Box::pin)).await;
}
