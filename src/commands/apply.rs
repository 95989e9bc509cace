//! `apply`: applies sealed files to the cluster, as they are or unwrapped.

mod live;
mod older;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use clap::Args;
use futures::StreamExt;
use futures::stream::FuturesOrdered;

use crate::access::opener::{OpenArgs, Opener};
use crate::batch::progress::{Done, IN_FLIGHT, Progress};
use crate::failure::{AccessError, BatchError, Failure, SelectError};
use crate::guard::{AnyClusterArgs, ClusterCheck};
use crate::restart::{RestartArgs, Restarter};
use crate::select::dry_run::DryRun;
use crate::select::files::{FileArgs, FoundObject, tell_passed_over};
use crate::select::listed::Listed;
use crate::session::Session;
use crate::signers;
use crate::terminal;
use envcrypt_cluster::{Cluster, ClusterError, FIELD_MANAGER, WriteOptions};
use envcrypt_core::envelope::SealedSecret;
use envcrypt_core::manifest::{self, Object};
use envcrypt_core::secret::{Namespace, Place};
use live::Before;

/// How often a Secret is compared again that others change at the same time.
const ATTEMPTS: usize = 3;

/// Apply sealed Secrets to the cluster, as they are or unwrapped.
///
/// The command uses server-side apply. By default, it sends the Secrets as they are in the
/// files, so etcd has only sealed values. With --unwrap, it opens them on this machine and
/// applies plain Secrets of their real type, for workloads that cannot open sealed values.
///
/// The command refuses a file that was sealed before the Secret in the cluster: someone may have
/// brought back an old version. This holds for both kinds of sealed Secrets, and for plain Secrets
/// that --unwrap made. To bring back old values on purpose, run `rotate -f FILE` first; where a rule
/// asks for signatures, add `--allow-older` to it.
///
/// An EnvcryptSecret is applied as the custom resource, from which envcrypt-controller makes the
/// plain Secret. With --unwrap, this machine makes the plain Secret instead.
#[derive(Args)]
#[command(after_help = "Examples:
  # Apply all sealed Secrets of a directory as they are
  kubectl envcrypt apply -R -f deploy/

  # Apply a sealed file, then restart the workloads whose values changed
  kubectl envcrypt apply -f db.yaml --restart

  # Apply plain Secrets, for workloads that cannot open sealed values
  kubectl envcrypt apply --unwrap -f db.yaml

  # Let the API server check the files without changing anything
  kubectl envcrypt apply -f db.yaml --dry-run=server")]
pub struct ApplyArgs {
    #[command(flatten)]
    files: FileArgs,
    /// Open the Secrets and apply them as plain Secrets
    #[arg(long)]
    unwrap: bool,
    /// Overwrite fields that other field managers own
    #[arg(long)]
    force_conflicts: bool,
    /// Apply a file although it was sealed before the Secret in the cluster
    #[arg(long)]
    allow_older: bool,
    /// client: send nothing to the cluster; server: let the API server check the request without
    /// saving it
    #[arg(long, value_enum, default_value = "none", num_args = 0..=1, default_missing_value = "client", require_equals = true)]
    dry_run: DryRun,
    /// Field manager for server-side apply
    #[arg(long, value_name = "NAME", default_value = FIELD_MANAGER, hide_short_help = true)]
    field_manager: String,
    /// Drop labels and annotations that the signers of the Secret did not sign
    #[arg(long, requires = "unwrap", help_heading = "Opening")]
    drop_unsigned: bool,
    #[command(flatten)]
    any_cluster: AnyClusterArgs,
    #[command(flatten)]
    open: OpenArgs,
    #[command(flatten)]
    restart: RestartArgs,
}

