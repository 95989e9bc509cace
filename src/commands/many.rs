//! One change to many sealed Secrets, in files or in the cluster: bounded, in
//! parallel, each whole or not at all. What is done stays done when something
//! fails or the person interrupts; what is not is as it was.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use futures::future::join_all;
use futures::{Stream, StreamExt, stream};
use tokio::signal::unix::{SignalKind, signal};
use zeroize::Zeroizing;

use super::input::{FileArgs, read_file};
use super::tally::{Done, IN_FLIGHT, Tally};
use super::{Failure, Session, complete};
use crate::cluster::{Cluster, ClusterError, place_of};
use crate::envelope::{SealCheck, SealedSecret};
use crate::manifest::{self, Document, Object};
use crate::secret::{Namespace, Place};
use crate::terminal::{self, OutputError};

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
    #[arg(value_name = "NAME", conflicts_with = "filename", add = complete::secrets())]
    names: Vec<String>,
    /// Only tell what would be changed; no KMS is asked
    #[arg(long)]
    dry_run: bool,
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

/// A file, or what standard input gave, which comes only once.
struct Source {
    path: PathBuf,
    piped: Option<Zeroizing<Vec<u8>>>,
}

impl<C: Change> Many<'_, C> {
    async fn files(&self) -> Result<(), Failure> {
        let (mut sources, mut count, mut plain) = (Vec::new(), 0, 0);
        for path in self.args.files.paths()? {
            let bytes = read_file(&path)?;
            let (secrets, others) = self.parse(&path, &bytes)?;
            for secret in secrets.values() {
                self.change.admit(secret, Some(&path)).await?;
            }
            plain += others;
            count += secrets.len();
            if !secrets.is_empty() {
                let piped = (path == Path::new("-")).then_some(bytes);
                sources.push(Source { path, piped });
            }
        }
        if plain > 0 {
            terminal::note(&format!("plain Secrets, {plain} in all, are passed over"));
        }
        if count == 0 {
            return Err(Failure::NothingSealed(self.args.files.describe()));
        }
        let work = stream::iter(sources).map(|source| self.file(source));
        self.until_interrupted(count, work.buffer_unordered(IN_FLIGHT)).await
    }

    /// The sealed Secrets of a file that are meant, by their number among all
    /// Secrets there, and how many plain ones are among them.
    fn parse(
        &self,
        path: &Path,
        bytes: &[u8],
    ) -> Result<(BTreeMap<usize, SealedSecret>, usize), Failure> {
        let error = |source| Failure::Manifest { path: path.to_owned(), source };
        let documents = manifest::parse(bytes).map_err(error)?;
        let objects = documents.iter().filter_map(|document| match document {
            Document::Secret(object) => Some(object),
            Document::Other(_) => None,
        });
        let (mut secrets, mut plain) = (BTreeMap::new(), 0);
        for (index, object) in objects.enumerate() {
            if !self.args.files.selects(object) {
                continue;
            }
            if !object.is_sealed() {
                plain += 1;
                continue;
            }
            let secret = object.sealed(&self.default, SealCheck::Required).map_err(error)?;
            self.session.check_namespace(&secret.meta.place)?;
            secret.check_place(SealCheck::Required)?;
            secrets.insert(index, secret);
        }
        Ok((secrets, plain))
    }

    /// Changes the Secrets of one file, and writes it once.
    async fn file(&self, source: Source) -> Vec<Result<Done, Failure>> {
        let Source { path, piped } = source;
        let is_piped = piped.is_some();
        let bytes = match piped.map_or_else(|| read_file(&path), Ok) {
            Ok(bytes) => bytes,
            Err(failure) => return vec![Err(failure)],
        };
        let secrets = match self.parse(&path, &bytes) {
            Ok((secrets, _)) => secrets,
            Err(failure) => return vec![Err(failure)],
        };
        let each = secrets.into_iter().map(async |(index, secret)| {
            let name = secret.meta.place.name.to_string();
            (index, name, self.one(&secret, Some(&path)).await)
        });
        let (mut changed, mut results) = (BTreeMap::new(), Vec::new());
        for (index, name, result) in join_all(each).await {
            results.push(result.map(|(new, how)| {
                changed.extend(new.map(|secret| (index, secret)));
                Done { name, how }
            }));
        }
        match self.write(&path, &bytes, &changed, is_piped) {
            Ok(()) => results,
            // None of what was changed is written.
            Err(failure) => {
                results.into_iter().filter(Result::is_err).chain([Err(failure)]).collect()
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
        let text = std::str::from_utf8(old).map_err(|_| error(manifest::ManifestError::NotText))?;
        if changed.is_empty() {
            return match is_piped {
                true => Ok(terminal::stdout(old)?),
                false => Ok(()),
            };
        }
        let new = manifest::replace(text, changed).map_err(error)?;
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
    ) -> Result<(Option<SealedSecret>, &'static str), Failure> {
        if !self.change.admit(secret, path).await? {
            return Ok((None, UNCHANGED));
        }
        if self.args.dry_run {
            return Ok((None, DRY_RUN));
        }
        let (new, how) = self.change.change(secret, path).await?;
        Ok((Some(new), how))
    }

    /// First all are looked at, and their names kept; then each is fetched anew:
    /// a list would be too old by its end, and too large to hold.
    async fn live(&self, cluster: &Cluster) -> Result<(), Failure> {
        let found = match self.args.names.is_empty() {
            true => self.listed(cluster).await?,
            false => self.named(cluster).await?,
        };
        let count = found.len();
        let work = stream::iter(found).map(async |(place, is_wanted)| match is_wanted {
            true => vec![self.live_one(cluster, &place).await],
            false => vec![Ok(Done { name: place.name.to_string(), how: UNCHANGED })],
        });
        self.until_interrupted(count, work.buffer_unordered(IN_FLIGHT)).await
    }

    async fn named(&self, cluster: &Cluster) -> Result<Vec<(Place, bool)>, Failure> {
        let mut found = Vec::new();
        for name in &self.args.names {
            let place = place_of(&self.default, name)?;
            found.push(self.admit_live(&cluster.secret(&place).await?).await?);
        }
        Ok(found)
    }

    async fn listed(&self, cluster: &Cluster) -> Result<Vec<(Place, bool)>, Failure> {
        let namespace = (!self.args.all_namespaces).then_some(&self.default);
        let selector = self.args.files.selector.as_ref().map(|selector| selector.as_str());
        let mut results = Vec::new();
        let admit = async |objects: Vec<Object>| {
            for object in &objects {
                results.push(self.admit_live(object).await);
            }
        };
        cluster.sealed_secrets(namespace, selector, admit).await?;
        if results.is_empty() {
            let scope = namespace.map_or("the cluster".into(), |n| format!("the namespace `{n}`"));
            return Err(Failure::NothingSealed(scope));
        }
        results.into_iter().collect()
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
        let (new, how) = self.one(&secret, None).await?;
        if let Some(new) = new {
            manifest::put(&mut object, &new);
            cluster.reseal(place, &object).await?;
        }
        Ok(Done { name: place.name.to_string(), how })
    }

    /// Does the work, and stops between two Secrets when the person says so.
    async fn until_interrupted(
        &self,
        count: usize,
        work: impl Stream<Item = Vec<Result<Done, Failure>>>,
    ) -> Result<(), Failure> {
        let mut tally = Tally::new(count);
        if self.stdout_is_taken() {
            tally = tally.on_stderr();
        }
        let listen = |kind| signal(kind).map_err(|e| Failure::Output(OutputError::Stdout(e)));
        let mut interrupted = listen(SignalKind::interrupt())?;
        let mut terminated = listen(SignalKind::terminate())?;
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                results = work.next() => match results {
                    Some(results) => results.into_iter().for_each(|result| tally.count(result)),
                    None => break,
                },
                _ = interrupted.recv() => return Err(self.interrupted(&tally, count)),
                _ = terminated.recv() => return Err(self.interrupted(&tally, count)),
            }
        }
        tally.summarise();
        tally.finish()
    }

    fn interrupted(&self, tally: &Tally, all: usize) -> Failure {
        Failure::Interrupted { done: tally.done(), all, go_on: self.change.go_on() }
    }

    /// The changed manifests go there.
    fn stdout_is_taken(&self) -> bool {
        self.args.files.filename.iter().any(|path| path == Path::new("-"))
    }
}