/// Runs the command. It reads and checks every file before it applies the first one.
pub async fn run(args: ApplyArgs, session: &Session) -> Result<(), Failure> {
    if args.files.filename.is_empty() {
        return Err(Failure::Usage("name files with `-f`".to_owned()));
    }
    if args.restart.is_wanted() && args.dry_run == DryRun::Client {
        return Err(Failure::Usage("`--restart` needs the cluster: use `--dry-run=server`".into()));
    }
    args.restart.check(session, args.dry_run == DryRun::Server)?;
    let (clusters, default) = (ClusterCheck::new(session, &args.any_cluster), session.namespace()?);
    if args.dry_run != DryRun::Client {
        let read = |path: &Path| Ok(args.files.read_sealed(path)?.found);
        clusters.check_files(&args.files.paths()?, &default, read).await?;
    }
    let reader = Reader { args: &args, session, clusters, default };
    let opener = match args.unwrap || args.restart.is_wanted() {
        true if args.unwrap => {
            Some(Opener::new(session, &args.open)?.for_plain(args.drop_unsigned))
        }
        true => Some(Opener::new(session, &args.open)?),
        false => None,
    };
    let (sources, places) = reader.check_all(opener.as_ref().filter(|_| args.unwrap)).await?;
    let cluster = match args.dry_run {
        DryRun::Client => None,
        _ => Some(session.cluster().await?),
    };
    let restarter = match (&cluster, &opener) {
        (Some(cluster), Some(opener)) if args.restart.is_wanted() => {
            Some(Restarter::new(&args.restart, session, opener, cluster, &places).await?)
        }
        _ => None,
    };
    let opener = opener.as_ref().filter(|_| args.unwrap);
    let shows_path = sources.len() > 1;
    let work = Application {
        args: &args,
        opener,
        cluster,
        restarter,
        shows_path,
        warned: RefCell::default(),
        listed: Listed::new(places.len()),
    };
    let mut progress = Progress::new(places.len());
    let mut under_way = FuturesOrdered::new();
    for source in sources {
        for found in reader.read(source, &mut progress) {
            while under_way.len() >= IN_FLIGHT {
                progress.count(under_way.next().await.expect("some are under way"));
            }
            match reader.secret(&found) {
                Ok(secret) => under_way.push_back(work.apply(secret, found)),
                Err(failure) => progress.count(Err(failure)),
            }
        }
    }
    while let Some(result) = under_way.next().await {
        progress.count(result);
    }
    let result = progress.finish();
    if let (Some(restarter), Err(_)) = (&work.restarter, &result)
        && !restarter.has_changes()
    {
        return result;
    }
    if let (Some(restarter), Some(cluster)) = (&work.restarter, &work.cluster) {
        let restarted = restarter.finish(cluster, args.dry_run == DryRun::Server).await;
        if let (Err(failure), Err(_)) = (&restarted, &result) {
            failure.report().into_iter().for_each(|report| report.print());
        }
        return result.and(restarted);
    }
    result
}

/// The Secrets to apply. Files are kept by name, so that ten thousand need no more memory than
/// one. A pipe can be read only once, so its Secrets are kept.
enum Source {
    File(PathBuf),
    Pipe(Vec<FoundObject>),
}

/// Reads the files twice: first to check them all, then one by one to apply them.
struct Reader<'a> {
    args: &'a ApplyArgs,
    session: &'a Session,
    clusters: ClusterCheck<'a>,
    default: Namespace,
}

impl Reader<'_> {
    /// Checks every Secret before the first is applied. On a terminal, it also prompts for
    /// consent to a new KEK.
    async fn check_all(
        &self,
        opener: Option<&Opener<'_>>,
    ) -> Result<(Vec<Source>, HashSet<Place>), Failure> {
        let mut sources = Vec::new();
        let mut places = HashSet::new();
        let (mut others, mut passed_over) = (0, 0);
        for path in self.args.files.paths()? {
            let read = self.args.files.read_sealed(&path)?;
            others += read.others;
            passed_over += read.passed_over;
            let found = read.found;
            for found in &found {
                let secret = self.secret(found)?;
                if self.args.dry_run != DryRun::Client {
                    self.clusters.check(&secret.meta.place, Some(&found.path)).await?;
                }
                if let Some(opener) = opener {
                    opener.admit(&secret, Some(&found.path)).await?;
                } else if found.object.is_resource() && self.args.restart.is_wanted() {
                    return Err(Failure::Usage(format!(
                        "`--restart` cannot wait for the plain Secret of the EnvcryptSecret `{}`: the controller makes it",
                        secret.meta.place
                    )));
                }
                if !places.insert(secret.meta.place.clone()) {
                    return Err(Failure::Select(SelectError::Twice(secret.meta.place.to_string())));
                }
            }
            sources.push(match path.as_os_str() != "-" && path.is_file() {
                true => Source::File(path),
                false => Source::Pipe(found),
            });
        }
        tell_passed_over(passed_over);
        if others > 0 {
            terminal::note(&format!(
                "skipped objects of other kinds: {others}; apply them with `kubectl apply`"
            ));
        }
        match places.len() {
            0 => Err(Failure::Select(SelectError::NothingSealed(self.args.files.describe()))),
            _ => Ok((sources, places)),
        }
    }

    fn secret(&self, found: &FoundObject) -> Result<SealedSecret, Failure> {
        let secret = found.sealed(self.session, &self.default, self.args.open.seal())?;
        secret.check_place(self.args.open.seal())?;
        // With `--unwrap`, opening it checks the signatures.
        if !self.args.unwrap && self.args.open.asks_signatures() {
            let signed = signers::check(self.session, &secret, Some(&found.path))?;
            let names = signed.map(|signed| signed.uncovered).unwrap_or_default();
            // A controller makes a plain Secret of a resource, with all that its template has.
            if found.object.is_resource() && !names.is_empty() {
                let place = secret.meta.place.to_string();
                return Err(Failure::Access(AccessError::UnsignedLabels { place, names }));
            }
        }
        Ok(secret)
    }

    /// Reads a file again. If it changed and cannot be used any more, that is one failure.
    fn read(&self, source: Source, progress: &mut Progress) -> Vec<FoundObject> {
        match source {
            Source::Pipe(found) => found,
            Source::File(path) => {
                self.args.files.read_sealed(&path).map(|read| read.found).unwrap_or_else(
                    |failure| {
                        progress.count(Err(failure));
                        Vec::new()
                    },
                )
            }
        }
    }
}

/// Applies each Secret.
struct Application<'a> {
    args: &'a ApplyArgs,
    opener: Option<&'a Opener<'a>>,
    cluster: Option<Cluster>,
    restarter: Option<Restarter<'a>>,
    /// Whether results name the file, because there are several.
    shows_path: bool,
    /// The warnings so far, so that each is printed once.
    warned: RefCell<BTreeSet<String>>,
    listed: Listed,
}

impl Application<'_> {
    /// Opens the Secret if necessary, applies it, and returns the result to print.
    async fn apply(&self, secret: SealedSecret, found: FoundObject) -> Result<Done, Failure> {
        let (place, FoundObject { path, object }) = (&secret.meta.place, found);
        let mut object = match &self.opener {
            Some(opener) => {
                let plain = opener.open(&secret, Some(&path)).await?;
                plain.check()?;
                older::with_time(manifest::plain_object(&plain), &secret)
            }
            None => object.for_apply(place),
        };
        if let Some(cluster) = &self.cluster {
            let options = WriteOptions {
                dry_run: self.args.dry_run == DryRun::Server,
                field_manager: self.args.field_manager.clone(),
                force_conflicts: self.args.force_conflicts,
            };
            let (before, after) = self.send(cluster, &secret, &mut object, &options).await?;
            if let Some(restarter) = &self.restarter {
                restarter.note(place, before.as_deref(), &after).await;
            }
            if !options.dry_run {
                self.clean_up(cluster, place, &object, &after, &options).await?;
            }
        }
        let done = match self.args.dry_run {
            DryRun::None => "serverside-applied",
            DryRun::Client => "serverside-applied (dry run)",
            DryRun::Server => "serverside-applied (server dry run)",
        };
        let name = object.reference();
        let of = self.shows_path.then(|| path.display().to_string());
        Ok(Done { name, how: done, of })
    }

    /// Applies the object to exactly the version that it was compared with. Returns what was there
    /// before, if it was read, and what is there now.
    async fn send(
        &self,
        cluster: &Cluster,
        secret: &SealedSecret,
        object: &mut Object,
        options: &WriteOptions,
    ) -> Result<(Option<Box<Object>>, Object), Failure> {
        let place = &secret.meta.place;
        let compares = !self.args.allow_older;
        if compares && let Some(other) = self.find_other(cluster, place, object).await? {
            older::check_not_older(secret, &other)?;
        }
        let mut before = match compares {
            true => self.before(cluster, place, object).await?,
            false if self.restarter.is_some() => self.read(cluster, place, object.form()).await?,
            false => Before::Read(None),
        };
        let mut attempt = 0;
        loop {
            if let Some(live) = before.live().filter(|_| compares) {
                older::check_not_older(secret, live)?;
            }
            if compares {
                before.pin(object);
            }
            let after = self.patch(cluster, secret, object, options, before.live()).await;
            match (after, before) {
                // What the list said does not hold any more, or it is of another type.
                (Err(_), Before::Absent) => {}
                // Someone else was faster: compare with that.
                (Err(Failure::Cluster(ClusterError::Changed(_))), _)
                    if compares && attempt + 1 < ATTEMPTS =>
                {
                    attempt += 1;
                }
                (after, before) => return Ok((before.into_live(), after?)),
            }
            before = self.read(cluster, place, object.form()).await?;
        }
    }

    /// Removes what applying leaves in the cluster. A sealed Secret with additional keys of other
    /// field managers does not open. With `--force-conflicts` these keys are removed; otherwise
    /// they are an error.
    async fn clean_up(
        &self,
        cluster: &Cluster,
        place: &Place,
        object: &Object,
        after: &Object,
        options: &WriteOptions,
    ) -> Result<(), Failure> {
        let keys =
            |object: &'_ Object| -> BTreeSet<String> { object.keys().map(str::to_owned).collect() };
        let mut surplus = keys(after);
        surplus.retain(|key| object.is_sealed() && !keys(object).contains(key));
        let is_taken_off = self.args.force_conflicts;
        let gone: Vec<_> = surplus.iter().filter(|_| is_taken_off).collect();
        cluster.clean_up(place, after, &gone, options).await?;
        match surplus.is_empty() || is_taken_off {
            true => Ok(()),
            false => {
                let keys = surplus.into_iter().collect::<Vec<_>>().join("`, `");
                Err(Failure::Batch(BatchError::Surplus { place: place.to_string(), keys }))
            }
        }
    }
}
